with

checked as (

    {{ checked_rows('locations') }}

),

kept as (

    {{ without_copies('locations') }}

),

final as (

    select
        source,

        ---------- ids
        customer_id,

        ---------- place
        latitude,
        longitude,
        dwell_seconds,

        ---------- times
        seen_at,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select * from final
