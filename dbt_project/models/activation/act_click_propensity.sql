with

predictions as (

    select * from {{ source('ml', 'click_predictions') }}

),

-- The campaign that showed a creative last.
creatives as (

    select
        creative_id,
        max_by(campaign_id, struct(shown_at, campaign_id)) as campaign_id,
        max(shown_on) as last_shown_on
    from {{ ref('feat_impressions') }}
    group by creative_id

),

campaigns as (

    select
        campaign_id,
        min(name) as campaign_name
    from {{ ref('stg_campaigns') }}
    group by campaign_id

),

placed as (

    select
        *,
        row_number() over (
            partition by customer_id order by click_probability desc, creative_id, slot_id, region
        ) as rank,
        rank() over (order by click_probability) - 1 as less_likely_count,
        count(*) over () as prediction_count
    from predictions

),

final as (

    select
        ---------- ids
        placed.customer_id,
        placed.creative_id,
        placed.slot_id,
        placed.region,
        creatives.campaign_id,
        campaigns.campaign_name,

        ---------- how likely
        placed.click_probability,
        placed.rank,
        cast(1 + (10 * placed.less_likely_count) div placed.prediction_count as int) as decile,

        ---------- where it comes from
        creatives.last_shown_on,
        placed.model_version
    from placed
    left join creatives on placed.creative_id = creatives.creative_id
    left join campaigns on creatives.campaign_id = campaigns.campaign_id

)

select * from final
