{#
  Copies of a row, among the rows that passed. Where the source has a key, one row per key is kept: the newest load's,
  then the last in the file. Where it has none, all are kept and every copy after the first is flagged.

  Gives the columns of the common table expression `checked` with `source_row_count` (bronze rows that this row stands
  for) and `is_duplicate`; the sum of `source_row_count` plus the quarantined rows is the bronze rows, always.
#}
{% macro without_copies(entity_name) %}
    {%- set keyless = is_keyless(entity_name) -%}
    with

    named as (

        select
            *,
            {{ identity(entity_name) }} as _identity
        from checked
        where _is_read and quarantine_reason is null

    ),

    counted as (

        select
            *,
            row_number() over copies as _copy_number,
            lead(_row_number) over copies is null as _is_last_copy
        from named
        window copies as (partition by source, _identity order by _loaded_at, _batch_id, _row_number)

    )

    select
        *,
        cast({{ '1' if keyless == 'true' else '_copy_number' if keyless == 'false'
            else 'if(' ~ keyless ~ ', 1, _copy_number)' }} as int) as source_row_count,
        {{ 'false' if keyless == 'false' else keyless ~ ' and _copy_number > 1' }} as is_duplicate
    from counted
    {%- if keyless != 'true' %}
    where _is_last_copy{{ ' or ' ~ keyless if keyless != 'false' }}
    {%- endif %}
{% endmacro %}

{#
  The columns that every silver table ends with. One that grows by increments also keeps what copies of a row have in
  common; an increment of it says what the merge needs.
#}
{% macro lineage(relation=none) %}
    {%- set columns = ['source_row_count', 'is_duplicate', '_file', '_batch_id', '_row_number'] -%}
    {%- if model.config.materialized == 'merged' -%}{%- do columns.append('_identity') -%}{%- endif -%}
    {%- if increment() is not none -%}{%- do columns.extend(['_was', '_stored']) -%}{%- endif -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {{- return(prefix ~ columns | join(',\n        ' ~ prefix)) -}}
{% endmacro %}
