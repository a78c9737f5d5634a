{#
  What silver knows about each entity: declared here, worked by checked_rows.sql and duplicates.sql.

    columns       our name -> kind; the kinds are those of `typed_value` in parsing.sql. Of identifiers (name, phone,
                  e-mail, …) bronze has masks and the facts beside them, which landing made and nothing here reads
    key           the columns that name a row; a row without one of them is quarantined (missing_key)
    optional_key  key columns that may be empty
    made_key      a key column that a source may lack: it is then made of batch and row number
    identity      one row per key whether or not the source file declares a key (people and things, not happenings)
    happened      the time that may not lie in the future (event_in_future)
    strict        a time or number that is there but cannot be read sends the row to quarantine;
                  where false only the value is dropped, because the person or thing is still real
    logged        written by a machine: its text has at most plain blanks around it
    not_negative  columns whose negative value sends the row to quarantine (negative_price)
#}
{% macro entity_names() %}
    {{- return([
        'customers', 'products', 'order_lines', 'events', 'impressions', 'campaigns', 'sends', 'tickets',
        'memberships', 'consents', 'suppressions', 'partner_members', 'third_party_profiles', 'locations', 'stores',
        'store_traffic', 'inventory', 'accounts', 'holdings', 'ratings',
    ]) -}}
{% endmacro %}

{# Our columns of which silver shows no value as it came. #}
{% macro hidden_columns() %}
    {{- return([
        'full_name', 'phone', 'email', 'id_card', 'birth_on', 'address', 'latitude', 'longitude', 'query', 'url',
        'referrer', 'subject', 'body', 'reason',
    ]) -}}
{% endmacro %}

{% macro entity(name) %}
    {%- set entities = {
        'customers': {
            'key': ['customer_id'], 'identity': true, 'attributes': true,
            'columns': {
                'customer_id': 'text', 'full_name': 'text', 'given_name': 'text', 'phone': 'text',
                'phone_pseudonym': 'text', 'email': 'text', 'email_pseudonym': 'text', 'id_card': 'text',
                'gender': 'gender', 'birth_year': 'int', 'address': 'text', 'city': 'text', 'region': 'text',
                'country': 'text', 'latitude': 'double', 'longitude': 'double', 'registered_at': 'timestamp',
                'language': 'text',
            },
        },
        'products': {
            'key': ['product_id'], 'identity': true, 'attributes': true, 'currency': true,
            'columns': {
                'product_id': 'text', 'title': 'text', 'category': 'text', 'brand': 'text',
                'unit_price': 'decimal(18,4)', 'unit_cost': 'decimal(18,4)', 'listed_at': 'timestamp',
            },
        },
        'order_lines': {
            'key': ['order_id', 'line_number'], 'made_key': {'line_number': '_row_number'}, 'strict': true,
            'happened': 'ordered_at', 'not_negative': ['unit_price'], 'attributes': true, 'currency': true,
            'columns': {
                'order_id': 'text', 'line_number': 'int', 'customer_id': 'text', 'product_id': 'text',
                'ordered_at': 'timestamp', 'quantity': 'int', 'unit_price': 'decimal(18,4)',
                'discount_amount': 'decimal(18,2)', 'is_cancelled': 'boolean', 'channel': 'text',
                'store_id': 'text', 'campaign_id': 'text',
            },
        },
        'events': {
            'key': ['event_id'], 'made_key': {'event_id': "concat(_batch_id, '-', _row_number)"},
            'logged': true, 'strict': true, 'happened': 'event_at', 'attributes': true,
            'columns': {
                'event_id': 'text', 'customer_id': 'text', 'anonymous_id': 'text', 'session_id': 'text',
                'event_type': 'text', 'product_id': 'text', 'query': 'text', 'event_at': 'timestamp',
                'url': 'text', 'referrer': 'text', 'device_type': 'text', 'channel': 'text',
            },
        },
        'impressions': {
            'key': ['impression_id'], 'made_key': {'impression_id': "concat(_batch_id, '-', _row_number)"},
            'logged': true, 'strict': true, 'happened': 'shown_at', 'attributes': true, 'currency': true,
            'columns': {
                'impression_id': 'text', 'customer_id': 'text', 'campaign_id': 'text', 'creative_id': 'text',
                'slot_id': 'text', 'shown_at': 'timestamp', 'is_clicked': 'boolean', 'device_type': 'text',
                'region': 'text', 'cost_amount': 'decimal(18,2)',
            },
        },
        'campaigns': {
            'key': ['campaign_id'], 'identity': true, 'currency': true,
            'columns': {
                'campaign_id': 'text', 'name': 'text', 'channel': 'text', 'objective': 'text',
                'starts_on': 'date', 'ends_on': 'date', 'budget_amount': 'decimal(18,2)',
            },
        },
        'sends': {
            'key': ['send_id'], 'made_key': {'send_id': "concat(_batch_id, '-', _row_number)"},
            'strict': true, 'happened': 'sent_at', 'currency': true,
            'columns': {
                'send_id': 'text', 'campaign_id': 'text', 'customer_id': 'text', 'channel': 'text',
                'sent_at': 'timestamp', 'opened_at': 'timestamp', 'clicked_at': 'timestamp',
                'converted_at': 'timestamp', 'cost_amount': 'decimal(18,2)', 'revenue_amount': 'decimal(18,2)',
            },
        },
        'tickets': {
            'key': ['ticket_id'], 'made_key': {'ticket_id': "concat(_batch_id, '-', _row_number)"},
            'strict': true, 'happened': 'opened_at',
            'columns': {
                'ticket_id': 'text', 'customer_id': 'text', 'opened_at': 'timestamp', 'closed_at': 'timestamp',
                'subject': 'text', 'body': 'text', 'channel': 'text', 'satisfaction': 'double',
            },
        },
        'memberships': {
            'key': ['customer_id', 'started_on'], 'strict': true,
            'columns': {
                'customer_id': 'text', 'started_on': 'date', 'tier': 'text', 'expires_on': 'date',
                'points': 'bigint',
            },
        },
        'consents': {
            'key': ['customer_id', 'purpose', 'channel', 'changed_at'], 'optional_key': ['channel'],
            'strict': true, 'happened': 'changed_at',
            'columns': {
                'customer_id': 'text', 'purpose': 'text', 'channel': 'text', 'changed_at': 'timestamp',
                'is_granted': 'boolean', 'origin': 'text',
            },
        },
        'suppressions': {
            'key': ['customer_id'], 'identity': true,
            'columns': {'customer_id': 'text', 'suppressed_at': 'timestamp', 'reason': 'text'},
        },
        'partner_members': {
            'key': ['partner_id', 'member_id'], 'identity': true,
            'columns': {
                'partner_id': 'text', 'member_id': 'text', 'full_name': 'text', 'phone': 'text',
                'phone_pseudonym': 'text', 'email': 'text', 'email_pseudonym': 'text', 'joined_on': 'date',
            },
        },
        'third_party_profiles': {
            'key': ['provider', 'profile_id'], 'identity': true,
            'columns': {
                'provider': 'text', 'profile_id': 'text', 'phone': 'text', 'phone_pseudonym': 'text',
                'email': 'text', 'email_pseudonym': 'text', 'interests': 'text', 'age_band': 'text',
                'income_band': 'text',
            },
        },
        'locations': {
            'key': ['customer_id', 'seen_at'], 'logged': true, 'strict': true, 'happened': 'seen_at',
            'columns': {
                'customer_id': 'text', 'seen_at': 'timestamp', 'latitude': 'double', 'longitude': 'double',
                'dwell_seconds': 'bigint',
            },
        },
        'stores': {
            'key': ['store_id'], 'identity': true,
            'columns': {
                'store_id': 'text', 'name': 'text', 'latitude': 'double', 'longitude': 'double',
            },
        },
        'store_traffic': {
            'key': ['store_id', 'counted_at'], 'strict': true, 'happened': 'counted_at',
            'columns': {'store_id': 'text', 'counted_at': 'timestamp', 'visitor_count': 'bigint'},
        },
        'inventory': {
            'key': ['store_id', 'product_id', 'counted_on'], 'strict': true, 'happened': 'counted_on',
            'columns': {
                'store_id': 'text', 'product_id': 'text', 'counted_on': 'date', 'on_hand_count': 'bigint',
            },
        },
        'accounts': {
            'key': ['account_id'], 'identity': true, 'currency': true,
            'columns': {
                'account_id': 'text', 'customer_id': 'text', 'account_type': 'text', 'opened_on': 'date',
                'credit_limit_amount': 'decimal(18,2)', 'due_on': 'date', 'paid_on': 'date',
            },
        },
        'holdings': {
            'key': ['account_id', 'product_id', 'as_of_on'], 'strict': true, 'currency': true,
            'columns': {
                'account_id': 'text', 'product_id': 'text', 'as_of_on': 'date',
                'balance_amount': 'decimal(18,2)',
            },
        },
        'ratings': {
            'key': ['customer_id', 'product_id'], 'strict': true, 'happened': 'rated_at',
            'columns': {
                'customer_id': 'text', 'product_id': 'text', 'rating': 'double', 'rated_at': 'timestamp',
            },
        },
    } -%}
    {{- return(entities[name]) -}}
{% endmacro %}
