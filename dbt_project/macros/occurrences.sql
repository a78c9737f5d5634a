{#
  What each entity brings to gold.feat_activity, one row per row of silver; a column that it does not name is null.

    kind          what happened
    moved_by      times at which a row is told otherwise: the message is opened, the ticket closed
#}
{% macro occurrence_columns() %}
    {{- return({
        'customer_id': ['string', 'customer_id'],
        'is_known_customer': ['boolean', 'null'],
        'product_id': ['string', 'null'],
        'happening_id': ['string', 'null'],
        'channel': ['string', 'null'],
        'device_type': ['string', 'null'],
        'currency': ['string', 'null'],
        'is_purchase': ['boolean', 'false'],
        'is_return': ['boolean', 'false'],
        'is_cancelled': ['boolean', 'false'],
        'is_answered': ['boolean', 'null'],
        'quantity': ['int', 'null'],
        'unit_price': ['decimal(18, 4)', 'null'],
        'gross_amount': ['decimal(18, 2)', 'null'],
        'net_amount': ['decimal(18, 2)', 'null'],
        'discount_amount': ['decimal(18, 2)', 'null'],
        'value': ['double', 'null'],
        'occurred_at': ['timestamp', 'null'],
    }) -}}
{% endmacro %}

{% macro occurrence_kinds() %}
    {%- set day = run_day() -%}
    {{- return({
        'events': {
            'kind': 'event_type', 'customer_id': 'resolved_customer_id', 'is_known_customer': 'true',
            'product_id': 'known_product_id', 'happening_id': visit_id(), 'channel': 'channel',
            'device_type': 'device_type', 'is_purchase': 'is_counted_purchase', 'quantity': '1',
            'occurred_at': 'event_at', 'occurred_on': 'event_on',
        },
        'order_lines': {
            'kind': "'order_line'", 'is_known_customer': 'is_known_customer',
            'product_id': 'case when is_known_product then product_id end', 'happening_id': 'order_id',
            'channel': 'channel', 'currency': 'currency', 'is_purchase': 'is_sale', 'is_cancelled': 'is_cancelled',
            'is_return': 'is_return and not is_cancelled', 'quantity': 'quantity', 'unit_price': 'unit_price',
            'gross_amount': 'gross_amount', 'net_amount': 'net_amount', 'discount_amount': 'discount_amount',
            'occurred_at': 'ordered_at', 'occurred_on': 'ordered_on',
        },
        'ratings': {
            'kind': "'rating'", 'product_id': 'product_id', 'value': 'rating', 'occurred_at': 'rated_at',
            'occurred_on': 'rated_on',
        },
        'impressions': {
            'kind': "'impression'", 'is_known_customer': 'is_known_customer', 'happening_id': 'impression_id',
            'device_type': 'device_type', 'is_answered': 'coalesce(is_clicked, false)', 'occurred_at': 'shown_at',
            'occurred_on': 'shown_on',
        },
        'sends': {
            'kind': "'send'", 'happening_id': 'send_id', 'channel': 'channel', 'occurred_at': 'sent_at',
            'is_answered': 'coalesce(to_date(opened_at) <= ' ~ day ~ ', false)', 'occurred_on': 'sent_on',
            'value': 'if(to_date(clicked_at) <= ' ~ day ~ ', 1.0, 0.0)', 'moved_by': ['opened_at', 'clicked_at'],
        },
        'tickets': {
            'kind': "'ticket'", 'happening_id': 'ticket_id', 'channel': 'channel', 'occurred_at': 'opened_at',
            'is_answered': 'coalesce(to_date(closed_at) <= ' ~ day ~ ', false)', 'value': 'satisfaction',
            'occurred_on': 'to_date(opened_at)', 'moved_by': ['closed_at'],
        },
        'memberships': {'kind': "'membership'", 'occurred_on': 'started_on'},
        'consents': {'kind': "'consent'", 'occurred_at': 'changed_at', 'occurred_on': 'changed_on'},
        'locations': {'kind': "'location'", 'occurred_at': 'seen_at', 'occurred_on': 'seen_on'},
        'accounts': {'kind': "'account'", 'occurred_on': 'opened_on'},
        'customers': {
            'kind': "'registration'", 'is_known_customer': 'true', 'occurred_at': 'registered_at',
            'occurred_on': 'to_date(registered_at)',
        },
        'products': {
            'kind': "'listing'", 'customer_id': 'null', 'is_known_customer': 'false', 'product_id': 'product_id',
            'occurred_on': 'listed_on',
        },
    }) -}}
{% endmacro %}

{# Entities that have rows of activity here: those that sources bring; customers always, so that there is one. #}
{% macro entities_with_activity() %}
    {%- set brought, found = entities_brought(), [] -%}
    {%- for entity in occurrence_kinds() if not execute or entity in brought or entity == 'customers' -%}
        {%- do found.append(entity) -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}

{#
  The rows of activity that the rows of `relation` are, `entity`'s own columns in it, with `more` columns as they are.
  `is_known_customer` tells it of an entity of which silver does not.
#}
{% macro occurrences(entity, relation, more=[], is_known_customer='null') -%}
    {%- set brings = {'is_known_customer': is_known_customer} -%}
    {%- do brings.update(occurrence_kinds()[entity]) -%}
    select
        source,
        cast({{ brings.kind }} as string) as kind,
        {% for column, (type, nothing) in occurrence_columns().items() -%}
        cast({{ brings.get(column, nothing) }} as {{ type }}) as {{ column }},
        {% endfor -%}
        {% for column in more -%}{{ column }}, {% endfor -%}
        {{ brings.occurred_on }} as occurred_on
    from {{ relation }}
{%- endmacro %}

{# The visit of an event; an event without a session is one of its own. #}
{% macro visit_id(events=none) %}
    {%- set of_events = events ~ '.' if events else '' -%}
    {{- return('coalesce(' ~ of_events ~ 'session_id, ' ~ of_events ~ 'event_id)') -}}
{% endmacro %}

{# A visitor's deed in a shop or app. #}
{% macro is_event(kind) -%}
    {{ kind }} in ('view', 'search', 'add_to_cart', 'remove_from_cart', 'checkout', 'purchase')
{%- endmacro %}

{# What a customer did, not what was done to them. #}
{% macro is_active() -%}
    {{ is_event('kind') }} or kind in ('rating', 'ticket') or is_purchase or (kind = 'impression' and is_answered)
{%- endmacro %}
