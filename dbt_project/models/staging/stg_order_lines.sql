{{ config(
    materialized='merged', tblproperties=skipping_by('ordered_on'),
    meta={'day': 'ordered_on', 'judged': ['is_known_customer', 'is_known_product', 'is_sale', 'is_quantity_outlier', 'is_price_outlier']}
) }}
with

kept as (

    {{ kept_rows('order_lines') }}

),

quantity_bounds as (

    select * from {{ ref('outlier_bounds') }} where column_name = 'quantity'

),

price_bounds as (

    select * from {{ ref('outlier_bounds') }} where column_name = 'unit_price'

),

{{ known_keys('customer') }},

{{ known_keys('product') }},

judged as (

    select
        kept.*,
        {{ is_known('customer', 'kept') }} as is_known_customer,
        {{ is_known('product', 'kept') }} as is_known_product,
        coalesce(
            kept.quantity > 0
            and kept.quantity not between quantity_bounds.lower_bound and quantity_bounds.upper_bound, false
        ) as is_quantity_outlier,
        coalesce(
            kept.unit_price > 0
            and kept.unit_price not between price_bounds.lower_bound and price_bounds.upper_bound, false
        ) as is_price_outlier
    from kept
    left join quantity_bounds
        on kept.source = quantity_bounds.source
    left join price_bounds
        on kept.source = price_bounds.source and kept.product_id = price_bounds.product_id
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

select {{ by_day() }}* from final
