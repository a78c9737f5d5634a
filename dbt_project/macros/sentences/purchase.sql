{#
  act_purchase_propensity: what is so of the customer, by column of the purchase model (ml/purchase/features.py);
  `… none` where it is a span of days that there is none of.
#}
{% macro purchase_facts() %}
    {{- return({
        'view_count_7d': {'en': 'Product views in the last 7 days: {count}', 'zh': '近7天浏览商品次数：{count}'},
        'view_count_30d': {'en': 'Product views in the last 30 days: {count}', 'zh': '近30天浏览商品次数：{count}'},
        'view_count_90d': {'en': 'Product views in the last 90 days: {count}', 'zh': '近90天浏览商品次数：{count}'},
        'search_count_7d': {'en': 'Searches in the last 7 days: {count}', 'zh': '近7天搜索次数：{count}'},
        'search_count_30d': {'en': 'Searches in the last 30 days: {count}', 'zh': '近30天搜索次数：{count}'},
        'search_count_90d': {'en': 'Searches in the last 90 days: {count}', 'zh': '近90天搜索次数：{count}'},
        'cart_count_7d': {
            'en': 'Products put into the cart in the last 7 days: {count}',
            'zh': '近7天加购商品次数：{count}'
        },
        'cart_count_30d': {
            'en': 'Products put into the cart in the last 30 days: {count}',
            'zh': '近30天加购商品次数：{count}'
        },
        'cart_count_90d': {
            'en': 'Products put into the cart in the last 90 days: {count}',
            'zh': '近90天加购商品次数：{count}'
        },
        'session_count_7d': {'en': 'Visits in the last 7 days: {count}', 'zh': '近7天访问次数：{count}'},
        'session_count_30d': {'en': 'Visits in the last 30 days: {count}', 'zh': '近30天访问次数：{count}'},
        'session_count_90d': {'en': 'Visits in the last 90 days: {count}', 'zh': '近90天访问次数：{count}'},
        'order_count_7d': {'en': 'Orders in the last 7 days: {count}', 'zh': '近7天订单数：{count}'},
        'order_count_30d': {'en': 'Orders in the last 30 days: {count}', 'zh': '近30天订单数：{count}'},
        'order_count_90d': {'en': 'Orders in the last 90 days: {count}', 'zh': '近90天订单数：{count}'},
        'active_day_count_30d': {
            'en': 'Days with a visit in the last 30 days: {count}',
            'zh': '近30天有访问的天数：{count}'
        },
        'send_count_30d': {
            'en': 'Messages sent to them in the last 30 days: {count}',
            'zh': '近30天收到的消息数：{count}'
        },
        'impression_count_30d': {
            'en': 'Ads shown to them in the last 30 days: {count}',
            'zh': '近30天看到的广告数：{count}'
        },
        'ticket_count_90d': {'en': 'Service tickets in the last 90 days: {count}', 'zh': '近90天客服工单数：{count}'},
        'order_count': {'en': 'Orders in the time looked back on: {count}', 'zh': '回溯期内订单数：{count}'},
        'return_count': {
            'en': 'Order lines returned in the time looked back on: {count}',
            'zh': '回溯期内退货行数：{count}'
        },
        'spend_30d_amount': {'en': 'Amount spent in the last 30 days: {amount}', 'zh': '近30天消费金额：{amount}'},
        'spend_90d_amount': {'en': 'Amount spent in the last 90 days: {amount}', 'zh': '近90天消费金额：{amount}'},
        'spend_amount': {'en': 'Amount spent in the time looked back on: {amount}', 'zh': '回溯期内消费金额：{amount}'},
        'average_order_amount': {'en': 'Average amount of an order: {amount}', 'zh': '平均订单金额：{amount}'},
        'discount_rate': {'en': 'Discount on what they bought: {percent}', 'zh': '所购商品的折扣比例：{percent}'},
        'tenure_days': {'en': 'Days known, of those looked back on: {count}', 'zh': '回溯期内已知天数：{count}'},
        'days_since_last_order': {'en': 'Days since the last order: {count}', 'zh': '距上次下单天数：{count}'},
        'days_since_last_order none': {
            'en': 'No order in the time looked back on',
            'zh': '回溯期内没有下单'
        },
        'days_since_last_cart': {'en': 'Days since a cart was filled: {count}', 'zh': '距上次加购天数：{count}'},
        'days_since_last_cart none': {
            'en': 'No cart in the time looked back on',
            'zh': '回溯期内没有加购'
        },
        'days_since_last_activity': {'en': 'Days since the last activity: {count}', 'zh': '距上次活跃天数：{count}'},
        'days_since_last_activity none': {
            'en': 'No activity in the time looked back on',
            'zh': '回溯期内没有活跃'
        },
        'average_gap_days': {'en': 'Average days between orders: {number}', 'zh': '平均下单间隔天数：{number}'},
        'average_gap_days none': {
            'en': 'No second order in the time looked back on',
            'zh': '回溯期内没有第二次下单'
        },
        'preferred_channel': {'en': 'The preferred channel is {channel}', 'zh': '偏好的渠道是{channel}'},
        'preferred_channel=0': {'en': 'The preferred channel is not {channel}', 'zh': '偏好的渠道不是{channel}'}
    }) -}}
{% endmacro %}

{# What that says, by the sign of its contribution. #}
{% macro purchase_reasons() %}
    {{- return({
        '1': {
            'en': '{fact}; this speaks most for a purchase',
            'zh': '{fact}；这最预示会购买'
        },
        '-1': {
            'en': '{fact}; this speaks most against a purchase',
            'zh': '{fact}；这最预示不会购买'
        },
        '0': {
            'en': 'Nothing known of them speaks for or against a purchase',
            'zh': '已知情况既不预示会购买，也不预示不会购买'
        }
    }) -}}
{% endmacro %}
