-- A failure means that an order line's amounts do not add up, or that its flags contradict each other:
-- gross = quantity x price, net = gross - discount, a sale is no return, not cancelled and somebody's.
select
    source,
    order_id,
    line_number,
    quantity,
    unit_price,
    gross_amount,
    discount_amount,
    net_amount
from {{ ref('stg_order_lines') }}
where
    gross_amount != round(quantity * unit_price, 2)
    or net_amount != round(quantity * unit_price - discount_amount, 2)
    or is_return != coalesce(quantity < 0, false)
    or (is_sale and (is_return or is_cancelled or gross_amount < 0 or customer_id is null or not is_known_customer))
