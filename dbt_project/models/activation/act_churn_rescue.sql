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

contactable as (

    select customer_id from {{ ref('dim_consent') }} where is_contactable

),

currencies as (

    select
        customer_id,
        currency
    from {{ ref('feat_customer_rfm') }}
    where not has_mixed_currencies

),

worth_rescuing as (

    select
        at_risk.*,
        customers.clv_amount,
        currencies.currency,
        cast(
            cast(at_risk.churn_probability as decimal(18, 12)) * customers.clv_amount as decimal(18, 2)
        ) as value_at_risk_amount
    from at_risk
    inner join contactable on at_risk.customer_id = contactable.customer_id
    inner join customers on at_risk.customer_id = customers.customer_id
    left join currencies on at_risk.customer_id = currencies.customer_id
    cross join usual
    where
        customers.clv_amount > 0
        and cast(at_risk.churn_probability as decimal(18, 12)) >= usual.average_churn_probability

),

-- What is so of the customer; the effect says whether it speaks for leaving or for staying.
told as (

    select
        *,
        {{ say_by(
            "concat(reason_feature, if(reason_feature = 'is_member' and reason_value = 0, '=0', ''))",
            churn_facts(),
            {
                'count': count_text('reason_value'),
                'ago': days_ago_text('reason_value'),
                'number': number_text('reason_value'),
                'percent': percent_text('reason_value'),
                'amount': amount_text('reason_value', 'currency'),
            }
        ) }} as fact
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
        {{ say_by("if(fact is null, 'untold', coalesce(reason_effect, 'untold'))", churn_reasons(), {'fact': 'fact'}) }}
            as reason,

        ---------- where it comes from
        model_version
    from told

)

select * from final
