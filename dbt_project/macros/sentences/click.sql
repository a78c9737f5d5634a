{# act_click_propensity: what a column of the click model (ml/click/tokens.py) is about. #}
{% macro click_facts() %}
    {{- return({
        'creative_id': {'en': 'The creative itself', 'zh': '创意本身'},
        'slot_id': {'en': 'Where it is shown', 'zh': '广告位'},
        'campaign_id': {'en': 'The campaign', 'zh': '营销活动'},
        'channel': {'en': 'The channel', 'zh': '渠道'},
        'objective': {'en': 'The objective of the campaign', 'zh': '营销活动的目标'},
        'hour_of_day': {'en': 'The hours at which it is shown', 'zh': '投放的钟点'},
        'day_of_week': {'en': 'The weekdays on which it is shown', 'zh': '投放的星期'},
        'attributes': {'en': 'The {attribute} of the creative', 'zh': '创意的{attribute}'},
        'device_type': {'en': 'Device', 'zh': '设备'},
        'region': {'en': 'Region', 'zh': '地区'},
        'gender': {'en': 'Gender', 'zh': '性别'},
        'city': {'en': 'City', 'zh': '城市'},
        'age_years': {'en': 'Age', 'zh': '年龄'},
        'prior_impression_count': {'en': 'Ads seen so far', 'zh': '至今看过的广告数'},
        'prior_click_count': {'en': 'Ads clicked so far', 'zh': '至今点击的广告数'},
        'prior_impression_count_7d': {'en': 'Ads seen in the last 7 days', 'zh': '近7天看过的广告数'},
        'prior_click_count_30d': {'en': 'Ads clicked in the last 30 days', 'zh': '近30天点击的广告数'},
        'prior_view_count_30d': {'en': 'Product views in the last 30 days', 'zh': '近30天浏览商品次数'},
        'prior_cart_count_30d': {'en': 'Products put into the cart in the last 30 days', 'zh': '近30天加购商品次数'},
        'prior_search_count_30d': {'en': 'Searches in the last 30 days', 'zh': '近30天搜索次数'},
        'prior_order_count': {'en': 'Orders so far', 'zh': '至今订单数'},
        'days_since_prior_order': {'en': 'Days since the last order', 'zh': '距上次下单天数'},
        'category_match': {'en': 'It is about what they look at most', 'zh': '内容是其最常浏览的品类'},
        'prior_top_category_x_creative': {'en': 'What they look at most', 'zh': '最常浏览的品类'}
    }) -}}
{% endmacro %}

{# Levels that the model itself has words for; others, such as a city, are told as they are. #}
{% macro click_levels() %}
    {{- return({
        'unknown': {'en': 'not known', 'zh': '未知'},
        'never': {'en': 'never ordered', 'zh': '从未下单'},
        'no': {'en': 'no', 'zh': '否'},
        'yes, <25% of views': {'en': 'yes, less than 25% of their views', 'zh': '是，占其浏览不到25%'},
        'yes, 25-49% of views': {'en': 'yes, 25-49% of their views', 'zh': '是，占其浏览的25-49%'},
        'yes, 50-74% of views': {'en': 'yes, 50-74% of their views', 'zh': '是，占其浏览的50-74%'},
        'yes, 75%+ of views': {'en': 'yes, 75% or more of their views', 'zh': '是，占其浏览的75%以上'},
        'day_of_week=1': {'en': 'Monday', 'zh': '星期一'},
        'day_of_week=2': {'en': 'Tuesday', 'zh': '星期二'},
        'day_of_week=3': {'en': 'Wednesday', 'zh': '星期三'},
        'day_of_week=4': {'en': 'Thursday', 'zh': '星期四'},
        'day_of_week=5': {'en': 'Friday', 'zh': '星期五'},
        'day_of_week=6': {'en': 'Saturday', 'zh': '星期六'},
        'day_of_week=7': {'en': 'Sunday', 'zh': '星期日'},
        'gender=female': {'en': 'female', 'zh': '女'},
        'gender=male': {'en': 'male', 'zh': '男'},
        'device_type=mobile': {'en': 'mobile', 'zh': '手机'},
        'device_type=desktop': {'en': 'desktop', 'zh': '电脑'},
        'device_type=tablet': {'en': 'tablet', 'zh': '平板'}
    }) -}}
{% endmacro %}

{# What that says, by the sign of its contribution; without a level where the impressions differ in it. #}
{% macro click_reasons() %}
    {{- return({
        '1': {
            'en': '{fact}: {level}; this speaks most for a click',
            'zh': '{fact}：{level}；这最预示会点击'
        },
        '-1': {
            'en': '{fact}: {level}; this speaks most against a click',
            'zh': '{fact}：{level}；这最预示不会点击'
        },
        '1 mixed': {
            'en': '{fact}; this speaks most for a click',
            'zh': '{fact}；这最预示会点击'
        },
        '-1 mixed': {
            'en': '{fact}; this speaks most against a click',
            'zh': '{fact}；这最预示不会点击'
        },
        '0': {
            'en': 'Nothing known speaks for or against a click',
            'zh': '已知情况既不预示会点击，也不预示不会点击'
        }
    }) -}}
{% endmacro %}
