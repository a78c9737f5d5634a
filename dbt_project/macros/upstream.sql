{#
  A table of an earlier layer by name, without an edge in the graph. Only tests use it: dbt runs a test as soon as any
  of its parents is selected, so an accounting test with an edge to silver would run with silver, before gold is there.
#}
{% macro upstream(schema, table) -%}
    {{ api.Relation.create(schema=schema, identifier=table) }}
{%- endmacro %}
