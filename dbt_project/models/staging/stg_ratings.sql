with

checked as (

    {{ checked_rows('ratings') }}

),

kept as (

    {{ without_copies('ratings') }}

),

final as (

    select
        source,

        ---------- ids
        customer_id,
        product_id,

        ---------- measures
        rating,

        ---------- times
        rated_at,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select * from final
