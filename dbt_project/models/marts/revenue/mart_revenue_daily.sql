with

orders as (

    select * from {{ ref('fct_orders') }}

),

days as (

    select
        ordered_on,
        coalesce(channel, 'unknown') as channel,
        currency,
        count(*) as order_count,
        count_if(is_sale) as sale_order_count,
        count_if(is_cancelled) as cancelled_order_count,
        count_if(has_return) as return_order_count,
        count_if(is_first_order) as new_customer_count,
        size(collect_set(case when is_sale then customer_id end)) as customer_count,
        sum(unit_count) as unit_count,
        sum(gross_amount) as gross_amount,
        sum(sale_amount) as sale_amount,
        sum(net_sale_amount) as net_sale_amount,
        sum(sale_amount - net_sale_amount) as discount_amount,
        sum(returned_amount) as returned_amount,
        sum(cancelled_amount) as cancelled_amount,
        sum(other_amount) as other_amount,
        sum(margin_amount) as margin_amount,
        sum(case when is_first_order then sale_amount else 0 end) as new_customer_amount
    from orders
    group by ordered_on, coalesce(channel, 'unknown'), currency

),

final as (

    select
        ---------- keys
        ordered_on,
        channel,
        currency,

        ---------- counts
        order_count,
        sale_order_count,
        cancelled_order_count,
        return_order_count,
        cast(customer_count as bigint) as customer_count,
        new_customer_count,
        unit_count,

        ---------- amounts
        cast(gross_amount as decimal(18, 2)) as gross_amount,
        cast(sale_amount as decimal(18, 2)) as sale_amount,
        cast(discount_amount as decimal(18, 2)) as discount_amount,
        cast(net_sale_amount as decimal(18, 2)) as net_sale_amount,
        cast(returned_amount as decimal(18, 2)) as returned_amount,
        cast(cancelled_amount as decimal(18, 2)) as cancelled_amount,
        cast(other_amount as decimal(18, 2)) as other_amount,
        cast(margin_amount as decimal(18, 2)) as margin_amount,
        cast(new_customer_amount as decimal(18, 2)) as new_customer_amount,
        {{ amount_per('sale_amount', 'sale_order_count') }} as average_order_amount
    from days

)

select * from final
