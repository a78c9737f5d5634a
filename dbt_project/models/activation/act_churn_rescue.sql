with

predictions as (

    select * from {{ source('ml', 'churn_predictions') }}

),

-- Who is lapsed is not to be rescued but won back, and lifts the average for nobody.
at_risk as (

    select * from predictions
    where not is_lapsed

),

usual as (

    select {{ average('cast(churn_probability as decimal(18, 12))') }} as average_churn_probability
    from at_risk

),

customers as (

    select
        customer_id,
        clv_amount
    from {{ ref('dim_customer') }}

),

worth_rescuing as (

    select
        at_risk.*,
        customers.clv_amount,
        cast(
            cast(at_risk.churn_probability as decimal(18, 12)) * customers.clv_amount as decimal(18, 2)
        ) as value_at_risk_amount
    from at_risk
    inner join customers on at_risk.customer_id = customers.customer_id
    cross join usual
    where
        customers.clv_amount > 0
        and cast(at_risk.churn_probability as decimal(18, 12)) >= usual.average_churn_probability

),

-- What is so of the customer; the effect says whether it speaks for leaving or for staying.
told as (

    select
        *,
        case reason_feature
            when 'recency_days' then concat('Last active ', cast(round(reason_value) as bigint), ' days ago')
            when 'missed_active_days'
                then concat('Missing for ', cast(reason_value as decimal(18, 1)), ' visits at their usual pace')
            when 'active_days_per_month'
                then concat('Active on ', cast(reason_value as decimal(18, 1)), ' days a month of late')
            when 'tenure_days' then concat('First active ', cast(round(reason_value) as bigint), ' days ago')
            when 'order_day_count' then concat('Bought on ', cast(round(reason_value) as bigint), ' days so far')
            when 'average_order_amount'
                then concat('Spends ', cast(reason_value as decimal(18, 2)), ' on a day of purchase')
            when 'discount_rate'
                then concat('Got ', cast(100 * reason_value as decimal(18, 1)), ' % of the value bought as discount')
            when 'ticket_count_90d'
                then concat('Opened ', cast(round(reason_value) as bigint), ' service tickets in the last 90 days')
            when 'is_member' then case when reason_value > 0 then 'Has a membership' else 'Has no membership' end
        end as fact
    from worth_rescuing

),

final as (

    select
        ---------- ids
        customer_id,
        cast(row_number() over (order by value_at_risk_amount desc, customer_id) as int) as rank,

        ---------- how likely, and when
        churn_probability,
        churn_probability_low,
        churn_probability_high,
        median_days_to_churn,
        contact_on,

        ---------- what is at stake
        clv_amount,
        value_at_risk_amount,
        cast(
            cast(churn_probability_low as decimal(18, 12)) * clv_amount as decimal(18, 2)
        ) as value_at_risk_low_amount,

        ---------- why
        case
            when fact is null then 'There is too little history to say why'
            when reason_effect = 'raises' then concat(fact, ', which speaks most for leaving')
            else concat(fact, ', which speaks most for staying')
        end as reason,

        ---------- where it comes from
        model_version
    from told

)

select * from final
