{#
  The run's day as a date literal: Spark plans a filter in place of a join with a one-row table in every branch of a
  union. Read once in a dbt run, from ops.as_of.
#}
{% macro run_day() %}
    {%- set table = source('ops', 'as_of') -%}
    {%- if not execute -%}
        {{- return("date'1970-01-01'") -}}
    {%- endif -%}
    {%- set once = 'lakehouse_run_day ' ~ invocation_id -%}
    {%- if once not in graph -%}
        {%- set rows = run_query('select cast(max(as_of_on) as string) from ' ~ table) -%}
        {%- set day = rows[0][0] -%}
        {%- if not day -%}
            {%- do exceptions.raise_compiler_error('ops.as_of is empty: no run has said for which day gold is built') -%}
        {%- endif -%}
        {%- do graph.update({once: "date'" ~ day ~ "'"}) -%}
    {%- endif -%}
    {{- return(graph[once]) -}}
{% endmacro %}

{# A UTC time as the clock of its source shows it. #}
{% macro local_time(relation, column) %}
    {%- set zones = {} -%}
    {%- set _ = source('ops', 'sources') -%}
    {%- for entity in entities_brought() -%}
        {%- for mapped in mapped_sources(entity) -%}{%- do zones.update({mapped.source: mapped.timezone}) -%}{%- endfor -%}
    {%- endfor -%}
    {%- set time = relation ~ '.' ~ column -%}
    {%- if zones.values() | unique | list | length == 1 -%}
        {{- return(from_utc(time, zones.values() | first)) -}}
    {%- endif -%}
    {%- set cases = [] -%}
    {%- for name, zone in zones.items() -%}
        {%- do cases.append('when ' ~ sql_text(name) ~ ' then ' ~ from_utc(time, zone)) -%}
    {%- endfor -%}
    {{- return('case ' ~ relation ~ '.source ' ~ cases | join(' ') ~ ' else ' ~ time ~ ' end' if cases else time) -}}
{% endmacro %}

{# True for a row whose source brings `entity`. #}
{% macro source_brings(entity, relation) %}
    {%- set names = [] -%}
    {%- set _ = source('ops', 'sources') -%}
    {%- for name in sources_with(entity) -%}{%- do names.append(sql_text(name)) -%}{%- endfor -%}
    {{- return(relation ~ '.source in (' ~ names | join(', ') ~ ')' if names else 'false') -}}
{% endmacro %}
