with

kept as (

    {{ without_copies('memberships') }}

),

with_mean as (

    select
        *,
        {{ mean_of('points') }} as mean_points
    from kept

),

final as (

    select
        source,

        ---------- ids
        customer_id,

        ---------- description
        tier,

        ---------- dates
        started_on,
        expires_on,

        ---------- measures
        coalesce(points, cast(round(mean_points) as bigint)) as points,
        points is null and mean_points is not null as is_points_imputed,

        ---------- lineage
        {{ lineage() }}
    from with_mean

)

select * from final
