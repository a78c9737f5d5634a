{#
  Birth years for the customers who gave none: the mean of their five nearest neighbours (k-nearest-neighbours
  regression, Fix and Hodges 1951) by place and time of registration, among the customers of the same source who did.

  Each coordinate is centred on its median and divided by its inter-quartile range: exact quantiles, unlike means and
  deviations of doubles, are the same however Spark splits the rows. A coordinate that is missing counts as the median.
  At most 1,000 neighbours per source, drawn by a hash of their id, so that the cost grows with the missing and not
  with the square of the customers.

  Gives the common table expression `imputed` (source, customer_id, birth_year) and those before it.
#}
{% macro imputed_birth_years(people, neighbours=5, sample=1000) %}
{%- set coordinates = {
    'latitude': 'latitude', 'longitude': 'longitude', 'registered_at': 'cast(unix_seconds(registered_at) as double)',
} -%}
spread as (

    select
        source,
        {%- for name, value in coordinates.items() %}
        percentile({{ value }}, 0.5) as {{ name }}_median,
        coalesce(nullif(percentile({{ value }}, 0.75) - percentile({{ value }}, 0.25), 0), 1) as {{ name }}_range
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ people }}
    group by source

),

positions as (

    select
        {{ people }}.source,
        {{ people }}.customer_id,
        {{ people }}.stated_birth_year,
        {%- for name, value in coordinates.items() %}
        coalesce(({{ value }} - {{ name }}_median) / {{ name }}_range, 0) as {{ name }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ people }}
    inner join spread on {{ people }}.source = spread.source

),

drawn as (

    select
        *,
        row_number() over (partition by source order by xxhash64(customer_id), customer_id) as draw_number
    from positions
    where stated_birth_year is not null

),

neighbours as (

    select * from drawn where draw_number <= {{ sample }}

),

ranked as (

    select
        positions.source,
        positions.customer_id,
        neighbours.stated_birth_year,
        row_number() over (
            partition by positions.source, positions.customer_id
            order by
                {%- for name in coordinates %}
                {{ '+ ' if not loop.first }}power(positions.{{ name }} - neighbours.{{ name }}, 2)
                {%- endfor %},
                neighbours.customer_id
        ) as nearness
    from positions
    inner join neighbours on positions.source = neighbours.source
    where positions.stated_birth_year is null

),

imputed as (

    select
        source,
        customer_id,
        round(avg(stated_birth_year)) as birth_year
    from ranked
    where nearness <= {{ neighbours }}
    group by source, customer_id

)
{%- endmacro %}

{# The mean over rows of the same `level` and source; decimals, so that the order of summing cannot show. #}
{% macro mean_of(column, level=[]) %}
    {{- return('avg(' ~ column ~ ') over (partition by ' ~ (['source'] + level) | join(', ') ~ ')') -}}
{% endmacro %}
