{{ config(
    materialized='replaced', tblproperties=skipping_by('started_on'),
    meta={
        'day': 'started_on', 'key': ['source', 'session_id'],
        'touched': {'source': 'row.source', 'visit_id': 'row.session_id'},
    }
) }}
{%- do touch_keys(visits_changed()) -%}
{%- set touched = only_touched('events', {'visit_id': visit_id('row')}) -%}

with

events as (

    select
        *,
        {{ visit_id() }} as visit_id,
        case when is_known_customer then customer_id end as known_customer_id
    from {{ ref('stg_events') }} as events
    {{ touched }}
    where {{ is_on_days_of('event_on', 'silver.events as events' ~ touched) }}

),

placed as (

    select
        *,
        row_number() over in_order = 1 as is_first,
        lead(event_at) over in_order is null as is_last
    from events
    window in_order as (partition by source, visit_id order by event_at, event_id)

),

products as (

    select
        source,
        visit_id,
        count_if(event_type = 'view') as viewed_product_count,
        count_if(event_type = 'add_to_cart') as carted_product_count
    from (
        select distinct
            source,
            visit_id,
            event_type,
            product_id
        from events
        where product_id is not null and event_type in ('view', 'add_to_cart')
    ) as touched
    group by source, visit_id

),

sessions as (

    select
        source,
        visit_id as session_id,
        case when min(known_customer_id) = max(known_customer_id) then min(known_customer_id) end as customer_id,
        min(anonymous_id) as anonymous_id,
        max(case when is_first then device_type end) as device_type,
        max(case when is_first then channel end) as channel,
        max(case when is_first then referrer end) as referrer,
        max(case when is_first then url end) as landing_url,
        max(case when is_last then url end) as exit_url,
        count(*) as recorded_event_count,
        count_if(not is_near_duplicate) as event_count,
        count_if(not is_near_duplicate and event_type = 'view') as view_count,
        count_if(not is_near_duplicate and event_type = 'search') as search_count,
        count_if(not is_near_duplicate and event_type = 'add_to_cart') as cart_count,
        count_if(not is_near_duplicate and event_type = 'remove_from_cart') as cart_removal_count,
        count_if(not is_near_duplicate and event_type = 'checkout') as checkout_count,
        count_if(not is_near_duplicate and event_type = 'purchase') as purchase_count,
        count_if(not is_near_duplicate and known_customer_id is null) as anonymous_event_count,
        min(event_at) as started_at,
        max(event_at) as ended_at,
        min(event_on) as started_on
    from placed
    group by source, visit_id

),

final as (

    select
        ---------- ids
        sessions.source,
        sessions.session_id,
        customer_id,
        anonymous_id,

        ---------- where from
        channel,
        device_type,
        referrer,
        landing_url,
        exit_url,

        ---------- flags
        customer_id is null as is_anonymous,
        customer_id is not null and anonymous_event_count > 0 as has_login,
        purchase_count > 0 as is_converted,
        event_count <= 1 as is_bounce,
        cart_count > 0 and purchase_count = 0 as is_abandoned_cart,

        ---------- how far: 1 came, 2 viewed, 3 carted, 4 checked out, 5 purchased
        case
            when purchase_count > 0 then 5
            when checkout_count > 0 then 4
            when cart_count > 0 then 3
            when view_count > 0 then 2
            else 1
        end as furthest_step,

        ---------- counts
        recorded_event_count,
        event_count,
        view_count,
        search_count,
        cart_count,
        cart_removal_count,
        checkout_count,
        purchase_count,
        anonymous_event_count,
        coalesce(products.viewed_product_count, 0) as viewed_product_count,
        coalesce(products.carted_product_count, 0) as carted_product_count,

        ---------- times
        started_at,
        ended_at,
        started_on,
        unix_timestamp(ended_at) - unix_timestamp(started_at) as duration_seconds
    from sessions
    left join products on sessions.source = products.source and sessions.session_id = products.visit_id

)

select {{ in_order_of_days(landed_rows(['events'])) }}* from final
