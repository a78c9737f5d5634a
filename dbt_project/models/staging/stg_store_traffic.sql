with

kept as (

    {{ without_copies('store_traffic') }}

),

final as (

    select
        source,

        ---------- ids
        store_id,

        ---------- times
        counted_at,

        ---------- counts
        visitor_count,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select * from final
