{#
  Gold in proportion to what changed. A model that is `materialized='replaced'` is one text for two uses: over all rows
  it makes the table; in an increment it makes the rows of what was touched, days or keys, which take the place of those
  there are.

  The run says when (lakehouse/lineage.py): `increments[model]` has the version that each table was in when the model
  read it last, for tables that moved `since`, and the `day` that it was valid for. Delta's change data feed tells the
  rest. Otherwise, in a plain `dbt build`, and where much was touched, the table is made whole.

  A model calls first of all one of

    touch_days   for a table laid out by the day in its `meta`: days are replaced
    touch_keys   rows are replaced by the `key` in its `meta`, those for which what `touched` says was touched

  and restricts what it reads by `on_touched_days` or `only_touched`. Where `meta` says `is_remade`, the model's rows are
  the whole table in an increment too: it takes what was not touched from the table there is (`without_touched`).
#}

{# The version of a table since which the model has to look for changes; none where it did not move. #}
{% macro since(table) %}
    {%- set increment = var('increments')[model.name] -%}
    {%- set version = increment['since'].get(table) -%}
    {%- if table not in increment['may_move'] -%}
        {{- return(version) -}}
    {%- endif -%}
    {%- if noted_of_model(table) is none -%}
        {%- do note_of_model(table, run_query('describe history ' ~ table ~ ' limit 1')[0]['version']) -%}
    {%- endif -%}
    {{- return(version if noted_of_model(table) > version else none) -}}
{% endmacro %}

{# The day that the table there is, is valid for. #}
{% macro day_before() -%}
    date'{{ var('increments')[model.name]['day'] }}'
{%- endmacro %}

{# Whether the model makes touched rows only. #}
{% macro is_increment() %}
    {{- return(
        execute and 'since' in var('increments', {}).get(model.name, {}) and noted_of_model('whole') is none
    ) -}}
{% endmacro %}

{#
  Rows that came (`_sign` 1) and went (-1) since the model read the table: both versions of a row that was updated. By
  path: Spark takes `table_changes` of a name for the table itself where a statement has both.
#}
{% macro changes_of(table) -%}
    (
        select *, if(_change_type in ('insert', 'update_postimage'), 1, -1) as _sign
        from table_changes_by_path({{ sql_text(var('tables') ~ '/' ~ table.replace('.', '/')) }}, {{ since(table) + 1 }})
    )
{%- endmacro %}

{# Of `columns` the values that are there more or less often than they were. #}
{% macro changed_values(table, columns) -%}
    select {{ columns }} from {{ changes_of(table) }} group by {{ columns }} having sum(_sign) != 0
{%- endmacro %}

{# Whether so much was touched that the table is better made whole. #}
{% macro is_much(touched, all) %}
    {{- return(touched > var('increments')[model.name]['much'] * all) -}}
{% endmacro %}

{# `sql` gives the touched days as `day`. #}
{% macro touch_days(sql) %}
    {%- if is_increment() -%}
        {%- set days = fromjson(run_query(
            'select to_json(array_sort(collect_set(day))) from (' ~ sql ~ ') where day is not null')[0][0]) -%}
        {%- do note_of_model('days', days) -%}
        {%- set met = run_query(
            'select count_if(' ~ on_touched_days(model.config.meta.day) ~ '), count(*) from ' ~ this)[0] -%}
        {%- if is_much(met[0], met[1]) -%}{%- do note_of_model('whole', true) -%}{%- endif -%}
    {%- endif -%}
{% endmacro %}

{# The condition that a row is of a touched day, or of none: Delta skips files by it. #}
{% macro on_touched_days(column) %}
    {%- if not is_increment() -%}
        {{- return('true') -}}
    {%- endif -%}
    {%- set dated = [] -%}
    {%- for day in noted_of_model('days') -%}{%- do dated.append("date'" ~ day ~ "'") -%}{%- endfor -%}
    {{- return('(' ~ (column ~ ' in (' ~ dated | join(', ') ~ ') or ' if dated else '') ~ column ~ ' is null)') -}}
{% endmacro %}

{# `sql` gives touched values, by the names that the model's `meta` has under `touched`: name -> expression of a `row`. #}
{% macro touch_keys(sql) %}
    {%- if is_increment() -%}
        {%- do put_aside('touched', 'select distinct * from (' ~ sql ~ ')') -%}
        {%- set there = 'select count(*) from ' ~ this -%}
        {%- set met = run_query('select (' ~ there ~ ' as stored' ~ only_touched('stored') ~ '), (' ~ there ~ ')')[0] -%}
        {%- if is_much(met[0], met[1]) -%}{%- do note_of_model('whole', true) -%}{%- endif -%}
    {%- endif -%}
{% endmacro %}

{#
  Leaves in `relation` only rows of touched keys.

  Args:
      values: what stands in the relation for a touched column, by that name, where it is not what `meta` says.
#}
{% macro only_touched(relation, values={}) %}
    {%- if not is_increment() -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set pairs = [] -%}
    {%- for column, value in model.config.meta.touched.items() -%}
        {%- do pairs.append(values.get(column, value).replace('row.', relation ~ '.') ~ ' = touched.' ~ column) -%}
    {%- endfor -%}
    {{- return(' left semi join ' ~ aside('touched') ~ ' as touched on ' ~ pairs | join(' and ')) -}}
{% endmacro %}

{#
  The condition that a row is of one of the days that the rows of a from-clause are of: where rows found by their keys
  are of few days, the files of other days are not opened.
#}
{% macro is_on_days_of(day, rows) %}
    {%- if not is_increment() -%}{{- return('true') -}}{%- endif -%}
    {%- set met = run_query(
        'select to_json(array_sort(collect_set(' ~ day ~ '))), count_if(' ~ day ~ ' is null) from ' ~ rows
    )[0] -%}
    {{- return(on_days(day, fromjson(met[0]), met[1])) -}}
{% endmacro %}

{# Leaves in `relation` only rows of keys that were not touched. #}
{% macro without_touched(relation) %}
    {{- return(only_touched(relation).replace('left semi join', 'left anti join')) -}}
{% endmacro %}

{# For the last select: a table that is made whole is laid out by day, in files of 250,000 landed rows. #}
{% macro in_order_of_days(row_count) %}
    {%- if execute and not is_increment() and row_count >= 500000 -%}
        {{- return('/*+ repartition_by_range(' ~ row_count // 250000 ~ ', ' ~ model.config.meta.day ~ ') */ ') -}}
    {%- endif -%}
{% endmacro %}

{# The rows that the sources brought of these entities, by what landed. #}
{% macro landed_rows(entities) %}
    {%- set counts = [] -%}
    {%- for entity in entities -%}{%- do counts.append(mapped_sources(entity) | sum(attribute='row_count')) -%}{%- endfor -%}
    {{- return(counts | sum) -}}
{% endmacro %}

{% materialization replaced, adapter='spark' %}
    {%- set table = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- call statement('main') -%}
        {%- if not is_increment() or model.config.meta.get('is_remade') -%}
            {{ create_table_as(False, table, compiled_code, 'sql') }}
        {%- elif 'touched' in model.config.meta -%}
            {{ replacement_of_keys(table, compiled_code) }}
        {%- else -%}
            {{ replacement_of_days(table, compiled_code) }}
        {%- endif -%}
    {%- endcall -%}
    {%- do drop_put_aside() -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [table]}) }}
{% endmaterialization %}

{% macro replacement_of_days(table, sql) -%}
    {%- set columns = adapter.get_columns_in_relation(table) | map(attribute='quoted') | join(', ') -%}
    insert into {{ table }} replace where {{ on_touched_days(model.config.meta.day) }}
    select {{ columns }} from ({{ sql }})
{%- endmacro %}

{# The condition that two rows have the same values; a map cannot be compared, so what is nested is told as text. #}
{% macro are_alike(one, other, columns) %}
    {%- set parts, nested = [], [] -%}
    {%- for column in columns -%}
        {%- if '<' in column.dtype -%}
            {%- do nested.append('.' ~ column.quoted) -%}
        {%- else -%}
            {%- do parts.append(one ~ '.' ~ column.quoted ~ ' <=> ' ~ other ~ '.' ~ column.quoted) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if nested -%}
        {%- set told = [] -%}
        {%- for row in [one, other] -%}
            {%- do told.append('to_json(struct(' ~ row ~ nested | join(', ' ~ row) ~ '))') -%}
        {%- endfor -%}
        {%- do parts.append(told | join(' <=> ')) -%}
    {%- endif -%}
    {{- return(parts | join(' and ')) -}}
{% endmacro %}

{# Puts aside the rows that differ from those there are, then brings them in by one statement. #}
{% macro replacement_of_keys(table, sql) %}
    {%- set key, day = model.config.meta.key, model.config.meta.get('day') -%}
    {%- set columns = adapter.get_columns_in_relation(table) | map(attribute='quoted') | list -%}
    {%- set listed = columns | join(', ') -%}
    {%- do put_aside('fresh', sql) -%}
    {%- set changed -%}
    select
        fresh.{{ columns | join(', fresh.') }},
        {% for column in key -%}
        coalesce(fresh.{{ column }}, there.{{ column }}) as _{{ column }},
        {% endfor -%}
        {{ 'there.' ~ day if day else 'cast(null as date)' }} as _day,
        there.{{ key[0] }} is not null as _is_there,
        fresh.{{ key[0] }} is null as _is_gone
    from (select stored.* from {{ this }} as stored{{ only_touched('stored') }}) as there
    full outer join {{ aside('fresh') }} as fresh on
        {%- for column in key %} there.{{ column }} = fresh.{{ column }}{{ ' and' if not loop.last }}{% endfor %}
    where not ({{ are_alike('there', 'fresh', adapter.get_columns_in_relation(table)) }})
        or fresh.{{ key[0] }} is null or there.{{ key[0] }} is null
    {%- endset -%}
    {%- do put_aside('changed', changed) -%}
    {%- set met = run_query(
        'select count(*), count_if(_is_there), to_json(array_sort(collect_set(_day))), count_if(_is_there and _day is null)'
        ~ ' from ' ~ aside('changed')
    )[0] -%}
    {%- if met[0] == 0 -%}
        {{- return('select 1') -}}
    {%- elif met[1] == 0 -%}
        {{- return('insert into ' ~ table ~ ' (' ~ listed ~ ') select ' ~ listed ~ ' from ' ~ aside('changed')) -}}
    {%- endif -%}
    {%- set statement -%}
    merge into {{ table }} as stored
    using {{ aside('changed') }} as changed
    on
        {% for column in key -%}
        stored.{{ column }} = changed._{{ column }} and
        {% endfor -%}
        {{ on_days('stored.' ~ day, fromjson(met[2]), met[3]) if day else 'true' }}
    when matched and changed._is_gone then delete
    when matched then update set {{ as_changed(columns) }}
    when not matched then insert ({{ listed }}) values (changed.{{ columns | join(', changed.') }})
    {%- endset -%}
    {{- return(statement) -}}
{% endmacro %}
