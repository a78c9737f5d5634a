with

kept as (

    {{ without_copies('holdings') }}

),

final as (

    select
        source,

        ---------- ids
        account_id,
        product_id,

        ---------- dates
        as_of_on,

        ---------- money
        balance_amount,
        currency,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select * from final
