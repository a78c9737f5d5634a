with

predictions as (

    select * from {{ source('ml', 'purchase_predictions') }}

),

-- What each feature says; a null value is a span that there is none of (test_reasons.py holds these against the model).
features as (

    select *
    from
        values
        ('view_count_7d', 'count', 'Product views in the last 7 days', null),
        ('view_count_30d', 'count', 'Product views in the last 30 days', null),
        ('view_count_90d', 'count', 'Product views in the last 90 days', null),
        ('search_count_7d', 'count', 'Searches in the last 7 days', null),
        ('search_count_30d', 'count', 'Searches in the last 30 days', null),
        ('search_count_90d', 'count', 'Searches in the last 90 days', null),
        ('cart_count_7d', 'count', 'Products put into the cart in the last 7 days', null),
        ('cart_count_30d', 'count', 'Products put into the cart in the last 30 days', null),
        ('cart_count_90d', 'count', 'Products put into the cart in the last 90 days', null),
        ('session_count_7d', 'count', 'Visits in the last 7 days', null),
        ('session_count_30d', 'count', 'Visits in the last 30 days', null),
        ('session_count_90d', 'count', 'Visits in the last 90 days', null),
        ('order_count_7d', 'count', 'Orders in the last 7 days', null),
        ('order_count_30d', 'count', 'Orders in the last 30 days', null),
        ('order_count_90d', 'count', 'Orders in the last 90 days', null),
        ('active_day_count_30d', 'count', 'Days with a visit in the last 30 days', null),
        ('send_count_30d', 'count', 'Messages sent to them in the last 30 days', null),
        ('impression_count_30d', 'count', 'Ads shown to them in the last 30 days', null),
        ('ticket_count_90d', 'count', 'Service tickets in the last 90 days', null),
        ('order_count', 'count', 'Orders in the time looked back on', null),
        ('return_count', 'count', 'Order lines returned in the time looked back on', null),
        ('spend_30d_amount', 'amount', 'Amount spent in the last 30 days', null),
        ('spend_90d_amount', 'amount', 'Amount spent in the last 90 days', null),
        ('spend_amount', 'amount', 'Amount spent in the time looked back on', null),
        ('average_order_amount', 'amount', 'Average amount of an order', null),
        ('discount_rate', 'percent', 'Discount on what they bought', null),
        ('tenure_days', 'count', 'Days known, of those looked back on', null),
        ('days_since_last_order', 'count', 'Days since the last order', 'No order in the time looked back on'),
        ('days_since_last_cart', 'count', 'Days since a cart was filled', 'No cart in the time looked back on'),
        ('days_since_last_activity', 'count', 'Days since the last activity', 'No activity in the time looked back on'),
        ('average_gap_days', 'number', 'Average days between orders', 'No second order in the time looked back on')
            as features (reason_feature, unit, phrase, phrase_of_none)

),

said as (

    select
        predictions.*,
        case
            when predictions.reason_feature like 'preferred_channel=%'
                then concat(
                    'The preferred channel is ',
                    case when predictions.reason_value > 0 then '' else 'not ' end,
                    substring(predictions.reason_feature, 19)
                )
            when predictions.reason_value is null then features.phrase_of_none
            else concat(
                features.phrase,
                ': ',
                case
                    when features.unit = 'count' then cast(cast(predictions.reason_value as bigint) as string)
                    when features.unit = 'amount'
                        then cast(cast(predictions.reason_value as decimal(18, 2)) as string)
                    when features.unit = 'number'
                        then cast(cast(predictions.reason_value as decimal(18, 1)) as string)
                    else concat(cast(cast(100 * predictions.reason_value as decimal(18, 1)) as string), ' %')
                end
            )
        end as fact
    from predictions
    left join features on predictions.reason_feature = features.reason_feature

),

final as (

    select
        ---------- ids
        customer_id,

        ---------- how likely
        purchase_probability,
        decile,

        ---------- why
        case
            when reason_effect > 0 then concat(coalesce(fact, reason_feature), '; this speaks most for a purchase')
            when reason_effect < 0 then concat(coalesce(fact, reason_feature), '; this speaks most against a purchase')
            else 'Nothing known of them speaks for or against a purchase'
        end as reason,
        reason_feature,
        reason_effect,

        ---------- where it comes from
        model_version
    from said

)

select * from final
