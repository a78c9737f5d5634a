{{ config(materialized='merged') }}
{#- Rows that cannot be what they claim, of every entity that some source brings. -#}
{%- set entities = entities_with_news() -%}
with

{% for name in entities %}
{{- '' if loop.first else '\n' }}
{{ name }}_checked as (

    {{ checked_rows(name, only=ruled_columns(name)) }}

),
{%- endfor %}

final as (

    {% for name in entities -%}
    select
        '{{ name }}' as entity,
        source,
        _file as file,
        _batch_id as batch_id,
        _row_number as row_number,
        quarantine_reason as reason,
        row_key,
        {{ raw_record(name) }} as raw
    from {{ name }}_checked
    where _is_read and quarantine_reason is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from final
