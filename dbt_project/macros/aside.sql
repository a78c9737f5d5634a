{#
  Rows put aside in a folder of the run's, which it removes when dbt has ended. Files, and not a cached view: the plan of
  a view is written out again in every statement that names it, and compared with that of every cached one (measured:
  merging 1,200 rows into 120,000 took 53 CPU s).
#}
{% macro put_aside(name, sql) %}
    {%- do run_query('drop table if exists ' ~ aside(name)) -%}
    {%- set folder = sql_text(var('aside') ~ '/' ~ aside(name)) -%}
    {%- do run_query('create table ' ~ aside(name) ~ ' using parquet location ' ~ folder ~ ' as ' ~ sql) -%}
    {%- do note_of_model('aside', (noted_of_model('aside') or []) + [name]) -%}
{% endmacro %}

{# Whether so many rows are worth putting aside. #}
{% macro are_many(row_count) %}
    {{- return(execute and row_count >= 50000 and var('aside', '') != '' and flags.WHICH in ['build', 'run']) -}}
{% endmacro %}

{#
  A query that a model names more than once, as the relation to name: put aside where it is over many rows, for an engine
  works it out anew each time that it is named; else, and where no run has a folder for it, the query itself.
#}
{% macro worked_out_once(name, sql, row_count) %}
    {%- if not are_many(row_count) -%}
        {{- return('(' ~ sql ~ ')') -}}
    {%- endif -%}
    {%- do put_aside(name, sql) -%}
    {{- return(aside(name)) -}}
{% endmacro %}

{# The same of what an increment finds among many rows, where the whole would be too much to put aside. #}
{% macro found_once(name, sql) %}
    {%- if not is_increment() -%}
        {{- return('(' ~ sql ~ ')') -}}
    {%- endif -%}
    {%- do put_aside(name, sql) -%}
    {{- return(aside(name)) -}}
{% endmacro %}

{% macro drop_put_aside() %}
    {%- for name in noted_of_model('aside') or [] -%}
        {%- do run_query('drop table if exists ' ~ aside(name)) -%}
    {%- endfor -%}
{% endmacro %}

{# A name of this model's own for rows that are put aside. #}
{% macro aside(name) -%}
    {{ this.schema }}_{{ this.identifier }}__{{ name }}
{%- endmacro %}

{# What was noted of this model in this invocation: dbt has no other place that outlives a macro. #}
{% macro noted_of_model(what) %}
    {{- return(graph.get('lakehouse ' ~ what ~ model.name ~ invocation_id)) -}}
{% endmacro %}

{% macro note_of_model(what, value) %}
    {%- do graph.update({'lakehouse ' ~ what ~ model.name ~ invocation_id: value}) -%}
{% endmacro %}
