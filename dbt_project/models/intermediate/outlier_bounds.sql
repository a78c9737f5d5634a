{#- Reads the same new batches as silver.order_lines takes, beside the lines that are there. -#}
{{ config(meta={'grows_with': 'stg_order_lines'}) }}
{%- set measured = ['product_id', 'quantity', 'unit_price', 'is_cancelled'] -%}
{%- set read = key_columns('order_lines') + ruled_columns('order_lines') + measured -%}
{#- The rule's factor: three inter-quartile ranges are Tukey's "far out" (1977). -#}
{%- set factor = 3 -%}
{#- The narrowest inter-quartile range, as a ratio: where most lines are of one piece or at the list price it would
    be 1, and every other line an outlier. -#}
{%- set narrowest = {'quantity': 1.6, 'unit_price': 1.25} -%}
{%- set lines = landed_rows(['order_lines']) -%}
{%- set sales = worked_out_once('sales', sold_lines(read | unique | list), lines) -%}
{%- set typical_prices -%}
select
    source,
    product_id,
    percentile(unit_price, 0.5) as median_price
from {{ sales }} as sales
where product_id is not null
group by source, product_id
{%- endset -%}
{%- set typical_prices = worked_out_once('typical_prices', typical_prices, lines) -%}
{%- set quartiles -%}
select
    sales.source,
    percentile(ln(sales.quantity), array(0.25, 0.75)) as quantity,
    percentile(ln(sales.unit_price / typical_prices.median_price), array(0.25, 0.75)) as price_ratio
from {{ sales }} as sales
left join {{ typical_prices }} as typical_prices
    on sales.source = typical_prices.source and sales.product_id = typical_prices.product_id
group by sales.source
{%- endset -%}
with

typical_prices as (

    select * from {{ typical_prices }} as typical_prices

),

quartiles as (

    select * from {{ worked_out_once('quartiles', quartiles, lines) }} as quartiles

),

bound_bases as (

    select
        'quantity' as column_name,
        source,
        cast(null as string) as product_id,
        exp(quantity[0]) as q1,
        exp(quantity[1]) as q3,
        greatest(quantity[1] - quantity[0], ln({{ narrowest.quantity }})) * {{ factor }} as reach
    from quartiles

    union all

    select
        'unit_price' as column_name,
        typical_prices.source,
        typical_prices.product_id,
        typical_prices.median_price * exp(price_ratio[0]) as q1,
        typical_prices.median_price * exp(price_ratio[1]) as q3,
        greatest(price_ratio[1] - price_ratio[0], ln({{ narrowest.unit_price }})) * {{ factor }} as reach
    from typical_prices
    inner join quartiles on typical_prices.source = quartiles.source

),

bounds as (

    select
        'order_lines' as entity,
        column_name,
        source,
        product_id,
        round(q1, 6) as q1,
        round(q3, 6) as q3,
        round(q1 * exp(-reach), 6) as lower_bound,
        round(q3 * exp(reach), 6) as upper_bound,
        'log' as scale
    from bound_bases

)

select * from bounds
