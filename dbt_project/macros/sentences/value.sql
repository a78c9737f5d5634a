{# dim_customer: what is so of the customer, by feature of the value model (ml/value/reasons.py). #}
{% macro value_facts() %}
    {{- return({
        'order_day_count': {
            'en': 'Bought on {count} {count:day|days} so far',
            'zh': '至今在{count}天里下过单'
        },
        'recency_days': {
            'en': 'Last bought {ago}',
            'zh': '上次购买是在{ago}'
        },
        'tenure_days': {
            'en': 'First bought {ago}',
            'zh': '首次购买是在{ago}'
        },
        'repeat_order_amount': {
            'en': 'Spends {amount} on a day of purchase after the first',
            'zh': '首次之后，每个下单日平均消费{amount}'
        }
    }) -}}
{% endmacro %}

{# What that says, by the sign of its share in the expected value. #}
{% macro value_reasons() %}
    {{- return({
        '1': {
            'en': '{fact}, which raises their expected value most',
            'zh': '{fact}，这最提高其预期价值'
        },
        '-1': {
            'en': '{fact}, which lowers their expected value most',
            'zh': '{fact}，这最降低其预期价值'
        },
        '0': {
            'en': 'Their expected value is that of the average customer',
            'zh': '其预期价值与一般客户相同'
        }
    }) -}}
{% endmacro %}
