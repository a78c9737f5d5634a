with

checked as (

    {{ checked_rows('events') }}

),

kept as (

    {{ without_copies('events') }}

),

{{ known_keys('customer') }},

{{ known_keys('product') }},

in_sequence as (

    select
        *,
        lag(event_at) over (
            partition by source, coalesce(customer_id, anonymous_id), session_id, lower(event_type), product_id
            order by event_at, event_id, _batch_id, _row_number
        ) as previous_event_at
    from kept

),

final as (

    select
        in_sequence.source,

        ---------- ids
        in_sequence.event_id,
        in_sequence.customer_id,
        in_sequence.anonymous_id,
        in_sequence.session_id,
        in_sequence.product_id,

        ---------- description
        lower(in_sequence.event_type) as event_type,
        in_sequence.query,
        in_sequence.url,
        in_sequence.referrer,
        in_sequence.device_type,
        in_sequence.channel,

        ---------- times
        in_sequence.event_at,
        to_date(in_sequence.event_at) as event_on,

        ---------- flags
        coalesce(
            in_sequence.event_at <= in_sequence.previous_event_at + interval 2 seconds, false
        ) as is_near_duplicate,
        {{ is_known('customer', 'in_sequence') }} as is_known_customer,
        {{ is_known('product', 'in_sequence') }} as is_known_product,

        ---------- whatever else the source keeps
        in_sequence.attributes,

        ---------- lineage
        {{ lineage('in_sequence') }}
    from in_sequence
    {{ join_known('customer', 'in_sequence') }}
    {{ join_known('product', 'in_sequence') }}

)

select * from final
