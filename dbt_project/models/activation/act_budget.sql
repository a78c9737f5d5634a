with

allocation as (

    select
        *,
        unit_return_amount / nullif(unit_cost_amount, 0) as return_on_spend,
        cast(cast(unit_return_amount as decimal(18, 2)) as string) as unit_return,
        cast(cast(unit_return_amount / nullif(unit_cost_amount, 0) as decimal(18, 2)) as string) as per_money,
        cast(cast(budget_shadow_price as decimal(18, 2)) as string) as per_more_money,
        coalesce(concat('1 ', currency), 'a unit of money') as money
    from {{ source('ml', 'budget_allocation') }}

),

placed as (

    select
        *,
        rank() over (
            partition by currency
            order by return_on_spend is not null, return_on_spend desc
        ) as return_on_spend_rank,
        count(*) over (partition by currency) as channel_count
    from allocation

),

told as (

    select
        *,
        case
            when return_on_spend is null then concat('a contact costs nothing and brings ', unit_return)
            else concat(
                money, ' brings ', per_money, ', place ', cast(return_on_spend_rank as string), ' of ',
                cast(channel_count as string)
            )
        end as worth
    from placed

),

final as (

    select
        ---------- keys
        channel,
        currency,

        ---------- what to do
        allocated_count,
        allocated_amount,
        cast(expected_return_amount as decimal(18, 2)) as expected_return_amount,
        case
            when conflict is not null then concat('No plan: ', conflict)
            when maximum_count = 0 then 'Gets nothing: it had no contacts lately to plan from'
            when bound = 'maximum' and minimum_count = maximum_count
                then concat('Held where it is, minimum and maximum are the same: ', worth)
            when bound = 'maximum' then concat('At its maximum: ', worth)
            when bound = 'minimum' and unit_return_amount <= 0
                then concat(if(minimum_count = 0, 'Gets nothing: ', 'At its minimum: '), 'it brings nothing back')
            when bound = 'minimum'
                then concat(
                    if(minimum_count = 0, 'Gets nothing: ', 'At its minimum: '), worth, ', the last one spent brings ',
                    per_more_money
                )
            else concat('Takes what the better channels leave of the budget: ', worth)
        end as reason,

        ---------- what it is made of
        unit_cost_amount,
        unit_return_amount,
        unit_return_error,
        return_on_spend,
        return_on_spend_rank,

        ---------- limits
        recent_count,
        minimum_count,
        maximum_count,
        budget_amount,

        ---------- prices of the limits
        bound,
        shadow_price,
        budget_shadow_price,
        one_more_return_amount,

        ---------- where it comes from
        model_version
    from told

)

select * from final
