{{ config(materialized='ephemeral') }}

with

as_of as (

    select as_of_on from {{ source('ops', 'as_of') }}

),

events as (

    select * from {{ ref('stg_events') }}

),

declared as (

    select
        source,
        max(timezone) as timezone,
        bool_or(entity = 'order_lines') as has_order_lines
    from {{ source('ops', 'sources') }}
    group by source

),

seen as (

    select
        events.*,
        as_of.as_of_on,
        case when events.is_known_customer then events.customer_id end as known_customer_id
    from events
    cross join as_of
    where
        events.event_on <= as_of.as_of_on
        and not coalesce(events.is_near_duplicate, false)

),

-- A session with exactly one known customer lends that customer to its anonymous events.
in_session as (

    select
        *,
        min(known_customer_id) over (same_session) as lowest_customer_id,
        max(known_customer_id) over (same_session) as highest_customer_id
    from seen
    window same_session as (partition by source, coalesce(session_id, event_id))

),

attributed as (

    select
        in_session.*,
        case
            when in_session.known_customer_id is not null then in_session.known_customer_id
            when
                in_session.customer_id is null
                and in_session.session_id is not null
                and in_session.lowest_customer_id = in_session.highest_customer_id
                then in_session.lowest_customer_id
        end as resolved_customer_id,
        from_utc_timestamp(in_session.event_at, coalesce(declared.timezone, 'UTC')) as local_event_at,
        coalesce(declared.has_order_lines, false) as has_order_lines
    from in_session
    left join declared on in_session.source = declared.source

),

final as (

    select
        ---------- ids
        source,
        event_id,
        resolved_customer_id as customer_id,
        session_id,
        case when is_known_product then product_id end as product_id,

        ---------- kinds
        event_type,
        device_type,
        channel,

        ---------- flags
        event_type = 'purchase' and not has_order_lines as is_counted_purchase,

        ---------- numbers
        hour(local_event_at) as local_hour,
        weekday(local_event_at) + 1 as local_weekday,

        ---------- times
        event_at,
        event_on,
        as_of_on
    from attributed

)

select * from final
