{# dim_customer: the word that adds most to how the last ticket reads (ml/text/mood.py), by the side it adds to. #}
{% macro ticket_reasons() %}
    {{- return({
        'praise': {
            'en': 'Its words "{words}" speak most for a good mood',
            'zh': '其中“{words}”最体现满意'
        },
        'complaint': {
            'en': 'Its words "{words}" speak most for a bad mood',
            'zh': '其中“{words}”最体现不满'
        }
    }) -}}
{% endmacro %}
