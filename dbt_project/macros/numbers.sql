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

{# The least value of each tenth but the first, as `from_2` to `from_10`; null for one that ties leave without a value. #}
{% macro starts_of_tenths(value, tenth) %}
    {%- set starts = [] -%}
    {%- for number in range(2, 11) -%}
        {%- do starts.append('min(case when ' ~ tenth ~ ' = ' ~ number ~ ' then ' ~ value ~ ' end) as from_' ~ number) -%}
    {%- endfor -%}
    {{- return(starts | join(', ')) -}}
{% endmacro %}

{# The tenth that a value is in, given the relation that has the starts. #}
{% macro tenth_of(value, starts) %}
    {%- set cases = [] -%}
    {%- for number in range(10, 1, -1) -%}
        {%- do cases.append('when ' ~ value ~ ' >= ' ~ starts ~ '.from_' ~ number ~ ' then ' ~ number) -%}
    {%- endfor -%}
    {{- return('case ' ~ cases | join(' ') ~ ' else 1 end') -}}
{% endmacro %}
