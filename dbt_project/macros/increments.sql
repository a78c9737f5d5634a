{#
  Silver in proportion to the batch. A model that is `materialized='merged'` is one text for two uses: over all current
  batches it makes the table; over new batches only it makes the rows that changed, which are merged into the table.

  The run says which (lakehouse/lineage.py): `increments[model]` lists the batches that are `new` since the table was
  made and the models it reads that have `changed`, where definitions and text are those that it was made by and no
  batch has gone. Otherwise, and in a plain `dbt build`, the table is made whole. A model without a `day` in its `meta`
  has rows that depend on their own bronze row alone: new ones are added, and those of batches that have `gone` are
  deleted.

    arrived    rows of new batches; each finds by key the row that it replaces, whose copies it counts on, or by content
               the rows that it is one more copy of
    standing   rows there are already, whose flags depend on other rows or tables (is the customer known, is the price
               an outlier): the flags that come out otherwise now are merged. All are looked at where a model that this
               one reads has changed, else those of the days nearby where flags depend on neighbours, else none
    _was       place in bronze and day of the row there is; the merge finds it by these, reading the files of those
               days only
    _stored    the flags of a standing row as they are stored; null for an arrived row
#}

{# What is new for this model: a list of batches (empty where only other tables changed), none where it is made whole. #}
{% macro increment() %}
    {{- return(var('increments', {}).get(model.name, {}).get('new') if execute else none) -}}
{% endmacro %}

{# A row's text of identity within its source: the key, or a hash of the content where the source has no key. #}
{% macro identity(entity_name) %}
    {%- set spec = entity(entity_name) -%}
    {%- set cases = [] -%}
    {%- for mapped in mapped_sources(entity_name) -%}
        {%- set parts = [] -%}
        {%- for column in (mapped.key or spec.key) if is_keyed(spec, mapped) -%}
            {%- do parts.append('coalesce(cast(' ~ column ~ " as string), '')") -%}
        {%- endfor -%}
        {%- set text = "concat_ws('\\u001f', " ~ parts | join(', ') ~ ')' if parts else 'cast(_content_hash as string)' -%}
        {%- do cases.append({'source': sql_text(mapped.source), 'text': text}) -%}
    {%- endfor -%}
    {%- set texts = cases | map(attribute='text') | unique | list -%}
    {%- if texts | length <= 1 -%}
        {{- return(texts[0] if texts else 'cast(_content_hash as string)') -}}
    {%- endif -%}
    {%- set branches = [] -%}
    {%- for case in cases -%}{%- do branches.append('when ' ~ case.source ~ ' then ' ~ case.text) -%}{%- endfor -%}
    {{- return('case source ' ~ branches | join(' ') ~ ' end') -}}
{% endmacro %}

{# The columns that some source's key names. #}
{% macro key_columns(entity_name) %}
    {%- set columns = entity(entity_name).key | list -%}
    {%- for mapped in mapped_sources(entity_name) -%}{%- do columns.extend(mapped.key) -%}{%- endfor -%}
    {{- return(columns | unique | list) -}}
{% endmacro %}

{# True for a row (of `relation`) whose source gives the entity no key. #}
{% macro is_keyless(entity_name, relation=none) %}
    {%- set spec = entity(entity_name) -%}
    {%- set sources = mapped_sources(entity_name) -%}
    {%- set keyless = [] -%}
    {%- for mapped in sources if not is_keyed(spec, mapped) -%}{%- do keyless.append(sql_text(mapped.source)) -%}{%- endfor -%}
    {%- if not keyless -%}
        {{- return('false') -}}
    {%- endif -%}
    {{- return('true' if keyless | length == sources | length else (relation ~ '.' if relation else '') ~ 'source in (' ~ keyless | join(', ') ~ ')') -}}
{% endmacro %}

{#
  The rows of `entity` that silver keeps: source, its columns, currency, attributes and lineage. In an increment
  `arrived` and, where flags are judged, `standing`. The model's `meta` says

    day      the day of a stored row, by which the table is laid out
    time     where flags depend on neighbours: the column of `entity` whose day that is
    judged   flags that the model works out from other rows or tables

  `sequenced` are the columns that it compares with neighbours (`rows_in_sequence`).
#}
{% macro kept_rows(entity_name, sequenced=[]) %}
    {%- set day = model.config.meta.get('day') -%}
    {%- set judged = model.config.meta.get('judged', []) -%}
    {%- if increment() is none -%}
    {{ without_copies(entity_name, sequenced=sequenced) }}
    {%- else -%}
    {%- set carried = carried_columns(entity_name) -%}
    {%- do put_aside_arrived(entity_name, day, carried) -%}
    select * from {{ aside('arrived') }}
    {%- if looks_at_standing() %}

    union all

    select
        {% for column in carried -%}
        stored.{{ column }},
        {% endfor -%}
        {{ place('stored', day) }} as _was,
        array(stored.{{ judged | join(', stored.') }}) as _stored
    from {{ this }} as stored
    {{ without_replaced() }}
    {%- if not inputs_changed() %}
    where {{ on_days_nearby('stored') }}
    {%- endif %}
    {%- endif %}
    {%- endif %}
{% endmacro %}

{# Whether flags of rows that are there already may come out otherwise. #}
{% macro looks_at_standing() %}
    {%- set meta = model.config.meta -%}
    {{- return(meta.get('judged', []) and ('time' in meta or inputs_changed())) -}}
{% endmacro %}

{% macro inputs_changed() %}
    {{- return(var('increments')[model.name]['changed'] | length > 0) -}}
{% endmacro %}

{% macro carried_columns(entity_name, only=none) %}
    {%- set spec = entity(entity_name) -%}
    {%- set carried = ['source'] + (spec.columns if only is none else only) | list -%}
    {%- if spec.get('currency') -%}{%- do carried.append('currency') -%}{%- endif -%}
    {%- if spec.get('attributes') -%}{%- do carried.append('attributes') -%}{%- endif -%}
    {{- return(carried + ['source_row_count', 'is_duplicate', '_file', '_batch_id', '_row_number', '_identity']) -}}
{% endmacro %}

{% macro place(relation, day) -%}
    struct({{ relation }}._batch_id, {{ relation }}._row_number, {{ relation }}.{{ day }} as _day)
{%- endmacro %}

{# Leaves out the stored rows that an arrived one takes the place of. #}
{% macro without_replaced() -%}
    left anti join {{ aside('arrived') }} as arrived
        on stored._batch_id = arrived._was._batch_id and stored._row_number = arrived._was._row_number
{%- endmacro %}

{# The days that arrived rows (or what they replace) lie in, and the days beside them. #}
{% macro on_days_nearby(relation) %}
    {%- if noted_of_model('days nearby') is none -%}
        {%- set met = run_query(
            'select to_json(array_sort(collect_set(date_add(day, beside)))), count_if(day is null) from (select to_date('
            ~ model.config.meta.time ~ ') as day from ' ~ aside('arrived') ~ ' union all select _was._day from '
            ~ aside('arrived') ~ ' where _was is not null) cross join (select explode(array(-1, 0, 1)) as beside)'
        )[0] -%}
        {%- do note_of_model('days nearby', [fromjson(met[0]), met[1]]) -%}
    {%- endif -%}
    {{- return(on_days(relation ~ '.' ~ model.config.meta.day, *noted_of_model('days nearby'))) -}}
{% endmacro %}

{# Arrived rows, and the stored ones of the days nearby: these columns and the place in bronze. #}
{% macro rows_nearby(columns) %}
    {%- set columns = columns + ['_batch_id', '_row_number'] -%}
    select {{ columns | join(', ') }} from {{ aside('arrived') }}

    union all

    select stored.{{ columns | join(', stored.') }}
    from {{ this }} as stored
    {{ without_replaced() }}
    where {{ on_days_nearby('stored') }}
{% endmacro %}

{# Reads the new batches once, however often a model names their rows, and finds what they replace. #}
{% macro put_aside_arrived(entity_name, day, carried) %}
    {%- set keyless = is_keyless(entity_name, 'fresh') -%}
    {%- set fresh -%}
    select {{ carried | join(', ') }} from ({{ without_copies(entity_name) }})
    {%- endset -%}
    {%- do put_aside('fresh', fresh) -%}
    {%- set sql -%}
    with

    there as (

        select
            stored.source,
            stored._identity,
            max({{ place('stored', day) }}) as _place,
            sum(stored.source_row_count) as _row_count
        from {{ this }} as stored
        left semi join {{ aside('fresh') }} as fresh
            on stored.source = fresh.source and stored._identity = fresh._identity
        group by stored.source, stored._identity

    )

    select
        {% for column in carried -%}
        {%- if column == 'source_row_count' -%}
        fresh.source_row_count + cast(if({{ keyless }}, 0, coalesce(there._row_count, 0)) as int) as source_row_count,
        {% elif column == 'is_duplicate' -%}
        fresh.is_duplicate or ({{ keyless }} and there._row_count is not null) as is_duplicate,
        {% else -%}
        fresh.{{ column }},
        {% endif -%}
        {%- endfor -%}
        if({{ keyless }}, null, there._place) as _was,
        cast(null as array<boolean>) as _stored
    from {{ aside('fresh') }} as fresh
    left join there on fresh.source = there.source and fresh._identity = there._identity
    {%- endset -%}
    {%- do put_aside('arrived', sql) -%}
{% endmacro %}

{# Table properties of a table that is laid out by day: files are skipped by it. #}
{% macro skipping_by(day) %}
    {{- return({'delta.dataSkippingStatsColumns': day}) -}}
{% endmacro %}

{#
  For the last select of a merged model. A table that is made whole is laid out by day, in files of about 250,000 rows,
  so that a merge into some days reads and writes the files of these days; smaller tables are one file.
#}
{% macro by_day() -%}
    {%- if execute and increment() is none -%}
        {%- set files = (mapped_sources(this.identifier) | sum(attribute='row_count')) // 250000 -%}
        {%- if files > 1 -%}
            {{- '/*+ repartition_by_range(' ~ files ~ ', ' ~ model.config.meta.day ~ ') */ ' -}}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% materialization merged, adapter='spark' %}
    {%- set table = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- if increment() is none -%}
        {%- call statement('main') -%}
            {{ create_table_as(False, table, compiled_code, 'sql') }}
        {%- endcall -%}
    {%- else -%}
        {%- call statement('main') -%}
            {{ merge_of_changes(table, compiled_code) }}
        {%- endcall -%}
    {%- endif -%}
    {%- do drop_put_aside() -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [table]}) }}
{% endmaterialization %}

{# Puts aside what `sql` says of the new batches; gives the statement that brings it into the table. #}
{% macro merge_of_changes(table, sql) %}
    {%- set day = model.config.meta.get('day') -%}
    {%- set judged = model.config.meta.judged if looks_at_standing() else [] -%}
    {%- set columns = adapter.get_columns_in_relation(table) | map(attribute='quoted') | list -%}
    {%- set listed = columns | join(', ') -%}
    {%- if not day -%}
        {{- return(exchange_of_batches(table, sql, listed, columns)) -}}
    {%- endif -%}
    {%- set changed -%}
    with model_rows as ({{ sql }})

    select {{ listed }}, _was, false as _is_judged from model_rows where _stored is null
    {%- if judged %}

    union all

    select
        {% for column in columns -%}
        {{ column if column | replace('`', '') in judged else 'null' }} as {{ column }},
        {% endfor -%}
        _was,
        true as _is_judged
    from model_rows
    where _stored is not null and not (_stored <=> array({{ judged | join(', ') }}))
    {%- endif %}
    {%- endset -%}
    {%- do put_aside('changed', changed) -%}
    {%- set met = run_query(
        'select count(*), to_json(array_sort(collect_set(_was._day))), count_if(_was._day is null) from '
        ~ aside('changed') ~ ' where _was is not null'
    )[0] -%}
    {%- if met[0] == 0 -%}
        {{- return('insert into ' ~ table ~ ' (' ~ listed ~ ') select ' ~ listed ~ ' from ' ~ aside('changed')) -}}
    {%- endif -%}
    {%- set statement -%}
    merge into {{ table }} as stored
    using {{ aside('changed') }} as changed
    on
        stored._batch_id = changed._was._batch_id
        and stored._row_number = changed._was._row_number
        and {{ on_days('stored.' ~ day, fromjson(met[1]), met[2]) }}
    {% if judged -%}
    when matched and changed._is_judged then update set {{ as_changed(judged) }}
    {% endif -%}
    when matched then update set {{ as_changed(columns) }}
    when not matched then insert ({{ listed }}) values (changed.{{ columns | join(', changed.') }})
    {%- endset -%}
    {{- return(statement) -}}
{% endmacro %}

{# The assignments of a MERGE that bring these columns as they are in `changed`. #}
{% macro as_changed(columns) %}
    {%- set assigned = [] -%}
    {%- for column in columns -%}{%- do assigned.append(column ~ ' = changed.' ~ column) -%}{%- endfor -%}
    {{- return(assigned | join(', ')) -}}
{% endmacro %}

{# One statement that takes out the rows of batches that have gone and brings in those of new ones. #}
{% macro exchange_of_batches(table, sql, listed, columns) %}
    {%- set gone = var('increments')[model.name]['gone'] -%}
    {%- if not gone -%}
        {{- return('insert into ' ~ table ~ ' (' ~ listed ~ ') select ' ~ listed ~ ' from (' ~ sql ~ ')') -}}
    {%- endif -%}
    {%- set statement -%}
    merge into {{ table }} as stored
    using (
        select {{ listed }}, cast(null as string) as _gone from ({{ sql }})
        {% for batch in gone -%}
        union all
        select {{ 'null, ' * columns | length }}{{ sql_text(batch) }}
        {% endfor -%}
    ) as changed
    on stored.batch_id = changed._gone
    when matched then delete
    when not matched and changed._gone is null then insert ({{ listed }}) values (changed.{{ columns | join(', changed.') }})
    {%- endset -%}
    {{- return(statement) -}}
{% endmacro %}

{# A literal condition on the days, which Delta skips files by: a list, or a range where they are many. #}
{% macro on_days(column, days, undated_count) -%}
    {%- set dated = [] -%}
    {%- for day in days -%}{%- do dated.append("date'" ~ day ~ "'") -%}{%- endfor -%}
    {%- if not dated -%}
        {%- set condition = 'false' -%}
    {%- elif dated | length > 60 -%}
        {%- set condition = column ~ ' between ' ~ dated[0] ~ ' and ' ~ dated[-1] -%}
    {%- else -%}
        {%- set condition = column ~ ' in (' ~ dated | join(', ') ~ ')' -%}
    {%- endif -%}
    {{- '(' ~ condition ~ (' or ' ~ column ~ ' is null' if undated_count else '') ~ ')' -}}
{%- endmacro %}
