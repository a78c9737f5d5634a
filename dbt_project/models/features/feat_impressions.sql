{{ config(
    materialized='replaced', tblproperties=skipping_by('shown_on'),
    meta={
        'day': 'shown_on', 'key': ['source', 'impression_id'],
        'touched': {'person': "coalesce(row.customer_id, concat('impression ', row.impression_id))"},
    }
) }}
{%- do touch_keys(people_with_changed_impressions()) -%}

with

impressions as (

    select * from {{ ref('stg_impressions') }}

),

campaigns as (

    select
        campaign_id,
        min(channel) as channel,
        min(objective) as objective
    from {{ ref('stg_campaigns') }}
    group by campaign_id

),

customers as (

    select
        customer_id,
        min_by(city, source) as city,
        min_by(region, source) as region,
        min_by(gender, source) as gender,
        min_by(birth_year, source) as birth_year
    from {{ ref('stg_customers') }}
    where registered_at is null or to_date(registered_at) <= {{ run_day() }}
    group by customer_id

),

activity as (

    select * from {{ ref('feat_activity') }} as activity
    {{ only_touched('activity', {'person': 'row.customer_id'}) }}
    where
        customer_id is not null
        and (kind in ('view', 'search', 'add_to_cart') or (kind = 'order_line' and is_purchase))

),

-- Every impression counts for its creative, whoever saw it.
shown_by_then as (

    select
        *,
        count(*) over creative_before as creative_prior_impression_count,
        count_if(coalesce(is_clicked, false)) over creative_before as creative_prior_click_count
    from impressions
    where shown_on <= {{ run_day() }}
    window
        creative_before as (
            partition by creative_id order by unix_micros(shown_at) range between unbounded preceding and 1 preceding
        )

),

shown as (

    select
        *,
        {{ local_time('shown_by_then', 'shown_at') }} as local_shown_at
    from shown_by_then
    {{ only_touched('shown_by_then') }}

),

-- The how manyth view of its category, or line of its order, a deed is.
deeds as (

    select
        customer_id,
        kind,
        category_level_1,
        unix_micros(occurred_at) as moment,
        row_number() over (
            partition by customer_id, kind, case kind when 'view' then category_level_1 else happening_id end
            order by occurred_at
        ) as place
    from activity

),

-- Impressions beside what their customers did: a window over both counts what came strictly before.
moments as (

    select
        source,
        impression_id,
        coalesce(customer_id, concat('impression ', impression_id)) as person,
        customer_id,
        campaign_id,
        creative_id,
        slot_id,
        device_type,
        region,
        attributes,
        cost_amount,
        coalesce(is_clicked, false) as is_clicked,
        shown_at,
        shown_on,
        local_shown_at,
        creative_prior_impression_count,
        creative_prior_click_count,
        unix_micros(shown_at) as moment,
        'impression' as kind,
        coalesce(attributes['creative_category'], attributes['category']) as category,
        0 as category_count
    from shown

    union all

    select
        null,
        null,
        customer_id,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        moment,
        kind,
        if(kind = 'view', category_level_1, null),
        place
    from deeds
    where kind != 'order_line' or place = 1

),

with_history as (

    select
        *,
        count_if(kind = 'impression') over before as prior_impression_count,
        count_if(kind = 'impression' and is_clicked) over before as prior_click_count,
        max(case when kind = 'impression' then moment end) over before as prior_shown_moment,
        max(case when kind = 'impression' and is_clicked then moment end) over before as prior_click_moment,
        count_if(kind = 'impression') over week_before as prior_impression_count_7d,
        count_if(kind = 'impression' and is_clicked) over month_before as prior_click_count_30d,
        count_if(kind = 'view') over week_before as prior_view_count_7d,
        count_if(kind = 'view') over month_before as prior_view_count_30d,
        count_if(kind = 'view') over before as prior_view_count,
        count_if(kind = 'search') over month_before as prior_search_count_30d,
        count_if(kind = 'add_to_cart') over month_before as prior_cart_count_30d,
        count_if(kind = 'order_line') over before as prior_order_count,
        max(case when kind = 'order_line' then moment end) over before as prior_order_moment,
        max(case when kind = 'view' and category is not null then concat(lpad(category_count, 10, '0'), category) end)
            over before as top_viewed,
        count_if(kind = 'view') over same_category_before as prior_category_view_count
    from moments
    window
        before as (partition by person order by moment range between unbounded preceding and 1 preceding),
        week_before as (partition by person order by moment range between 604800000000 preceding and 1 preceding),
        same_category_before as (
            partition by person, category order by moment range between unbounded preceding and 1 preceding
        ),
        month_before as (partition by person order by moment range between 2592000000000 preceding and 1 preceding)

),

with_creative as (

    select
        *,
        count_if(customer_id is not null) over creative_to_person_before as prior_creative_impression_count
    from with_history
    where kind = 'impression'
    window
        creative_to_person_before as (
            partition by creative_id, person order by moment range between unbounded preceding and 1 preceding
        )

),

final as (

    select
        ---------- ids
        told.source,
        told.impression_id,
        told.customer_id,
        told.campaign_id,
        told.creative_id,
        told.slot_id,

        ---------- context
        hour(told.local_shown_at) as hour_of_day,
        (dayofweek(told.local_shown_at) + 5) % 7 + 1 as day_of_week,
        told.device_type,
        coalesce(told.region, customers.region) as region,
        campaigns.channel,
        campaigns.objective,
        told.attributes,
        cast(told.cost_amount as decimal(18, 2)) as cost_amount,

        ---------- who
        customers.gender,
        customers.city,
        year(told.shown_at) - customers.birth_year as age_years,

        ---------- history before the impression
        told.prior_impression_count,
        told.prior_click_count,
        told.prior_click_count / nullif(told.prior_impression_count, 0) as prior_click_rate,
        told.prior_impression_count_7d,
        told.prior_click_count_30d,
        told.prior_creative_impression_count,
        told.prior_view_count,
        told.prior_view_count_7d,
        told.prior_view_count_30d,
        told.prior_search_count_30d,
        told.prior_cart_count_30d,
        told.prior_order_count,
        (told.moment - told.prior_shown_moment) / 3600000000 as hours_since_prior_impression,
        (told.moment - told.prior_click_moment) / 86400000000 as days_since_prior_click,
        (told.moment - told.prior_order_moment) / 86400000000 as days_since_prior_order,
        told.category as creative_category,
        case when told.category is not null then told.prior_category_view_count end as prior_category_view_count,
        case
            when told.category is not null then told.prior_category_view_count / nullif(told.prior_view_count, 0)
        end as prior_category_view_rate,
        substr(told.top_viewed, 11) as prior_top_category,
        cast(substr(told.top_viewed, 1, 10) as int) / nullif(told.prior_view_count, 0) as prior_top_category_rate,

        ---------- the creative before the impression
        told.creative_prior_impression_count,
        told.creative_prior_click_count,
        told.creative_prior_click_count / nullif(told.creative_prior_impression_count, 0) as creative_prior_click_rate,

        ---------- outcome
        told.is_clicked,

        ---------- times
        told.shown_at,
        told.shown_on
    from with_creative as told
    left join customers on told.customer_id = customers.customer_id
    left join campaigns on told.campaign_id = campaigns.campaign_id

)

select {{ in_order_of_days(landed_rows(['impressions'])) }}* from final
