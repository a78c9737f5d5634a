{#
  Copies of a row, among the rows that passed. Where the source has a key, one row per key is kept: the newest load's,
  then the last in the file. Where it has none, all are kept and every copy after the first is flagged.

  Gives the columns of the common table expression `checked` with `source_row_count` (bronze rows that this row stands
  for) and `is_duplicate`; the sum of `source_row_count` plus the quarantined rows is the bronze rows, always.
#}
{% macro without_copies(entity_name) %}
    {%- set spec = entity(entity_name) -%}
    {%- set keyless = [] -%}
    {%- set same_row = ['source'] -%}
    {%- set sources = mapped_sources(entity_name) -%}
    {%- for mapped in sources if not is_keyed(spec, mapped) -%}{%- do keyless.append(sql_text(mapped.source)) -%}{%- endfor -%}
    {%- for column in spec.columns -%}
        {%- set keyed_by = [] -%}
        {%- for mapped in sources if is_keyed(spec, mapped) and column in (mapped.key or spec.key) -%}
            {%- do keyed_by.append(sql_text(mapped.source)) -%}
        {%- endfor -%}
        {%- if keyed_by | length == sources | length - keyless | length and keyed_by -%}
            {%- do same_row.append(column) -%}
        {%- elif keyed_by -%}
            {%- do same_row.append('if(source in (' ~ keyed_by | join(', ') ~ '), ' ~ column ~ ', null)') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if keyless -%}{%- do same_row.append('_content_hash') -%}{%- endif -%}
    {%- set newest_first = '_loaded_at desc, _batch_id desc, _row_number desc' -%}
    {%- set is_keyless = 'true' if keyless | length == sources | length else (
        'source in (' ~ keyless | join(', ') ~ ')' if keyless else 'false') -%}
    with

    counted as (

        select
            *,
            row_number() over (partition by {{ same_row | join(', ') }} order by {{ newest_first }}) as _copy_number,
            count(*) over (partition by {{ same_row | join(', ') }}) as _copy_count
        from checked
        where _is_read and quarantine_reason is null

    )

    select
        *,
        cast({{ '1' if is_keyless == 'true' else '_copy_count' if is_keyless == 'false'
            else 'if(' ~ is_keyless ~ ', 1, _copy_count)' }} as int) as source_row_count,
        {{ 'false' if is_keyless == 'false' else is_keyless ~ ' and _copy_number < _copy_count' }} as is_duplicate
    from counted
    {%- if is_keyless != 'true' %}
    where _copy_number = 1{{ ' or ' ~ is_keyless if is_keyless != 'false' }}
    {%- endif %}
{% endmacro %}

{# The columns that every silver table ends with. #}
{% macro lineage(relation=none) %}
    {%- set columns = ['source_row_count', 'is_duplicate', '_file', '_batch_id', '_row_number'] -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {{- return(prefix ~ columns | join(',\n        ' ~ prefix)) -}}
{% endmacro %}
