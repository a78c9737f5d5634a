{# Schemas are named as they are (silver, gold), without the target's prefix; a person has one for all (dev.sql). #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (target.schema if is_of_a_person() else custom_schema_name or target.schema) | trim }}
{%- endmacro %}

{# stg_order_lines is table silver.order_lines. #}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
    {%- set name = custom_alias_name or node.name -%}
    {{ name[4:] if name.startswith('stg_') else name }}
{%- endmacro %}
