{{ config(
    materialized='merged', tblproperties=skipping_by('event_on'),
    meta={
        'day': 'event_on', 'time': 'event_at',
        'judged': ['is_near_duplicate', 'is_known_customer', 'is_known_product'],
    }
) }}
{%- set previous_event_at -%}
lag(event_at) over (
            partition by source, coalesce(customer_id, anonymous_id), session_id, lower(event_type), product_id
            order by event_at, event_id, _batch_id, _row_number
        )
{%- endset -%}
with

kept as (

    {{ kept_rows('events') }}

),

{{ known_keys('customer') }},

{{ known_keys('product') }},

in_sequence as (

    {% if increment() is none -%}
    select
        *,
        {{ previous_event_at }} as previous_event_at
    from kept
    {%- else -%}
    {#- Only the events of the days that the new ones touch are put in sequence again. -#}
    select
        kept.*,
        nearby._batch_id is null as is_far,
        nearby.previous_event_at
    from kept
    left join (
        select
            _batch_id,
            _row_number,
            {{ previous_event_at }} as previous_event_at
        from ({{ rows_nearby([
            'source', 'customer_id', 'anonymous_id', 'session_id', 'event_type', 'product_id', 'event_at', 'event_id'
        ]) }})
    ) as nearby
        on kept._batch_id = nearby._batch_id and kept._row_number = nearby._row_number
    {%- endif %}

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
        {{ 'case when in_sequence.is_far then in_sequence._stored[0] else' if increment() is not none }}
        coalesce(in_sequence.event_at <= in_sequence.previous_event_at + interval 2 seconds, false)
        {{ 'end' if increment() is not none }} as is_near_duplicate,
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

select {{ by_day() }}* from final
