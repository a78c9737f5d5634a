-- Rows here mean that a customer is missing from the profile, is in it twice, or that an activation table names
-- somebody whom the profile does not have: a campaign would reach people that nobody can look up.
with

customers as (

    select
        customer_id,
        count(*) as row_count
    from {{ ref('dim_customer') }}
    group by customer_id

),

expected as (

    select
        customer_id,
        'feat_customer_behaviour' as told_by
    from {{ upstream('gold', 'feat_customer_behaviour') }}

    union all

    select
        customer_id,
        'feat_customer_rfm'
    from {{ upstream('gold', 'feat_customer_rfm') }}

    union all

    select
        customer_id,
        'act_segments'
    from {{ ref('act_segments') }}

    union all

    select
        customer_id,
        'act_recommendations'
    from {{ ref('act_recommendations') }}
    where rank = 1

    union all

    select
        customer_id,
        'act_purchase_propensity'
    from {{ ref('act_purchase_propensity') }}

    union all

    select
        lines.customer_id,
        'a sale in silver'
    from {{ upstream('silver', 'order_lines') }} as lines
    cross join {{ upstream('ops', 'as_of') }} as as_of
    where lines.is_sale and lines.ordered_on <= as_of.as_of_on

)

select
    told_by as rule,
    count(distinct expected.customer_id) as customer_count,
    min(expected.customer_id) as example
from expected
left join customers on expected.customer_id = customers.customer_id
where customers.customer_id is null
group by told_by

union all

select
    'in dim_customer more than once' as rule,
    count(*) as customer_count,
    min(customer_id) as example
from customers
where row_count > 1 or customer_id is null
having count(*) > 0
