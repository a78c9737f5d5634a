{#
  What silver shows of a value that says who somebody is was made when the value was landed (lakehouse/privacy/masks.py):
  the value itself is in the vault, and bronze has the mask. Here is what else silver does not show.
#}

{# The lower edge of the cell of a hundredth of a degree (1.1 km from south to north) that a coordinate is in. #}
{% macro cell_of(degrees) %}
    {{- return('cast(floor(' ~ degrees ~ ' * 100) as double) / 100') -}}
{% endmacro %}

{# What of a name may tell a gender, as landing has it; nothing where setting `gender_from_names` forbids it. #}
{% macro given_name(column) %}
    {{- return(column if var('gender_from_names', true) else 'cast(null as string)') -}}
{% endmacro %}
