{%- set day = run_day() -%}
{%- set brought = entities_brought() -%}
{#- What each entity brings to a row of activity; a column that it does not name is null. -#}
{%- set no_value = {
    'customer_id': 'customer_id',
    'is_known_customer': 'cast(null as boolean)',
    'product_id': 'cast(null as string)',
    'happening_id': 'cast(null as string)',
    'channel': 'cast(null as string)',
    'device_type': 'cast(null as string)',
    'currency': 'cast(null as string)',
    'is_purchase': 'false',
    'is_return': 'false',
    'is_cancelled': 'false',
    'is_answered': 'cast(null as boolean)',
    'quantity': 'cast(null as int)',
    'unit_price': 'cast(null as decimal(18, 4))',
    'gross_amount': 'cast(null as decimal(18, 2))',
    'net_amount': 'cast(null as decimal(18, 2))',
    'discount_amount': 'cast(null as decimal(18, 2))',
    'value': 'cast(null as double)',
    'value_rate': 'cast(null as double)',
    'occurred_at': 'cast(null as timestamp)',
} -%}
{%- set entities = [
    ('events', {
        'kind': 'event_type', 'customer_id': 'resolved_customer_id', 'is_known_customer': 'true',
        'product_id': 'known_product_id', 'happening_id': 'coalesce(session_id, event_id)', 'channel': 'channel',
        'device_type': 'device_type', 'is_purchase': 'is_counted_purchase', 'quantity': '1',
        'occurred_at': 'event_at', 'occurred_on': 'event_on',
    }),
    ('order_lines', {
        'kind': "'order_line'", 'is_known_customer': 'is_known_customer',
        'product_id': 'case when is_known_product then product_id end', 'happening_id': 'order_id',
        'channel': 'channel', 'currency': 'currency', 'is_purchase': 'is_sale', 'is_cancelled': 'is_cancelled',
        'is_return': 'is_return and not is_cancelled', 'quantity': 'quantity', 'unit_price': 'unit_price',
        'gross_amount': 'gross_amount', 'net_amount': 'net_amount', 'discount_amount': 'discount_amount',
        'occurred_at': 'ordered_at', 'occurred_on': 'ordered_on',
    }),
    ('ratings', {
        'kind': "'rating'", 'product_id': 'product_id', 'value': 'rating', 'value_rate': 'rating_rate',
        'occurred_at': 'rated_at', 'occurred_on': 'to_date(rated_at)',
    }),
    ('impressions', {
        'kind': "'impression'", 'is_known_customer': 'is_known_customer', 'happening_id': 'impression_id',
        'device_type': 'device_type', 'is_answered': 'coalesce(is_clicked, false)', 'occurred_at': 'shown_at',
        'occurred_on': 'shown_on',
    }),
    ('sends', {
        'kind': "'send'", 'happening_id': 'send_id', 'channel': 'channel', 'occurred_at': 'sent_at',
        'is_answered': 'coalesce(to_date(opened_at) <= ' ~ day ~ ', false)', 'occurred_on': 'to_date(sent_at)',
        'value': 'if(to_date(clicked_at) <= ' ~ day ~ ', 1.0, 0.0)',
    }),
    ('tickets', {
        'kind': "'ticket'", 'happening_id': 'ticket_id', 'channel': 'channel', 'occurred_at': 'opened_at',
        'is_answered': 'coalesce(to_date(closed_at) <= ' ~ day ~ ', false)', 'value': 'satisfaction',
        'occurred_on': 'to_date(opened_at)',
    }),
    ('memberships', {'kind': "'membership'", 'occurred_on': 'started_on'}),
    ('consents', {'kind': "'consent'", 'occurred_at': 'changed_at', 'occurred_on': 'to_date(changed_at)'}),
    ('locations', {'kind': "'location'", 'occurred_at': 'seen_at', 'occurred_on': 'to_date(seen_at)'}),
    ('accounts', {'kind': "'account'", 'occurred_on': 'opened_on'}),
    ('customers', {
        'kind': "'registration'", 'is_known_customer': 'true', 'occurred_at': 'registered_at',
        'occurred_on': 'to_date(registered_at)',
    }),
    ('products', {
        'kind': "'listing'", 'customer_id': 'cast(null as string)', 'product_id': 'product_id',
        'occurred_on': 'listed_on',
    }),
] -%}

with

products as (

    select * from {{ ref('int_products_as_of') }}

),

customers as (

    select * from {{ ref('stg_customers') }}
    where customer_id is not null

),

seen_events as (

    select
        *,
        coalesce(session_id, event_id) as visit_id,
        event_type = 'purchase' and not {{ source_brings('order_lines', 'events') }} as is_counted_purchase,
        case when is_known_product then product_id end as known_product_id,
        case when is_known_customer then customer_id end as known_customer_id
    from {{ ref('stg_events') }} as events
    where event_on <= {{ day }} and not coalesce(is_near_duplicate, false)

),

-- A session with exactly one known customer lends that customer to its anonymous events.
events as (  -- noqa: ST03

    select
        *,
        coalesce(
            known_customer_id,
            case
                when
                    customer_id is null
                    and min(known_customer_id) over (partition by source, visit_id)
                    = max(known_customer_id) over (partition by source, visit_id)
                    then min(known_customer_id) over (partition by source, visit_id)
            end
        ) as resolved_customer_id
    from seen_events

),

ratings as (  -- noqa: ST03

    select
        *,
        rating / max(rating) over (partition by source) as rating_rate
    from {{ ref('stg_ratings') }}
    where to_date(rated_at) <= {{ day }}

),

{% for entity in [
    'order_lines', 'impressions', 'sends', 'tickets', 'memberships', 'consents', 'locations', 'accounts',
] %}
{{ entity }} as (

    select * from {{ ref('stg_' ~ entity) }}

),

{% endfor -%}

-- An entity that no source brings is left out; customers never are, so that there is always one.
occurrences as (

    {% for entity, brings in entities if not execute or entity in brought or entity == 'customers' -%}
    select
        source,
        {{ brings.kind }} as kind,
        {% for column, nothing in no_value.items() -%}
        cast({{ brings.get(column, nothing) }} as {{ {
            'is_': 'boolean', 'val': 'double', 'qua': 'int', 'uni': 'decimal(18, 4)', 'gro': 'decimal(18, 2)',
            'net': 'decimal(18, 2)', 'dis': 'decimal(18, 2)', 'occ': 'timestamp',
        }.get(column[:3], 'string') }}) as {{ column }},
        {% endfor -%}
        {{ brings.occurred_on }} as occurred_on
    from {{ entity }}  -- noqa: LT02
    {% if not loop.last %}
    union all

    {% endif -%}
    {%- endfor %}
),

registered as (

    select distinct customer_id as registered_id
    from customers
    where registered_at is null or to_date(registered_at) <= {{ day }}

),

-- Known: registered by then, or active in a source that brings no list of its customers; products alike.
known as (

    select
        occurrences.*,
        {{ local_time('occurrences', 'occurred_at') }} as local_at,
        case
            when
                coalesce(
                    occurrences.is_known_customer,
                    registered.registered_id is not null or not {{ source_brings('customers', 'occurrences') }}
                )
                then occurrences.customer_id
        end as known_customer_id,
        case
            when
                occurrences.kind != 'rating'
                or products.product_id is not null
                or not {{ source_brings('products', 'occurrences') }}
                then occurrences.product_id
        end as known_product_id,
        products.brand,
        products.category,
        products.category_level_1,
        products.unit_price as list_price,
        products.unit_cost
    from occurrences
    left join registered on occurrences.customer_id = registered.registered_id
    left join products on occurrences.product_id = products.product_id
    where
        occurrences.occurred_on <= {{ day }}
        or (occurrences.occurred_on is null and occurrences.kind in ('registration', 'listing'))

),

final as (

    select
        ---------- ids
        source,
        known_customer_id as customer_id,
        known_product_id as product_id,
        happening_id,

        ---------- what and where
        kind,
        channel,
        device_type,
        brand,
        category,
        category_level_1,
        currency,

        ---------- flags
        is_purchase,
        is_return,
        is_cancelled,
        is_answered,

        ---------- measures
        quantity,
        unit_price,
        list_price,
        gross_amount,
        net_amount,
        discount_amount,
        cast(case when is_purchase then net_amount - quantity * unit_cost end as decimal(18, 2)) as margin_amount,
        value,
        value_rate,

        ---------- times
        case when kind != 'order_line' or local_at != date_trunc('day', local_at) then hour(local_at) end
            as local_hour,
        weekday(local_at) + 1 as local_weekday,
        occurred_at,
        occurred_on,
        {{ day }} as as_of_on
    from known
    where known_customer_id is not null or known_product_id is not null

)

select * from final
