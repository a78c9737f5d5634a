{# act_segments: what is so of the customer, by dimension of the segments (ml/segment/features.py). #}
{% macro segment_facts() %}
    {{- return({
        'recency_days': {
            'en': 'Last bought {ago}',
            'zh': '上次购买是在{ago}'
        },
        'frequency': {
            'en': 'Placed {count} {count:order|orders} so far',
            'zh': '至今下过{count}单'
        },
        'monetary_amount': {
            'en': 'Bought for {amount} so far',
            'zh': '至今购买金额为{amount}'
        },
        'expected_value_365d_amount': {
            'en': 'Expected to spend {amount} in the next 365 days',
            'zh': '预计未来365天消费{amount}'
        },
        'active_day_count_90d': {
            'en': 'Active on {count} of the last 90 days',
            'zh': '近90天中有{count}天活跃'
        },
        'days_since_last_activity': {
            'en': 'Last active {ago}',
            'zh': '上次活跃是在{ago}'
        },
        'days_since_first_activity': {
            'en': 'First active {ago}',
            'zh': '首次活跃是在{ago}'
        }
    }) -}}
{% endmacro %}

{# What that says: apart from the next nearest segment, as near to both, or of the only one there is. #}
{% macro segment_reasons() %}
    {{- return({
        'apart': {
            'en': '{fact}, which speaks most for {segment} rather than {other}',
            'zh': '{fact}，这最能说明其属于“{segment}”而非“{other}”'
        },
        'between': {
            'en': 'As near to {other} as to {segment}',
            'zh': '与“{other}”和“{segment}”同样接近'
        },
        'alone': {
            'en': 'There is one segment only',
            'zh': '只有一个客群'
        }
    }) -}}
{% endmacro %}
