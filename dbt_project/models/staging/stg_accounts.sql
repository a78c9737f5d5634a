with

kept as (

    {{ without_copies('accounts') }}

),

final as (

    select
        source,

        ---------- ids
        account_id,
        customer_id,

        ---------- description
        account_type,

        ---------- dates
        opened_on,
        due_on,
        paid_on,

        ---------- money
        credit_limit_amount,
        currency,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select * from final
