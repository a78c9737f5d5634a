{# act_recommendations: what a customer did with the product that speaks most, by evidence_type. #}
{% macro recommend_deeds() %}
    {{- return({
        'bought': {'en': 'bought {title}', 'zh': '买过“{title}”'},
        'carted': {'en': 'put into the cart {title}', 'zh': '加购过“{title}”'},
        'rated': {'en': 'rated {title}', 'zh': '评价过“{title}”'},
        'viewed': {'en': 'looked at {title}', 'zh': '看过“{title}”'}
    }) -}}
{% endmacro %}

{# The same with the recommended product itself. #}
{% macro recommend_own_deeds() %}
    {{- return({
        'bought': {
            'en': 'Because they bought it before and may need it again',
            'zh': '因为以前买过它，可能又需要了'
        },
        'carted': {
            'en': 'Because they put it into the cart and have not bought it yet',
            'zh': '因为加购过它，还没有买'
        },
        'rated': {
            'en': 'Because they rated it and have not bought it yet',
            'zh': '因为评价过它，还没有买'
        },
        'viewed': {
            'en': 'Because they looked at it and have not bought it yet',
            'zh': '因为看过它，还没有买'
        }
    }) -}}
{% endmacro %}

{# By what speaks for the product. #}
{% macro recommend_reasons() %}
    {{- return({
        'own': {'en': '{own_deed}', 'zh': '{own_deed}'},
        'new, by evidence': {'en': 'New, because they {deed}', 'zh': '新品，因为{deed}'},
        'evidence': {'en': 'Because they {deed}', 'zh': '因为{deed}'},
        'new': {'en': 'New, and like what they know', 'zh': '新品，与其熟悉的商品相似'},
        'segment': {
            'en': 'Popular with customers of the segment {segment}',
            'zh': '受“{segment}”客群欢迎'
        },
        'not bought yet': {
            'en': 'Popular with customers who have not bought yet',
            'zh': '受尚未购买的客户欢迎'
        },
        'popularity': {'en': 'Popular with all customers', 'zh': '受全体客户欢迎'},
        'history': {
            'en': 'Because customers with a similar history like it',
            'zh': '因为经历相似的客户喜欢它'
        }
    }) -}}
{% endmacro %}

{# What a segment is called in a sentence; its name in a column is an identifier, and the same in all languages. #}
{% macro segment_names() %}
    {{- return({
        'Champions': {'en': 'Champions', 'zh': '核心客户'},
        'Loyal': {'en': 'Loyal', 'zh': '忠诚客户'},
        'Promising': {'en': 'Promising', 'zh': '潜力客户'},
        'New': {'en': 'New', 'zh': '新客户'},
        'Needs attention': {'en': 'Needs attention', 'zh': '需关注客户'},
        'At risk': {'en': 'At risk', 'zh': '流失风险客户'},
        'Hibernating': {'en': 'Hibernating', 'zh': '沉睡客户'},
        'Lost': {'en': 'Lost', 'zh': '已流失客户'},
        'All customers': {'en': 'All customers', 'zh': '全部客户'}
    }) -}}
{% endmacro %}
