{{ config(materialized='replaced', tblproperties=skipping_by('occurred_on'), meta={'day': 'occurred_on'}) }}
{%- set day = run_day() -%}
{%- do touch_days(days_of_changed_activity()) -%}
{%- set visits = of_visits_on_touched_days() -%}

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
        {{ visit_id() }} as visit_id,
        event_type = 'purchase' and not {{ source_brings('order_lines', 'events') }} as is_counted_purchase,
        case when is_known_product then product_id end as known_product_id,
        case when is_known_customer then customer_id end as known_customer_id
    from {{ ref('stg_events') }} as events
    {{ visits }}
    where
        {{ is_on_days_of('event_on', 'silver.events as events ' ~ visits) }}
        and event_on <= {{ day }}
        and not coalesce(is_near_duplicate, false)

),

-- A session with exactly one known customer lends that customer to its anonymous events.
lenders as (

    select
        source,
        visit_id,
        min(known_customer_id) as lent_customer_id
    from seen_events
    where known_customer_id is not null
    group by source, visit_id
    having min(known_customer_id) = max(known_customer_id)

),

events as (  -- noqa: ST03

    select
        seen_events.*,
        coalesce(
            seen_events.known_customer_id, case when seen_events.customer_id is null then lenders.lent_customer_id end
        ) as resolved_customer_id
    from seen_events
    left join lenders on seen_events.source = lenders.source and seen_events.visit_id = lenders.visit_id

),

registered as (

    select distinct customer_id as registered_id
    from customers
    where registered_at is null or to_date(registered_at) <= {{ day }}

),

{% for entity in ['order_lines', 'impressions'] %}
{{ entity }} as (

    select * from {{ ref('stg_' ~ entity) }}

),

{% endfor -%}

-- Known: registered by then, or active in a source that brings no list of its customers. Of most rows silver says it.
{% for entity in ['ratings', 'sends', 'tickets', 'memberships', 'consents', 'locations', 'accounts'] %}
{{ entity }} as (

    select
        {{ entity }}.*,
        registered.registered_id is not null or not {{ source_brings('customers', entity) }} as is_known_customer
    from {{ ref('stg_' ~ entity) }} as {{ entity }}
    left join registered on {{ entity }}.customer_id = registered.registered_id

),

{% endfor -%}

-- One row per row of an entity that sources bring (macros/occurrences.sql).
occurrences as (

    {% for entity in entities_with_activity() -%}
    {{ occurrences(entity, entity, is_known_customer='is_known_customer') | indent(4) }}
    {% if not loop.last %}
    union all

    {% endif -%}
    {%- endfor %}
),

-- A thing of a rating is known as a customer is; of other rows silver says it.
known as (

    select
        occurrences.*,
        {{ local_time('occurrences', 'occurred_at') }} as local_at,
        case when occurrences.is_known_customer then occurrences.customer_id end as known_customer_id,
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
        products.unit_cost
    from occurrences
    left join products on occurrences.product_id = products.product_id
    where
        {{ on_touched_days('occurrences.occurred_on') }}
        and (
            occurrences.occurred_on <= {{ day }}
            or (occurrences.occurred_on is null and occurrences.kind in ('registration', 'listing'))
        )

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
        gross_amount,
        net_amount,
        discount_amount,
        cast(case when is_purchase then net_amount - quantity * unit_cost end as decimal(18, 2)) as margin_amount,
        value,

        ---------- times
        case when kind != 'order_line' or local_at != date_trunc('day', local_at) then hour(local_at) end
            as local_hour,
        (dayofweek(local_at) + 5) % 7 + 1 as local_weekday,
        occurred_at,
        occurred_on
    from known
    where known_customer_id is not null or known_product_id is not null

)

select {{ in_order_of_days(landed_rows(entities_with_activity())) }}* from final
