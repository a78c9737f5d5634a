{#
  Rows of `entity` that passed, without copies. Where the source has a key, one row per key is kept: the newest load's,
  then the last in the file. Where it has none, all are kept and every copy after the first is flagged.

  Gives the entity's columns (or those of `only`), currency, attributes and the lineage, with `source_row_count` (bronze
  rows that this row stands for) and `is_duplicate`; the sum of `source_row_count` plus the quarantined rows is the
  bronze rows, always.
#}
{% macro without_copies(entity_name, only=none) %}
    {%- set keyless = is_keyless(entity_name) -%}
    {%- set columns = carried_columns(entity_name, only) | reject('in', ['source_row_count', 'is_duplicate', '_identity']) | list -%}
    {%- set row_count = landed_rows([entity_name]) -%}
    {%- set passed -%}
    select
        {{ columns | join(', ') }},
        _loaded_at,
        {{ identity(entity_name) }} as _identity
    from ({{ checked_rows(entity_name, only) }}) as checked
    where _is_read and quarantine_reason is null
    {%- endset -%}
    with

    named as (

        select * from {{ worked_out_once('named', passed, row_count) }} as passed

    ),

    {% if are_many(row_count) -%}
    -- Few keys come twice: only their rows are put in order.
    repeated as (

        select
            source,
            _identity
        from named
        group by source, _identity
        having count(*) > 1

    ),

    copies as (

        select
            named.source,
            named._batch_id,
            named._row_number,
            {{ place_among_copies() | indent(12) }}
        from named
        left semi join repeated on named.source = repeated.source and named._identity = repeated._identity
        window in_order as ({{ order_of_copies() }})

    ),

    counted as (

        select
            named.*,
            coalesce(copies._copy_number, 1) as _copy_number,
            coalesce(copies._is_last_copy, true) as _is_last_copy
        from named
        left join copies
            on
                named.source = copies.source
                and named._batch_id = copies._batch_id
                and named._row_number = copies._row_number

    )
    {%- else -%}
    counted as (

        select
            *,
            {{ place_among_copies() | indent(12) }}
        from named
        window in_order as ({{ order_of_copies() }})

    )
    {%- endif %}

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

{% macro place_among_copies() -%}
    row_number() over in_order as _copy_number,
    lead(named._row_number) over in_order is null as _is_last_copy
{%- endmacro %}

{% macro order_of_copies() -%}
    partition by named.source, named._identity order by named._loaded_at, named._batch_id, named._row_number
{%- endmacro %}

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
