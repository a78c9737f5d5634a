{#
  Rows of bronze that are past their retention, whatever batch they are of: silver's own reading of their times decides.
  lakehouse/privacy/retention/places.py compiles it; no model reads it.

    since     times of which the latest counts: columns, `landed`, or `activity`, the last deed of the row's customer
    before    the first day that is kept; a row without any of the times counts from its landing
    still     the day from which on rows are wanted at all: of before they go whole, where only columns are asked for
    deeds     entity -> [columns, first day that is kept]: what a customer did, and no longer counts once it is past its own retention

  The answer: `_batch_id` and the first and last of row numbers without a gap.
#}
{% macro rows_past_retention(entity_name, since, before, deeds, still=none) %}
    {%- set columns, times = ['customer_id'] if 'activity' in since else [], [] -%}
    {%- for name in since -%}
        {%- if name == 'landed' -%}
            {%- do times.append('bronze_rows._loaded_at') -%}
        {%- elif name == 'activity' -%}
            {%- do times.append('active.last_done_at') -%}
        {%- else -%}
            {%- do columns.append(name) -%}
            {%- do times.append('cast(bronze_rows.' ~ name ~ ' as timestamp)') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do times.append('cast(null as timestamp)') -%}
    {%- set age = 'coalesce(greatest(' ~ times | join(', ') ~ '), bronze_rows._loaded_at)' -%}
    with

    bronze_rows as (
        {{ checked_rows(entity_name, columns) | indent(8) }}
    ),

    {% if 'activity' in since -%}
    active as (

        select
            customer_id,
            max(done_at) as last_done_at
        from (
            {%- for deed, about in deeds.items() %}{% set outer = loop %}
            {%- for column in about[0] %}
            select
                customer_id,
                cast({{ column }} as timestamp) as done_at
            from {{ ref('stg_' ~ deed) }}
            where {{ column }} >= date'{{ about[1] }}'
            {%- if not (loop.last and outer.last) %}
            union all
            {%- endif %}
            {%- endfor %}
            {%- endfor %}
        ) as deeds
        where customer_id is not null
        group by customer_id

    ),

    {% endif -%}
    past as (

        select
            bronze_rows._batch_id,
            bronze_rows._row_number,
            bronze_rows._row_number
            - row_number() over (partition by bronze_rows._batch_id order by bronze_rows._row_number) as stretch
        from bronze_rows
        {%- if 'activity' in since %}
        left join active on bronze_rows.customer_id = active.customer_id
        {%- endif %}
        where
            {{ age }} < timestamp'{{ before }} 00:00:00'
            {%- if still is not none %}
            and {{ age }} >= timestamp'{{ still }} 00:00:00'
            {%- endif %}

    )

    select
        _batch_id,
        min(_row_number) as first_row,
        max(_row_number) as last_row
    from past
    group by _batch_id, stretch
{% endmacro %}
