{#
  What decides who may be contacted where sources leave it open: the settings `assume_consent`, `contact_cap_count` and
  `contact_cap_days`. `lakehouse/lineage.py` makes anew what calls this when one of them changes.
#}
{% macro contact_policy() %}
    {{- return({
        'assume': var('assume_consent', true),
        'cap_count': var('contact_cap_count', none),
        'cap_days': var('contact_cap_days', 7),
    }) -}}
{% endmacro %}

{# Channels that consent to all channels, or assumed consent, means; consents may name others. #}
{% macro contact_channels() -%}
    array('ad', 'email', 'phone', 'post', 'push', 'sms')
{%- endmacro %}

{# Consent is assumed where no source brings consents and the setting allows it. #}
{% macro consent_is_assumed() %}
    {%- set _ = source('ops', 'sources') -%}
    {{- return(execute and not sources_with('consents') and contact_policy().assume) -}}
{% endmacro %}
