-- Rows here mean that a mart or activation table has two rows where it promises one, or a share outside 0 to 1: every
-- join on it multiplies, every sum counts double. Rows are summed: Sail 0.7 refuses a sum of counts of a one-row table.
{% set keys = {
    'dim_product': 'product_id',
    'dim_consent': 'customer_id',
    'fct_orders': "source, order_id",
    'fct_sessions': "source, session_id",
    'fct_funnel': 'started_on, channel, device_type',
    'mart_revenue_daily': 'ordered_on, channel, currency',
    'act_segments': 'customer_id',
    'act_recommendations': 'customer_id, rank',
    'act_click_propensity': 'customer_id, creative_id, slot_id, region',
    'act_budget': 'channel, currency',
    'act_purchase_propensity': 'customer_id',
    'act_churn_rescue': 'customer_id',
} %}
{% for table, key in keys.items() %}
select
    '{{ table }} is unique by {{ key }}' as rule,
    sum(row_count - 1) as failed_count
from (select sum(1) as row_count from {{ ref(table) }} group by {{ key }})
where row_count > 1
having sum(row_count - 1) > 0
union all
{% endfor %}
select
    'fct_funnel never grows' as rule,
    count(*) as failed_count
from {{ ref('fct_funnel') }}
where
    session_count < view_session_count
    or view_session_count < cart_session_count
    or cart_session_count < checkout_session_count
    or checkout_session_count < purchase_session_count
having count(*) > 0
union all
select
    'act_recommendations names a product twice or gives no reason' as rule,
    count(*) as failed_count
from (
    select
        count(*) as row_count,
        count(reason) as reason_count
    from {{ ref('act_recommendations') }}
    group by customer_id, product_id
)
where row_count > 1 or reason_count < row_count
having count(*) > 0
