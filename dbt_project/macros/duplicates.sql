{#
  Rows of `entity` that passed, without copies. Where the source has a key, one row per key is kept: the newest load's,
  then the last in the file. Where it has none, all are kept and every copy after the first is flagged.

  Gives the entity's columns (or those of `only`), currency, attributes and the lineage, with `source_row_count` (bronze
  rows that this row stands for) and `is_duplicate`; the sum of `source_row_count` plus the quarantined rows is the
  bronze rows, always.

  Few keys come twice. Where rows are many, these are found in what was put aside as `keyed`, and only their rows are put
  in order, as `copies`. Where all columns are wanted, `keyed` holds the key and `sequenced` only (columns that the
  model compares with neighbours): to read wide rows twice costs less than to write them and read them again.
#}
{% macro without_copies(entity_name, only=none, sequenced=[]) %}
    {%- set keyless = is_keyless(entity_name) -%}
    {%- set columns = carried_columns(entity_name, only) | reject('in', ['source_row_count', 'is_duplicate', '_identity']) | list -%}
    {%- set many = are_many(landed_rows([entity_name])) -%}
    {%- set passed = passed_rows(entity_name, columns, only) -%}
    {%- if many -%}
        {%- if only is none and keyless == 'false' -%}
            {%- set key = (key_columns(entity_name) + sequenced) | unique | list -%}
            {%- set keyed_columns = ['source'] + sequenced | reject('equalto', 'source') | list + ['_batch_id', '_row_number'] -%}
            {%- do put_aside('keyed', passed_rows(entity_name, keyed_columns, key + ruled_columns(entity_name))) -%}
            {%- set named = '(' ~ passed ~ ')' -%}
        {%- else -%}
            {%- do put_aside('keyed', passed) -%}
            {%- set named = aside('keyed') -%}
        {%- endif -%}
        {%- do put_aside('copies', copies_among(aside('keyed'))) -%}
    {%- endif -%}
    with

    {% if many -%}
    counted as (

        select
            named.*,
            coalesce(copies._copy_number, 1) as _copy_number,
            coalesce(copies._is_last_copy, true) as _is_last_copy
        from {{ named }} as named
        left join {{ aside('copies') }} as copies
            on named._batch_id = copies._batch_id and named._row_number = copies._row_number

    )
    {%- else -%}
    counted as (

        select
            *,
            {{ place_among_copies() | indent(12) }}
        from ({{ passed }}) as named
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

{# Rows that are not refused: these columns, the time they were loaded and their identity. #}
{% macro passed_rows(entity_name, columns, only) -%}
    select
        {{ columns | join(', ') }},
        _loaded_at,
        {{ identity(entity_name) }} as _identity
    from ({{ checked_rows(entity_name, only) }}) as checked
    where _is_read and quarantine_reason is null
{%- endmacro %}

{# Of the rows whose identity comes more than once: which copy each is, and whether it is the last. #}
{% macro copies_among(relation) -%}
    with

    repeated as (

        select
            source,
            _identity
        from {{ relation }}
        group by source, _identity
        having count(*) > 1

    )

    select
        named._batch_id,
        named._row_number,
        {{ place_among_copies() | indent(8) }}
    from {{ relation }} as named
    left semi join repeated on named.source = repeated.source and named._identity = repeated._identity
    window in_order as ({{ order_of_copies() }})
{%- endmacro %}

{#
  The rows that `kept_rows` keeps, in columns that the model compares with neighbours: all of them, in an increment those
  of the days nearby.
#}
{% macro rows_in_sequence(entity_name, columns) %}
    {%- if increment() is not none -%}
    {{ rows_nearby(columns) }}
    {%- elif 'keyed' in (noted_of_model('aside') or []) and is_keyless(entity_name) == 'false' -%}
    select keyed.{{ (columns + ['_batch_id', '_row_number']) | join(', keyed.') }}
    from {{ aside('keyed') }} as keyed
    left anti join {{ aside('copies') }} as copies
        on
            keyed._batch_id = copies._batch_id
            and keyed._row_number = copies._row_number
            and not copies._is_last_copy
    {%- else -%}
    select {{ columns | join(', ') }}, _batch_id, _row_number from kept
    {%- endif -%}
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
