{#
  Typed rows of `entity` with `quarantine_reason`: null for the rows that silver takes. Row by row only, no window
  and no join, so that the quarantine table, which reads the same text, stays cheap.

  Besides the entity's columns (or those of `only`): `<column>_text`, the text that a time or number was read from,
  `row_key`, the key as text, and the lineage.

  `_is_read` is always true, which no engine can know of a random number. The reason names it, and a filter on the reason
  is therefore not pushed below the parsing, where the parsing would be written out again for each mention of a column
  (measured on five rows in Spark: 11 against 2 CPU seconds; on 123 thousand events in Sail: .7 against .4, and .5
  against .2 where few columns are wanted, for Sail's `spark_partition_id()` hinders it from leaving any out).
#}
{% macro checked_rows(entity_name, only=none) %}
    {%- set spec = entity(entity_name) -%}
    {%- set columns = {} -%}
    {%- for column, kind in spec.columns.items() if only is none or column in only -%}
        {%- do columns.update({column: kind}) -%}
    {%- endfor -%}
    {%- set sources = mapped_sources(entity_name) -%}
    {%- set zones = sources | map(attribute='timezone') | unique | list -%}
    {%- set carried = ['_file', '_batch_id', '_row_number', '_loaded_at', '_raw', '_content_hash'] -%}
    {%- if spec.get('currency') -%}{%- do carried.insert(0, 'currency') -%}{%- endif -%}
    {%- if spec.get('attributes') -%}{%- do carried.insert(0, 'attributes') -%}{%- endif -%}
    with

    mapped as (
        {{ source_rows(entity_name, columns) | indent(4) }}
    ),

    readable as (

        select
            source,
            {%- for column, kind in columns.items() %}
            {%- if is_time(kind) %}
            {{ iso_text(column) }} as {{ column }},
            {{ column }} as {{ column }}_text,
            {%- else %}
            {{ column }},
            {%- endif %}
            {%- endfor %}
            timezone,
            {{ carried | join(',\n            ') }}
        from mapped

    ),

    typed as (

        select
            source,
            {%- for column, kind in columns.items() %}
            {{ typed_value(column, kind, zones or ['UTC']) }} as {{ column }},
            {%- if is_time(kind) %}
            {{ column }}_text,
            {%- elif is_number(kind) %}
            {{ column }} as {{ column }}_text,
            {%- endif %}
            {%- endfor %}
            concat_ws('|'{% for column in spec.key if column in columns %}, {{ column }}{% endfor %}) as row_key,
            rand() >= 0 as _is_read,
            {{ carried | join(',\n            ') }}
        from readable

    )

    select
        *,
        case
            when not _is_read then 'unread'
            {%- for rule in quarantine_rules(entity_name, columns) %}
            when {{ rule[1] }} then '{{ rule[0] }}'
            {%- endfor %}
        end as quarantine_reason
    from typed
{% endmacro %}

{# The columns that a rule looks at. #}
{% macro ruled_columns(entity_name) %}
    {%- set spec = entity(entity_name) -%}
    {%- set ruled = [] -%}
    {%- for column, kind in spec.columns.items() -%}
        {%- if column in spec.key or (spec.get('strict') and (is_time(kind) or is_number(kind))) -%}
            {%- do ruled.append(column) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(ruled) -}}
{% endmacro %}

{# Reason and condition for these columns; the first that holds is the row's reason. #}
{% macro quarantine_rules(entity_name, columns) %}
    {%- set spec = entity(entity_name) -%}
    {%- set sources = mapped_sources(entity_name) -%}
    {%- set rules = [] -%}
    {%- for column in spec.key if column in columns and column not in spec.get('optional_key', []) -%}
        {%- set kind = spec.columns[column] -%}
        {%- set bringing = [] -%}
        {%- for mapped in sources if column in mapped.columns -%}{%- do bringing.append(sql_text(mapped.source)) -%}{%- endfor -%}
        {%- set missing = (column ~ '_text' if is_time(kind) or is_number(kind) else column) ~ ' is null' -%}
        {%- if bringing | length == sources | length -%}
            {%- do rules.append(['missing_key', missing]) -%}
        {%- elif bringing -%}
            {%- do rules.append(['missing_key', missing ~ ' and source in (' ~ bringing | join(', ') ~ ')']) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if spec.get('strict') -%}
        {%- for column, kind in columns.items() -%}
            {%- set unread = column ~ ' is null and ' ~ column ~ '_text is not null' -%}
            {%- if is_time(kind) -%}
                {%- do rules.append(['unparsable_time', unread]) -%}
            {%- elif is_number(kind) -%}
                {%- do rules.append(['unparsable_number', unread]) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for column in spec.get('not_negative', []) if column in columns -%}
        {%- do rules.append(['negative_price', column ~ ' < 0']) -%}
    {%- endfor -%}
    {%- if spec.get('happened') in columns -%}
        {%- do rules.append(['event_in_future', spec.happened ~ ' > _loaded_at + interval 1 day']) -%}
    {%- endif -%}
    {{- return(rules) -}}
{% endmacro %}
