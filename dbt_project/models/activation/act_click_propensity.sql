with

predictions as (

    select * from {{ source('ml', 'click_predictions') }}

),

contactable as (

    select customer_id from {{ ref('dim_consent') }} where is_contactable

),

showings as (

    select
        creative_id,
        campaign_id,
        max(shown_at) as shown_at,
        max(shown_on) as shown_on
    from {{ ref('feat_impressions') }}
    group by creative_id, campaign_id

),

campaigns as (

    select
        campaign_id,
        min(name) as campaign_name
    from {{ ref('stg_campaigns') }}
    group by campaign_id

),

-- The campaign that showed a creative last.
last_showings as (

    select
        creative_id,
        max(case when place = 1 then campaign_id end) as campaign_id,
        max(shown_on) as last_shown_on
    from (
        select
            *,
            row_number() over (partition by creative_id order by shown_at desc, campaign_id desc) as place
        from showings
    ) as ordered
    group by creative_id

),

creatives as (

    select
        last_showings.*,
        campaigns.campaign_name
    from last_showings
    left join campaigns on last_showings.campaign_id = campaigns.campaign_id

),

placed as (

    select
        *,
        row_number() over (
            partition by customer_id order by click_probability desc, creative_id, slot_id, region
        ) as rank
    from predictions

),

-- Where each tenth begins, found among probabilities alone: whole rows are dear to put in order.
tenths as (

    select
        {{ starts_of_tenths('click_probability', 'tenth') }}
    from (
        select
            click_probability,
            cast(1 + (10 * (rank() over (order by click_probability) - 1)) div count(*) over () as int) as tenth
        from predictions
    ) as ordered

),

-- An attribute of a creative has a name of its own; a level is told in words where the model has words for it.
told as (

    select
        placed.*,
        {{ tenth_of('placed.click_probability', 'tenths') }} as decile,
        {{ say_by("if(reason_feature like 'attributes.%', 'attributes', reason_feature)", click_facts(), {
            'attribute': 'substring(reason_feature, 12)',
        }) }} as fact,
        coalesce(
            {{ say_by("concat(reason_feature, '=', reason_value)", click_levels()) }},
            {{ say_by('reason_value', click_levels()) }},
            reason_value
        ) as level
    from placed
    cross join tenths

),

final as (

    select
        ---------- ids
        told.customer_id,
        told.creative_id,
        told.slot_id,
        told.region,
        creatives.campaign_id,
        creatives.campaign_name,

        ---------- how likely
        told.click_probability,
        told.rank,
        told.decile,

        ---------- why
        {{ say_by(
            "concat(
                cast(cast(sign(told.reason_effect) as int) as string),
                if(told.reason_effect <> 0 and told.reason_value is null, ' mixed', '')
            )",
            click_reasons(),
            {'fact': 'coalesce(told.fact, told.reason_feature)', 'level': 'told.level'}
        ) }} as reason,
        told.reason_feature,
        told.reason_effect,

        ---------- where it comes from
        creatives.last_shown_on,
        told.model_version
    from told
    left join creatives on told.creative_id = creatives.creative_id
    left join contactable on told.customer_id = contactable.customer_id
    where told.customer_id is null or contactable.customer_id is not null

)

select * from final
