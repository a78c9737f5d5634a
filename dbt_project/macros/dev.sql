{#
  `dbt --target thrift`: a person builds in a schema of their own, `dev_<name>`, through the SQL server, and reads what
  production made of everything that they did not build (docs/sql.md). Neither changes a run.
#}

{# Whether this dbt speaks to an SQL server for a person. #}
{% macro is_of_a_person() %}
    {{- return(target.name == 'thrift') -}}
{% endmacro %}

{#
  A model by name. A person's is the one in their schema where this invocation builds it or an earlier one did, and
  production's otherwise: dbt's own rule for `--defer`, without a manifest to keep.
#}
{% macro ref() %}
    {%- set found = builtins.ref(*varargs, **kwargs) -%}
    {%- if not execute or not is_of_a_person() or found.schema != target.schema -%}
        {{- return(found) -}}
    {%- endif -%}
    {%- set named = production_schemas() -%}
    {%- set known = named.get(found.identifier) -%}
    {%- if known is none or known.id in selected_resources -%}
        {{- return(found) -}}
    {%- endif -%}
    {%- if adapter.get_relation(found.database, found.schema, found.identifier) is not none -%}
        {{- return(found) -}}
    {%- endif -%}
    {{- return(found.incorporate(path={'schema': known.schema})) -}}
{% endmacro %}

{# Name of a table -> the schema that a run builds it in, and dbt's id of the model. #}
{% macro production_schemas() %}
    {%- set once = 'lakehouse production ' ~ invocation_id -%}
    {%- if once not in graph -%}
        {%- set found = {} -%}
        {%- for id, node in graph.nodes.items() if node.resource_type == 'model' -%}
            {%- do found.update({node.alias: {'id': id, 'schema': node.config.schema or 'gold'}}) -%}
        {%- endfor -%}
        {%- do graph.update({once: found}) -%}
    {%- endif -%}
    {{- return(graph[once]) -}}
{% endmacro %}

{#
  The comments of all columns in one statement, where dbt-spark has one for each: a commit of Delta each, and a
  `fetchall()` of what answers nothing, which PyHive does not take ("'NoneType' object is not iterable").
#}
{% macro spark__alter_column_comment(relation, column_dict) %}
    {%- set documented = [] -%}
    {%- for name, column in column_dict.items() if column['description'] -%}{%- do documented.append(name | lower) -%}{%- endfor -%}
    {%- if documented -%}
        {%- set described = [] -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- set text = (column_dict.get(column.name) or {}).get('description', '') -%}
            {%- do described.append(
                adapter.quote(column.name) ~ ' ' ~ column.dtype ~ (' comment ' ~ sql_text(text) if text else '')
            ) -%}
        {%- endfor -%}
        {%- call statement('comment_columns', fetch_result=False) -%}
            alter table {{ relation }} replace columns ({{ described | join(', ') }})
        {%- endcall -%}
    {%- endif -%}
{% endmacro %}
