-- A failure means that rows were lost or counted twice between bronze and silver: every current bronze row of an entity
-- must stand in its silver table (`source_row_count` of them in one row) or in silver.quarantine.
with

landed as (

    select
        loads.entity,
        sum(loads.rows_landed) as row_count
    from {{ source('ops', 'loads') }} as loads
    left semi join {{ source('ops', 'sources') }} as sources
        on loads.entity = sources.entity and loads.source = sources.source
    where loads.is_current
    group by loads.entity

),

accounted as (

    {% for name in entities_brought() -%}
    select
        '{{ name }}' as entity,
        sum(source_row_count) as row_count
    from {{ ref('stg_' ~ name) }}
    union all
    {% endfor -%}
    select
        entity,
        count(*) as row_count
    from {{ ref('quarantine') }}
    group by entity

),

by_entity as (

    select
        entity,
        sum(row_count) as row_count
    from accounted
    group by entity

)

select
    landed.entity,
    landed.row_count as landed_rows,
    by_entity.row_count as accounted_rows
from landed
left join by_entity on landed.entity = by_entity.entity
where landed.row_count != coalesce(by_entity.row_count, 0)
