{#
  Quotients and means as one division of doubles, null where there is nothing to divide by: engines differ in the
  digits that a quotient of decimals keeps.
#}
{% macro ratio(part, whole) -%}
    cast({{ part }} as double) / nullif(cast({{ whole }} as double), 0)
{%- endmacro %}

{# An amount for each of `whole`, to the cent: by way of more digits, for a double lies on either side of half a cent. #}
{% macro amount_per(part, whole) -%}
    cast(cast({{ ratio(part, whole) }} as decimal(28, 8)) as decimal(18, 2))
{%- endmacro %}

{% macro average(value) -%}
    cast(sum({{ value }}) as double) / nullif(count({{ value }}), 0)
{%- endmacro %}
