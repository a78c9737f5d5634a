with

checked as (

    {{ checked_rows('order_lines') }}

),

kept as (

    {{ without_copies('order_lines') }}

),

bounds as (

    select * from {{ ref('outlier_bounds') }}

),

{{ known_keys('customer') }},

{{ known_keys('product') }},

judged as (

    select
        kept.*,
        {{ is_known('customer', 'kept') }} as is_known_customer,
        {{ is_known('product', 'kept') }} as is_known_product,
        coalesce(kept.quantity not between quantities.lower_bound and quantities.upper_bound, false)
        and kept.quantity > 0 as is_quantity_outlier,
        coalesce(kept.unit_price not between prices.lower_bound and prices.upper_bound, false)
        and kept.unit_price > 0 as is_price_outlier
    from kept
    left join (select * from bounds where column_name = 'quantity') as quantities
        on kept.source = quantities.source
    left join (select * from bounds where column_name = 'unit_price') as prices
        on kept.source = prices.source and kept.product_id = prices.product_id
    {{ join_known('customer', 'kept') }}
    {{ join_known('product', 'kept') }}

),

final as (

    select
        source,

        ---------- ids
        order_id,
        line_number,
        customer_id,
        product_id,
        store_id,
        campaign_id,

        ---------- description
        channel,

        ---------- times
        ordered_at,
        to_date(ordered_at) as ordered_on,

        ---------- measures
        quantity,
        unit_price,
        cast(quantity * unit_price as decimal(18, 2)) as gross_amount,
        coalesce(discount_amount, 0) as discount_amount,
        cast(quantity * unit_price - coalesce(discount_amount, 0) as decimal(18, 2)) as net_amount,
        currency,

        ---------- flags
        coalesce(is_cancelled, false) as is_cancelled,
        coalesce(quantity < 0, false) as is_return,
        coalesce(
            quantity > 0 and unit_price > 0 and not coalesce(is_cancelled, false) and is_known_customer, false
        ) as is_sale,
        is_known_customer,
        is_known_product,
        is_quantity_outlier,
        is_price_outlier,

        ---------- whatever else the source keeps
        attributes,

        ---------- lineage
        {{ lineage() }}
    from judged

)

select * from final
