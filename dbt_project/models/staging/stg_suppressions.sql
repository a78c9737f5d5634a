with

kept as (

    {{ without_copies('suppressions') }}

),

final as (

    select
        source,

        ---------- ids
        customer_id,

        ---------- description
        reason,

        ---------- times
        suppressed_at,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select * from final
