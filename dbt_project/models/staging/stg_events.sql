{{ config(
    materialized='merged', tblproperties=skipping_by('event_on'),
    meta={
        'day': 'event_on', 'time': 'event_at',
        'judged': ['is_near_duplicate', 'is_known_customer', 'is_known_product'],
    }
) }}
{#- What the same visitor does in the same way, to the same product, in the same session. -#}
{%- set sameness = 'source, coalesce(customer_id, anonymous_id), session_id, lower(event_type), product_id' -%}
{%- set sequenced = [
    'source', 'customer_id', 'anonymous_id', 'session_id', 'event_type', 'product_id', 'event_at', 'event_id'
] -%}
with

kept as (

    {{ kept_rows('events', sequenced) }}

),

{{ known_keys('customer') }},

{{ known_keys('product') }},

{# In an increment only the events of the days that the new ones touch are put in sequence again. -#}
{% set in_sequence %}{{ rows_in_sequence('events', sequenced) }}{% endset -%}

{#- Most events are the only one of their kind: only those that are not are put in order. -#}
{% set near_duplicates %}
    with

    in_sequence as (

        {{ in_sequence }}

    ),

    alike as (

        select xxhash64({{ sameness }}) as likeness
        from in_sequence
        group by xxhash64({{ sameness }})
        having count(*) > 1

    )

    select
        _batch_id,
        _row_number
    from (
        select
            in_sequence._batch_id,
            in_sequence._row_number,
            in_sequence.event_at,
            lag(in_sequence.event_at) over (
                partition by {{ sameness }}
                order by in_sequence.event_at, in_sequence.event_id, in_sequence._batch_id, in_sequence._row_number
            ) as previous_event_at
        from in_sequence
        left semi join alike on xxhash64({{ sameness }}) = alike.likeness
    ) as followed
    where event_at <= previous_event_at + interval 2 seconds
{% endset -%}

near_duplicates as (

    select * from {{ worked_out_once('near_duplicates', near_duplicates, landed_rows(['events'])) }}

),

{%- if increment() is not none %}

in_sequence as (

    {{ in_sequence }}

),
{%- endif %}

final as (

    select
        kept.source,

        ---------- ids
        kept.event_id,
        kept.customer_id,
        kept.anonymous_id,
        kept.session_id,
        kept.product_id,

        ---------- description
        lower(kept.event_type) as event_type,
        kept.query,
        kept.url,
        kept.referrer,
        kept.device_type,
        kept.channel,

        ---------- times
        kept.event_at,
        to_date(kept.event_at) as event_on,

        ---------- flags
        {% if increment() is none -%}
        near_duplicates._batch_id is not null as is_near_duplicate,
        {%- else -%}
        case
            when in_sequence._batch_id is null then kept._stored[0]
            else near_duplicates._batch_id is not null
        end as is_near_duplicate,
        {%- endif %}
        {{ is_known('customer', 'kept') }} as is_known_customer,
        {{ is_known('product', 'kept') }} as is_known_product,

        ---------- whatever else the source keeps
        kept.attributes,

        ---------- lineage
        {{ lineage('kept') }}
    from kept
    left join near_duplicates
        on kept._batch_id = near_duplicates._batch_id and kept._row_number = near_duplicates._row_number
    {%- if increment() is not none %}
    left join in_sequence
        on kept._batch_id = in_sequence._batch_id and kept._row_number = in_sequence._row_number
    {%- endif %}
    {{ join_known('customer', 'kept') }}
    {{ join_known('product', 'kept') }}

)

select {{ by_day() }}* from final
