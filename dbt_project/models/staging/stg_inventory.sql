with

kept as (

    {{ without_copies('inventory') }}

),

final as (

    select
        source,

        ---------- ids
        store_id,
        product_id,

        ---------- dates
        counted_on,

        ---------- counts
        on_hand_count,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select * from final
