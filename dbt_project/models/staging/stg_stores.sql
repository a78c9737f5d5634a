with

kept as (

    {{ without_copies('stores') }}

),

final as (

    select
        source,

        ---------- ids
        store_id,

        ---------- description
        name,

        ---------- place
        latitude,
        longitude,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select * from final
