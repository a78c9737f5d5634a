with

predictions as (

    select * from {{ source('ml', 'purchase_predictions') }}

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

-- A flag of a channel is told by the name of the channel; no value is a span that there is none of.
keyed as (

    select
        predictions.*,
        currencies.currency,
        case
            when predictions.reason_feature like 'preferred_channel=%'
                then concat('preferred_channel', if(predictions.reason_value > 0, '', '=0'))
            else concat(predictions.reason_feature, if(predictions.reason_value is null, ' none', ''))
        end as fact_key,
        substring(predictions.reason_feature, 19) as channel
    from predictions
    inner join contactable on predictions.customer_id = contactable.customer_id
    left join currencies on predictions.customer_id = currencies.customer_id

),

said as (

    select
        *,
        {{ say_by('fact_key', purchase_facts(), {
            'count': count_text('reason_value'),
            'number': number_text('reason_value'),
            'percent': percent_text('reason_value'),
            'amount': amount_text('reason_value', 'currency'),
            'channel': 'channel',
        }) }} as fact
    from keyed

),

final as (

    select
        ---------- ids
        customer_id,

        ---------- how likely
        purchase_probability,
        decile,

        ---------- why
        {{ say_by(
            'cast(cast(sign(reason_effect) as int) as string)',
            purchase_reasons(),
            {'fact': 'coalesce(fact, reason_feature)'}
        ) }} as reason,
        reason_feature,
        reason_effect,

        ---------- where it comes from
        model_version
    from said

)

select * from final
