{# act_churn_rescue: what is so of the customer, by covariate of the churn model (ml/churn/features.py). #}
{% macro churn_facts() %}
    {{- return({
        'recency_days': {
            'en': 'Last active {ago}',
            'zh': '上次活跃是在{ago}'
        },
        'missed_active_days': {
            'en': 'Missing for {number} visits at their usual pace',
            'zh': '按其平时的节奏，已有{number}次该来而未来'
        },
        'active_days_per_month': {
            'en': 'Active on {number} days a month of late',
            'zh': '近来每月活跃{number}天'
        },
        'tenure_days': {
            'en': 'First active {ago}',
            'zh': '首次活跃是在{ago}'
        },
        'order_day_count': {
            'en': 'Bought on {count} {count:day|days} so far',
            'zh': '至今在{count}天里下过单'
        },
        'average_order_amount': {
            'en': 'Spends {amount} on a day of purchase',
            'zh': '每个下单日平均消费{amount}'
        },
        'discount_rate': {
            'en': 'Got {percent} of the value bought as discount',
            'zh': '所购价值中折扣占{percent}'
        },
        'ticket_count_90d': {
            'en': 'Opened {count} service {count:ticket|tickets} in the last 90 days',
            'zh': '近90天提交了{count}张客服工单'
        },
        'is_member': {
            'en': 'Has a membership',
            'zh': '有会员资格'
        },
        'is_member=0': {
            'en': 'Has no membership',
            'zh': '没有会员资格'
        }
    }) -}}
{% endmacro %}

{# What that says, by its effect on the hazard. #}
{% macro churn_reasons() %}
    {{- return({
        'raises': {
            'en': '{fact}, which speaks most for leaving',
            'zh': '{fact}，这最预示流失'
        },
        'lowers': {
            'en': '{fact}, which speaks most for staying',
            'zh': '{fact}，这最预示留存'
        },
        'untold': {
            'en': 'Nothing known sets them apart from the average customer',
            'zh': '已知情况与一般客户没有差别'
        }
    }) -}}
{% endmacro %}
