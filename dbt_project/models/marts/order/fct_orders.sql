{{ config(
    materialized='replaced', tblproperties=skipping_by('ordered_on'),
    meta={
        'day': 'ordered_on', 'key': ['source', 'order_id'],
        'touched': {'owner': "coalesce(row.customer_id, concat('order ', row.source, ' ', row.order_id))"},
    }
) }}
{%- do touch_keys(owners_of_changed_orders()) -%}

with

order_lines as (

    select * from {{ ref('stg_order_lines') }} as order_lines
    {{ of_touched_orders() }}

),

costs as (

    select
        source,
        product_id,
        unit_cost
    from {{ ref('stg_products') }}

),

-- Every line is exactly one of four things, so that their amounts add up to the order's.
-- A line without a quantity or price is worth nothing to its order; silver's gate warns of it.
lines as (

    select
        order_lines.*,
        coalesce(order_lines.gross_amount, 0) as line_gross_amount,
        if(order_lines.gross_amount is null, 0, coalesce(order_lines.discount_amount, 0)) as line_discount_amount,
        coalesce(order_lines.net_amount, 0) as line_net_amount,
        case
            when order_lines.is_sale then 'sale'
            when order_lines.is_cancelled then 'cancelled'
            when order_lines.is_return then 'returned'
            else 'other'
        end as line_kind,
        cast(order_lines.quantity * costs.unit_cost as decimal(18, 2)) as cost_amount
    from order_lines
    left join costs on order_lines.source = costs.source and order_lines.product_id = costs.product_id

),

orders as (

    select
        source,
        order_id,
        max(customer_id) as customer_id,
        min(channel) as channel,
        min(store_id) as store_id,
        min(campaign_id) as campaign_id,
        min(currency) as currency,
        bool_or(is_known_customer) as is_known_customer,
        bool_or(line_kind = 'sale') as is_sale,
        bool_and(line_kind = 'cancelled') as is_cancelled,
        bool_or(line_kind = 'returned') as has_return,
        count(*) as line_count,
        count_if(line_kind = 'sale') as sale_line_count,
        count_if(line_kind = 'cancelled') as cancelled_line_count,
        count_if(line_kind = 'returned') as returned_line_count,
        count_if(line_kind = 'other') as other_line_count,
        size(collect_set(case when line_kind = 'sale' then product_id end)) as product_count,
        sum(case when line_kind = 'sale' then quantity else 0 end) as unit_count,
        sum(line_gross_amount) as gross_amount,
        sum(line_discount_amount) as discount_amount,
        sum(line_net_amount) as net_amount,
        sum(case when line_kind = 'sale' then line_gross_amount else 0 end) as sale_amount,
        sum(case when line_kind = 'sale' then line_net_amount else 0 end) as net_sale_amount,
        sum(case when line_kind = 'cancelled' then line_gross_amount else 0 end) as cancelled_amount,
        sum(case when line_kind = 'returned' then line_gross_amount else 0 end) as returned_amount,
        sum(case when line_kind = 'other' then line_gross_amount else 0 end) as other_amount,
        sum(case when line_kind = 'sale' and cost_amount is not null then line_net_amount - cost_amount end)
            as margin_amount,
        min(ordered_at) as ordered_at,
        min(ordered_on) as ordered_on
    from lines
    group by source, order_id

),

-- The place of an order among its customer's orders with a sale.
numbered as (

    select
        *,
        case when is_sale then row_number() over same_customer end as order_number,
        case when is_sale then cast(datediff(ordered_on, lag(ordered_on) over same_customer) as int) end
            as days_since_previous_order
    from orders
    {{ only_touched('orders') }}
    window same_customer as (partition by customer_id, is_sale order by ordered_at, source, order_id)

),

final as (

    select
        ---------- ids
        source,
        order_id,
        customer_id,
        store_id,
        campaign_id,

        ---------- what and where
        channel,
        currency,

        ---------- flags
        is_sale,
        is_cancelled,
        has_return,
        is_known_customer,
        coalesce(order_number = 1, false) as is_first_order,

        ---------- counts
        line_count,
        sale_line_count,
        cancelled_line_count,
        returned_line_count,
        other_line_count,
        cast(product_count as bigint) as product_count,
        cast(unit_count as bigint) as unit_count,
        order_number,
        days_since_previous_order,

        ---------- amounts
        cast(gross_amount as decimal(18, 2)) as gross_amount,
        cast(discount_amount as decimal(18, 2)) as discount_amount,
        cast(net_amount as decimal(18, 2)) as net_amount,
        cast(sale_amount as decimal(18, 2)) as sale_amount,
        cast(net_sale_amount as decimal(18, 2)) as net_sale_amount,
        cast(cancelled_amount as decimal(18, 2)) as cancelled_amount,
        cast(returned_amount as decimal(18, 2)) as returned_amount,
        cast(other_amount as decimal(18, 2)) as other_amount,
        cast(margin_amount as decimal(18, 2)) as margin_amount,

        ---------- times
        ordered_at,
        ordered_on
    from numbered

)

select {{ in_order_of_days(landed_rows(['order_lines'])) }}* from final
