{{ config(
    materialized='replaced', tblproperties=skipping_by('shown_on'),
    meta={
        'day': 'shown_on', 'key': ['source', 'impression_id'],
        'touched': {'source': 'row.source', 'impression_id': 'row.impression_id'},
    }
) }}
{%- do touch_keys(changed_impressions()) -%}
{%- do put_viewers_aside() -%}
{%- set month = 30 * 86400000000 -%}

with

impressions as (

    select
        *,
        unix_micros(shown_at) as moment,
        {{ viewer('impressions') }} as person,
        coalesce(attributes['creative_category'], attributes['category']) as category
    from {{ ref('stg_impressions') }} as impressions
    where shown_on <= {{ run_day() }}

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
    {{ only_viewers('activity.customer_id') }}
    where
        customer_id is not null
        and (kind in ('view', 'search', 'add_to_cart') or (kind = 'order_line' and is_purchase))

),

-- Every impression counts for its creative, whoever saw it; those before the first touched one are added up.
showings as (

    select
        source,
        impression_id,
        creative_id,
        moment,
        1 as impression_count,
        if(is_clicked, 1, 0) as click_count
    from impressions
    where {{ is_since_first_touched('moment') }}

    union all

    select
        null as source,
        null as impression_id,
        creative_id,
        max(moment) as moment,
        count(*) as impression_count,
        count_if(is_clicked) as click_count
    from impressions
    where not {{ is_since_first_touched('moment') }}
    group by creative_id

),

creatives as (

    select
        source,
        impression_id,
        coalesce(sum(impression_count) over before, 0) as prior_impression_count,
        coalesce(sum(click_count) over before, 0) as prior_click_count
    from showings
    window
        before as (partition by creative_id order by moment range between unbounded preceding and 1 preceding)

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

-- Impressions beside what their customers did: a window over both adds up what came strictly before.
moments as (

    select
        source,
        impression_id,
        person,
        customer_id,
        creative_id,
        category,
        moment,
        1 as impression_count,
        if(is_clicked, 1, 0) as click_count,
        0 as view_count,
        0 as search_count,
        0 as cart_count,
        0 as order_count,
        moment as shown_moment,
        case when is_clicked then moment end as click_moment,
        cast(null as bigint) as order_moment,
        cast(null as string) as viewed
    from impressions
    {{ only_viewers('impressions.person') }}

    union all

    select
        null as source,
        null as impression_id,
        customer_id as person,
        customer_id,
        null as creative_id,
        if(kind = 'view', category_level_1, null) as category,
        moment,
        0 as impression_count,
        0 as click_count,
        if(kind = 'view', 1, 0) as view_count,
        if(kind = 'search', 1, 0) as search_count,
        if(kind = 'add_to_cart', 1, 0) as cart_count,
        if(kind = 'order_line', 1, 0) as order_count,
        null as shown_moment,
        null as click_moment,
        if(kind = 'order_line', moment, null) as order_moment,
        if(kind = 'view', concat(lpad(place, 10, '0'), category_level_1), null) as viewed
    from deeds
    where kind != 'order_line' or place = 1

),
{%- if is_increment() %}

-- What a viewer did more than 30 days before the first touched impression is added up.
recent_moments as (

    select
        told_source as source,
        told_impression_id as impression_id,
        person,
        customer_id,
        creative_id,
        category,
        max(moment) as moment,
        sum(impression_count) as impression_count,
        sum(click_count) as click_count,
        sum(view_count) as view_count,
        sum(search_count) as search_count,
        sum(cart_count) as cart_count,
        sum(order_count) as order_count,
        max(shown_moment) as shown_moment,
        max(click_moment) as click_moment,
        max(order_moment) as order_moment,
        max(viewed) as viewed
    from (
        select
            *,
            case when is_recent then source end as told_source,
            case when is_recent then impression_id end as told_impression_id,
            case when is_recent then moment end as told_moment
        from (
            select
                moments.*,
                moments.moment >= viewers.first_moment - {{ month }} as is_recent
            from moments
            inner join {{ aside('viewers') }} as viewers on moments.person = viewers.person
        ) as beside
    ) as placed
    group by told_source, told_impression_id, told_moment, person, customer_id, creative_id, category

),
{%- endif %}

with_history as (

    select
        *,
        coalesce(sum(impression_count) over before, 0) as prior_impression_count,
        coalesce(sum(click_count) over before, 0) as prior_click_count,
        max(shown_moment) over before as prior_shown_moment,
        max(click_moment) over before as prior_click_moment,
        coalesce(sum(impression_count) over week_before, 0) as prior_impression_count_7d,
        coalesce(sum(click_count) over month_before, 0) as prior_click_count_30d,
        coalesce(sum(view_count) over week_before, 0) as prior_view_count_7d,
        coalesce(sum(view_count) over month_before, 0) as prior_view_count_30d,
        coalesce(sum(view_count) over before, 0) as prior_view_count,
        coalesce(sum(search_count) over month_before, 0) as prior_search_count_30d,
        coalesce(sum(cart_count) over month_before, 0) as prior_cart_count_30d,
        coalesce(sum(order_count) over before, 0) as prior_order_count,
        max(order_moment) over before as prior_order_moment,
        max(viewed) over before as top_viewed,
        coalesce(sum(view_count) over same_category_before, 0) as prior_category_view_count
    from {{ 'recent_moments' if is_increment() else 'moments' }}
    window
        before as (partition by person order by moment range between unbounded preceding and 1 preceding),
        week_before as (partition by person order by moment range between 604800000000 preceding and 1 preceding),
        same_category_before as (
            partition by person, category order by moment range between unbounded preceding and 1 preceding
        ),
        month_before as (partition by person order by moment range between {{ month }} preceding and 1 preceding)

),

with_creative as (

    select
        *,
        coalesce(sum(if(customer_id is null, 0, impression_count)) over creative_to_person_before, 0)
            as prior_creative_impression_count
    from with_history
    where impression_count > 0
    window
        creative_to_person_before as (
            partition by creative_id, person order by moment range between unbounded preceding and 1 preceding
        )

),

told as (

    select
        *,
        {{ local_time('impressions', 'shown_at') }} as local_shown_at
    from impressions
    {{ only_touched('impressions') }}

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
        history.prior_impression_count,
        history.prior_click_count,
        history.prior_click_count / nullif(history.prior_impression_count, 0) as prior_click_rate,
        history.prior_impression_count_7d,
        history.prior_click_count_30d,
        history.prior_creative_impression_count,
        history.prior_view_count,
        history.prior_view_count_7d,
        history.prior_view_count_30d,
        history.prior_search_count_30d,
        history.prior_cart_count_30d,
        history.prior_order_count,
        (told.moment - history.prior_shown_moment) / 3600000000 as hours_since_prior_impression,
        (told.moment - history.prior_click_moment) / 86400000000 as days_since_prior_click,
        (told.moment - history.prior_order_moment) / 86400000000 as days_since_prior_order,
        told.category as creative_category,
        case when told.category is not null then history.prior_category_view_count end as prior_category_view_count,
        case
            when told.category is not null
                then history.prior_category_view_count / nullif(history.prior_view_count, 0)
        end as prior_category_view_rate,
        substr(history.top_viewed, 11) as prior_top_category,
        cast(substr(history.top_viewed, 1, 10) as int) / nullif(history.prior_view_count, 0) as prior_top_category_rate,

        ---------- the creative before the impression
        creatives.prior_impression_count as creative_prior_impression_count,
        creatives.prior_click_count as creative_prior_click_count,
        creatives.prior_click_count / nullif(creatives.prior_impression_count, 0) as creative_prior_click_rate,

        ---------- outcome
        coalesce(told.is_clicked, false) as is_clicked,

        ---------- times
        told.shown_at,
        told.shown_on
    from told
    inner join with_creative as history
        on told.source = history.source and told.impression_id = history.impression_id
    inner join creatives on told.source = creatives.source and told.impression_id = creatives.impression_id
    left join customers on told.customer_id = customers.customer_id
    left join campaigns on told.campaign_id = campaigns.campaign_id

)

select {{ in_order_of_days(landed_rows(['impressions'])) }}* from final
