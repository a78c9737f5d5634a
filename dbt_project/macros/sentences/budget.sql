{# act_budget: what a contact of the channel is worth. #}
{% macro budget_worths() %}
    {{- return({
        'free': {
            'en': 'a contact costs nothing and brings {unit_return}',
            'zh': '一次触达不花钱，带来{unit_return}'
        },
        'paid': {
            'en': '{money} brings {per_money}, place {place} of {channels}',
            'zh': '{money}带来{per_money}，在{channels}个渠道中排第{place}'
        }
    }) -}}
{% endmacro %}

{# By the limit that holds the channel. #}
{% macro budget_reasons() %}
    {{- return({
        'conflict': {'en': 'No plan: {conflict}', 'zh': '没有方案：{conflict}'},
        'no contacts': {
            'en': 'Gets nothing: it had no contacts lately to plan from',
            'zh': '不分配：近期没有触达，无从规划'
        },
        'held': {
            'en': 'Held where it is, minimum and maximum are the same: {worth}',
            'zh': '维持不变，下限与上限相同：{worth}'
        },
        'maximum': {'en': 'At its maximum: {worth}', 'zh': '已达上限：{worth}'},
        'nearly maximum': {
            'en': '{count} {count:contact|contacts} short of its maximum, for only whole ones fit the budget: {worth}',
            'zh': '离上限差{count}次触达，因为预算只容得下整次触达：{worth}'
        },
        'nothing, no return': {
            'en': 'Gets nothing: it brings nothing back',
            'zh': '不分配：没有任何回报'
        },
        'minimum, no return': {
            'en': 'At its minimum: it brings nothing back',
            'zh': '保持下限：没有任何回报'
        },
        'nothing': {
            'en': 'Gets nothing: {worth}, the last one spent brings {per_more_money}',
            'zh': '不分配：{worth}，而预算最后1单位带来{per_more_money}'
        },
        'minimum': {
            'en': 'At its minimum: {worth}, the last one spent brings {per_more_money}',
            'zh': '保持下限：{worth}，而预算最后1单位带来{per_more_money}'
        },
        'nearly minimum': {
            'en': '{count} {count:contact|contacts} above its minimum, for only whole ones fit the budget: {worth}',
            'zh': '比下限多{count}次触达，因为预算只容得下整次触达：{worth}'
        },
        'rest': {
            'en': 'Takes what the better channels leave of the budget: {worth}',
            'zh': '取用更优渠道留下的预算：{worth}'
        }
    }) -}}
{% endmacro %}

{# Where the currency is not told. #}
{% macro budget_money() %}
    {{- return({'untold': {'en': 'a unit of money', 'zh': '1单位预算'}}) -}}
{% endmacro %}
