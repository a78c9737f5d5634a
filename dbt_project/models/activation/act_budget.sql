with

allocation as (

    select
        *,
        unit_return_amount / nullif(unit_cost_amount, 0) as return_on_spend,
        {{ amount_text('unit_return_amount', 'currency') }} as unit_return,
        {{ amount_text('unit_return_amount / nullif(unit_cost_amount, 0)', 'currency') }} as per_money,
        {{ amount_text('budget_shadow_price', 'currency') }} as per_more_money,
        coalesce(concat('1 ', currency), {{ say(budget_money().untold) }}) as money
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

-- Which limit holds the channel: the one with a price, though contacts cannot be split and may leave some of it.
held as (

    select
        *,
        case
            when conflict is not null then 'conflict'
            when maximum_count = 0 then 'no contacts'
            when bound = 'maximum' and minimum_count = maximum_count then 'held'
            when bound = 'maximum' then 'maximum'
            when shadow_price > 0 then 'nearly maximum'
            when bound = 'minimum' and unit_return_amount <= 0
                then if(minimum_count = 0, 'nothing, no return', 'minimum, no return')
            when bound = 'minimum' then if(minimum_count = 0, 'nothing', 'minimum')
            when shadow_price < 0 then 'nearly minimum'
            else 'rest'
        end as holding,
        case
            when return_on_spend is null
                then {{ say(budget_worths().free, {'unit_return': 'unit_return'}) }}
            else {{ say(budget_worths().paid, {
                'money': 'money',
                'per_money': 'per_money',
                'place': 'cast(return_on_spend_rank as string)',
                'channels': 'cast(channel_count as string)',
            }) }}
        end as worth,
        if(shadow_price > 0, maximum_count - allocated_count, allocated_count - minimum_count) as slack_count
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
        {{ say_by('holding', budget_reasons(), {
            'conflict': 'conflict',
            'worth': 'worth',
            'count': count_text('slack_count'),
            'per_more_money': 'per_more_money',
        }) }} as reason,

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
    from held

)

select * from final
