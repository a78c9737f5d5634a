{#
  Whether the row's customer or product is one that its source knows. A source that brings no such entity vouches for
  every id it uses; a row without an id is nobody's.

  `known_keys` gives the common table expression `known_<thing>s`, `is_known` the flag (join it on source and id).
#}
{% macro known_keys(thing) -%}
known_{{ thing }}s as (

    select distinct
        source,
        {{ thing }}_id
    from {{ ref('stg_' ~ thing ~ 's') }}

)
{%- endmacro %}

{% macro join_known(thing, relation) -%}
left join known_{{ thing }}s
        on {{ relation }}.source = known_{{ thing }}s.source and {{ relation }}.{{ thing }}_id = known_{{ thing }}s.{{ thing }}_id
{%- endmacro %}

{% macro is_known(thing, relation) %}
    {%- set bringing = [] -%}
    {%- for name in sources_with(thing ~ 's') -%}{%- do bringing.append(sql_text(name)) -%}{%- endfor -%}
    {%- set has_id = relation ~ '.' ~ thing ~ '_id is not null' -%}
    {%- if not bringing -%}
        {{- return(has_id) -}}
    {%- endif -%}
    {{- return(
        '(known_' ~ thing ~ 's.' ~ thing ~ '_id is not null or (' ~ has_id ~ ' and ' ~ relation ~ '.source not in ('
        ~ bringing | join(', ') ~ ')))'
    ) -}}
{% endmacro %}
