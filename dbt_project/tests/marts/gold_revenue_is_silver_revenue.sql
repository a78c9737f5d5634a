-- Rows here mean that an amount or a count of the order lines in silver is not what gold says it is: money was lost,
-- doubled or put into the wrong class between the layers. Both sides are exact decimals, so a cent is a failure.
{% set rules = [
    ('fct_orders.line_count', 'silver.line_count', 'orders.line_count'),
    ('fct_orders.sale_line_count', 'silver.sale_line_count', 'orders.sale_line_count'),
    ('fct_orders.gross_amount', 'silver.gross_amount', 'orders.gross_amount'),
    ('fct_orders.net_amount', 'silver.net_amount', 'orders.net_amount'),
    ('fct_orders.sale_amount', 'silver.sale_amount', 'orders.sale_amount'),
    ('fct_orders.net_sale_amount', 'silver.net_sale_amount', 'orders.net_sale_amount'),
    ('fct_orders.returned_amount', 'silver.returned_amount', 'orders.returned_amount'),
    ('orders whose parts do not add up', '0', 'orders.unbalanced_count'),
    ('orders whose lines do not add up', '0', 'orders.unclassed_count'),
    ('mart_revenue_daily.gross_amount', 'silver.gross_amount', 'revenue.gross_amount'),
    ('mart_revenue_daily.sale_amount', 'silver.sale_amount', 'revenue.sale_amount'),
    ('mart_revenue_daily.net_sale_amount', 'silver.net_sale_amount', 'revenue.net_sale_amount'),
    ('mart_revenue_daily.returned_amount', 'silver.returned_amount', 'revenue.returned_amount'),
    ('dim_customer.monetary_amount', 'silver.sale_amount_as_of', 'customers.sale_amount'),
] %}
with

order_lines as (

    select
        *,
        case when is_sale then 1 else 0 end as sale
    from {{ upstream('silver', 'order_lines') }}

),

as_of as (

    select as_of_on from {{ upstream('ops', 'as_of') }}

),

silver as (

    select
        count(*) as line_count,
        sum(sale) as sale_line_count,
        coalesce(sum(gross_amount), 0) as gross_amount,
        coalesce(sum(net_amount), 0) as net_amount,
        coalesce(sum(sale * gross_amount), 0) as sale_amount,
        coalesce(sum(sale * net_amount), 0) as net_sale_amount,
        coalesce(sum(case when is_return and not is_cancelled then gross_amount end), 0) as returned_amount,
        coalesce(sum(case when ordered_on <= as_of_on then sale * gross_amount end), 0) as sale_amount_as_of
    from order_lines
    cross join as_of

),

orders as (

    select
        coalesce(sum(line_count), 0) as line_count,
        coalesce(sum(sale_line_count), 0) as sale_line_count,
        coalesce(sum(gross_amount), 0) as gross_amount,
        coalesce(sum(net_amount), 0) as net_amount,
        coalesce(sum(sale_amount), 0) as sale_amount,
        coalesce(sum(net_sale_amount), 0) as net_sale_amount,
        coalesce(sum(returned_amount), 0) as returned_amount,
        count_if(gross_amount != sale_amount + cancelled_amount + returned_amount + other_amount) as unbalanced_count,
        count_if(line_count != sale_line_count + cancelled_line_count + returned_line_count + other_line_count)
            as unclassed_count
    from {{ ref('fct_orders') }}

),

revenue as (

    select
        coalesce(sum(gross_amount), 0) as gross_amount,
        coalesce(sum(sale_amount), 0) as sale_amount,
        coalesce(sum(net_sale_amount), 0) as net_sale_amount,
        coalesce(sum(returned_amount), 0) as returned_amount
    from {{ ref('mart_revenue_daily') }}

),

customers as (

    select coalesce(sum(monetary_amount), 0) as sale_amount
    from {{ ref('dim_customer') }}

),

rules as (

    select
        stack(
            {{ rules | length }},
            {% for rule, in_silver, in_gold in rules -%}
            '{{ rule }}',
            cast({{ in_silver }} as decimal(38, 2)),
            cast({{ in_gold }} as decimal(38, 2)){{ ',' if not loop.last }}
            {% endfor %}
        ) as (rule, in_silver, in_gold)
    from silver
    cross join orders
    cross join revenue
    cross join customers

)

select
    rule,
    in_silver,
    in_gold
from rules
where in_silver != in_gold
