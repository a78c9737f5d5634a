{{ config(
    materialized='replaced', tblproperties=skipping_by('shown_on'),
    meta={
        'day': 'shown_on', 'key': ['source', 'impression_id'],
        'touched': {'source': 'row.source', 'impression_id': 'row.impression_id'},
    }
) }}
{%- do touch_keys(changed_impressions()) -%}
{%- do put_viewers_aside() -%}
{%- set touched = 'silver.impressions as impressions' ~ only_touched('impressions') -%}
{%- set is_touched_day = is_on_days_of('shown_on', touched) -%}
{%- set week, month, two = 7 * 86400000000, 30 * 86400000000, 2 ** 32 -%}
{%- set deeds -%}
select
    customer_id as person,
    kind,
    category_level_1 as category,
    happening_id,
    unix_micros(occurred_at) as moment
from {{ ref('feat_activity') }} as activity
{{ only_viewers('activity.customer_id') }}
where
    customer_id is not null
    and (kind in ('view', 'search', 'add_to_cart') or (kind = 'order_line' and is_purchase))
{%- endset %}

with

impressions as (

    select
        *,
        unix_micros(shown_at) as moment,
        case when is_clicked then unix_micros(shown_at) end as clicked_at,
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

-- Few are a touched person's, of all there are: found once. In a table made whole they are most of them.
deeds as (

    select * from {{ found_once('deeds', deeds) }} as found

),

shown as (

    select impressions.* from impressions
    {{ only_viewers('impressions.person') }}

),

-- What a person was shown before. An engine goes through the rows anew for each window: two counts are one number.
impressions_before as (

    select
        source,
        impression_id,
        coalesce(sum(if(is_clicked, {{ two }}, 0) + 1) over before, 0) as clicks_and_impressions,
        max(moment) over before as prior_shown_moment,
        max(clicked_at) over before as prior_click_moment,
        count(*) over week_before as prior_impression_count_7d,
        count(clicked_at) over month_before as prior_click_count_30d,
        if(customer_id is null, 0, rank() over same_creative - 1) as prior_creative_impression_count
    from shown
    window
        before as (partition by person order by moment range between unbounded preceding and 1 preceding),
        week_before as (partition by person order by moment range between {{ week }} preceding and 1 preceding),
        month_before as (partition by person order by moment range between {{ month }} preceding and 1 preceding),
        same_creative as (partition by person, creative_id order by moment)

),

asked as (

    select distinct
        person,
        category,
        moment
    from impressions
    {{ only_touched('impressions') }}
    where {{ is_touched_day }}

),

-- Views of a category up to each of them (`is_deed` 1), and before each impression of it (0).
tastes as (

    select
        *,
        sum(is_deed) over (
            partition by person, category order by moment, is_deed rows between unbounded preceding and current row
        ) as category_view_count
    from (
        select
            person,
            category,
            moment,
            0 as is_deed
        from asked

        union all

        select
            person,
            category,
            moment,
            1 as is_deed
        from deeds
        where kind = 'view'
    ) as seen

),

-- Deeds, between the moments at which they are asked for: those of impressions, and 7 and 30 days before.
happenings as (

    select
        person,
        category,
        moment - days_before * {{ week // 7 }} as moment,
        is_deed,
        days_before,
        category_view_count,
        is_deed as view_count,
        0 as search_count,
        0 as cart_count,
        0 as order_count,
        case when is_deed = 1 then concat(lpad(category_view_count, 10, '0'), category) end as viewed
    from (
        select
            *,
            explode(if(is_deed = 1, array(0), array(0, 7, 30))) as days_before
        from tastes
    ) as asked_moments

    union all

    select
        person,
        null as category,
        moment,
        1 as is_deed,
        0 as days_before,
        null as category_view_count,
        0 as view_count,
        if(kind = 'search', 1, 0) as search_count,
        if(kind = 'add_to_cart', 1, 0) as cart_count,
        0 as order_count,
        null as viewed
    from deeds
    where kind in ('search', 'add_to_cart')

    union all

    select
        person,
        null as category,
        min(moment) as moment,
        1 as is_deed,
        0 as days_before,
        null as category_view_count,
        0 as view_count,
        0 as search_count,
        0 as cart_count,
        1 as order_count,
        null as viewed
    from deeds
    where kind = 'order_line'
    group by person, happening_id

),

-- Two counts are added up as one number. The sum over a range of moments is the difference of two over all before,
-- for a frame of rows costs a fifth of a range.
running as (

    select
        person,
        category,
        moment + days_before * {{ week // 7 }} as moment,
        is_deed,
        days_before,
        category_view_count,
        sum(cast(view_count as bigint) * {{ two }} + search_count) over so_far as views_and_searches,
        sum(cast(order_count as bigint) * {{ two }} + cart_count) over so_far as orders_and_carts,
        max(case when order_count > 0 then moment end) over so_far as order_moment,
        max(viewed) over so_far as viewed
    from happenings
    window
        so_far as (partition by person order by moment, is_deed rows between unbounded preceding and current row)

),

by_days_before as (

    select
        person,
        category,
        moment,
        max(case when days_before = 0 then views_and_searches end) as views_and_searches,
        max(case when days_before = 7 then views_and_searches end) as views_and_searches_7d,
        max(case when days_before = 30 then views_and_searches end) as views_and_searches_30d,
        max(case when days_before = 0 then orders_and_carts end) as orders_and_carts,
        max(case when days_before = 30 then orders_and_carts end) as orders_and_carts_30d,
        max(case when days_before = 0 then order_moment end) as prior_order_moment,
        max(case when days_before = 0 then viewed end) as top_viewed,
        max(category_view_count) as prior_category_view_count
    from running
    where is_deed = 0
    group by person, category, moment

),

deeds_before as (

    select
        person,
        coalesce(category, '') as category,
        moment,
        views_and_searches div {{ two }} as prior_view_count,
        (views_and_searches - views_and_searches_7d) div {{ two }} as prior_view_count_7d,
        (views_and_searches - views_and_searches_30d) div {{ two }} as prior_view_count_30d,
        (views_and_searches - views_and_searches_30d) % {{ two }} as prior_search_count_30d,
        (orders_and_carts - orders_and_carts_30d) % {{ two }} as prior_cart_count_30d,
        orders_and_carts div {{ two }} as prior_order_count,
        case when category is not null then prior_category_view_count end as prior_category_view_count,
        prior_order_moment,
        top_viewed
    from by_days_before

),

counted as (

    select
        impressions_before.*,
        impressions_before.clicks_and_impressions % {{ two }} as prior_impression_count,
        impressions_before.clicks_and_impressions div {{ two }} as prior_click_count,
        creatives.prior_impression_count as creative_prior_impression_count,
        creatives.prior_click_count as creative_prior_click_count
    from impressions_before
    inner join creatives
        on impressions_before.source = creatives.source and impressions_before.impression_id = creatives.impression_id

),

told as (

    select
        *,
        {{ local_time('impressions', 'shown_at') }} as local_shown_at
    from impressions
    {{ only_touched('impressions') }}
    where {{ is_touched_day }}

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
        counted.prior_impression_count,
        counted.prior_click_count,
        counted.prior_click_count / nullif(counted.prior_impression_count, 0)
            as prior_click_rate,
        counted.prior_impression_count_7d,
        counted.prior_click_count_30d,
        cast(counted.prior_creative_impression_count as bigint) as prior_creative_impression_count,
        deeds_before.prior_view_count,
        deeds_before.prior_view_count_7d,
        deeds_before.prior_view_count_30d,
        deeds_before.prior_search_count_30d,
        deeds_before.prior_cart_count_30d,
        deeds_before.prior_order_count,
        (told.moment - counted.prior_shown_moment) / 3600000000 as hours_since_prior_impression,
        (told.moment - counted.prior_click_moment) / 86400000000 as days_since_prior_click,
        (told.moment - deeds_before.prior_order_moment) / 86400000000 as days_since_prior_order,
        told.category as creative_category,
        deeds_before.prior_category_view_count,
        deeds_before.prior_category_view_count / nullif(deeds_before.prior_view_count, 0) as prior_category_view_rate,
        substr(deeds_before.top_viewed, 11) as prior_top_category,
        cast(substr(deeds_before.top_viewed, 1, 10) as int) / nullif(deeds_before.prior_view_count, 0)
            as prior_top_category_rate,

        ---------- the creative before the impression
        counted.creative_prior_impression_count,
        counted.creative_prior_click_count,
        counted.creative_prior_click_count / nullif(counted.creative_prior_impression_count, 0)
            as creative_prior_click_rate,

        ---------- outcome
        coalesce(told.is_clicked, false) as is_clicked,

        ---------- times
        told.shown_at,
        told.shown_on
    from told
    inner join counted on told.source = counted.source and told.impression_id = counted.impression_id
    inner join deeds_before
        on
            told.person = deeds_before.person
            and coalesce(told.category, '') = deeds_before.category
            and told.moment = deeds_before.moment
    left join customers on told.customer_id = customers.customer_id
    left join campaigns on told.campaign_id = campaigns.campaign_id

)

select {{ in_order_of_days(landed_rows(['impressions'])) }}* from final
