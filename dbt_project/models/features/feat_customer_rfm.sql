with

lines as (

    select * from {{ ref('feat_activity') }}
    where kind = 'order_line' and customer_id is not null
    distribute by customer_id

),

per_customer as (

    select
        customer_id,
        {{ run_day() }} as as_of_on,
        min(case when is_purchase then occurred_on end) as first_ordered_on,
        max(case when is_purchase then occurred_on end) as last_ordered_on,
        array_sort(collect_set(case when is_purchase then occurred_on end)) as order_days,
        collect_set(
            case when is_purchase then struct(occurred_on as ordered_on, happening_id as order_id) end
        ) as sale_orders,
        collect_set(case when is_purchase then product_id end) as sold_products,
        size(collect_set(case when is_cancelled then happening_id end)) as cancelled_order_count,
        min(case when is_purchase then currency end) as currency,
        size(collect_set(case when is_purchase then currency end)) > 1 as has_mixed_currencies,
        count_if(is_purchase) as line_count,
        sum(case when is_purchase then quantity end) as unit_count,
        sum(case when is_purchase then gross_amount end) as monetary_amount,
        sum(case when is_purchase then net_amount end) as net_monetary_amount,
        sum(case when is_purchase then coalesce(discount_amount, 0) end) as discount_amount,
        sum(case when is_purchase and occurred_on > date_sub({{ run_day() }}, 90) then gross_amount else 0 end)
            as monetary_90d_amount,
        sum(case when is_purchase and occurred_on > date_sub({{ run_day() }}, 365) then gross_amount else 0 end)
            as monetary_365d_amount,
        sum(case when is_purchase then margin_amount end) as margin_amount,
        sum(case when is_purchase and margin_amount is not null then net_amount end) as costed_amount,
        sum(case when is_return then -gross_amount else 0 end) as returned_amount
    from lines
    group by customer_id
    having count_if(is_purchase) > 0

),

measured as (

    select
        *,
        datediff(as_of_on, last_ordered_on) as recency_days,
        datediff(as_of_on, first_ordered_on) as tenure_days,
        datediff(last_ordered_on, first_ordered_on) as span_days,
        size(array_distinct(transform(sale_orders, placed -> placed.order_id))) as frequency,
        size(
            array_distinct(
                transform(
                    filter(sale_orders, placed -> placed.ordered_on > date_sub(as_of_on, 90)), placed -> placed.order_id
                )
            )
        ) as frequency_90d,
        size(
            array_distinct(
                transform(
                    filter(sale_orders, placed -> placed.ordered_on > date_sub(as_of_on, 365)),
                    placed -> placed.order_id
                )
            )
        ) as frequency_365d,
        array_sort(
            transform(
                sequence(1, greatest(size(order_days) - 1, 1)),
                place -> datediff(
                    order_days[least(place, size(order_days) - 1)], order_days[place - 1]
                )
            )
        ) as gaps
    from per_customer

),

-- A score is 1 + floor(5 x share of customers who do strictly worse), in whole numbers: ties score the same.
ranked as (

    select
        *,
        count(*) over () as customer_count,
        rank() over (order by recency_days desc) - 1 as worse_recency_count,
        rank() over (order by frequency asc) - 1 as worse_frequency_count,
        rank() over (order by monetary_amount asc) - 1 as worse_monetary_count
    from measured

),

scored as (

    select
        *,
        cast(1 + (5 * worse_recency_count) div customer_count as int) as r_score,
        cast(1 + (5 * worse_frequency_count) div customer_count as int) as f_score,
        cast(1 + (5 * worse_monetary_count) div customer_count as int) as m_score
    from ranked

),

final as (

    select
        ---------- ids
        customer_id,

        ---------- recency, frequency, monetary
        recency_days,
        cast(frequency as bigint) as frequency,
        cast(monetary_amount as decimal(18, 2)) as monetary_amount,
        currency,

        ---------- scores
        r_score,
        f_score,
        m_score,
        concat(r_score, f_score, m_score) as rfm_score,
        r_score + f_score + m_score as rfm_total_score,

        ---------- counts
        cast(frequency_90d as bigint) as frequency_90d,
        cast(frequency_365d as bigint) as frequency_365d,
        cast(size(order_days) as bigint) as order_day_count,
        cast(line_count as bigint) as line_count,
        cast(unit_count as bigint) as unit_count,
        cast(size(sold_products) as bigint) as product_count,
        cast(cancelled_order_count as bigint) as cancelled_order_count,

        ---------- amounts
        cast(monetary_amount / frequency as decimal(18, 2)) as average_order_amount,
        cast(net_monetary_amount as decimal(18, 2)) as net_monetary_amount,
        cast(discount_amount as decimal(18, 2)) as discount_amount,
        cast(monetary_90d_amount as decimal(18, 2)) as monetary_90d_amount,
        cast(monetary_365d_amount as decimal(18, 2)) as monetary_365d_amount,
        cast(margin_amount as decimal(18, 2)) as margin_amount,
        cast(returned_amount as decimal(18, 2)) as returned_amount,

        ---------- rates
        cast(margin_amount / nullif(costed_amount, 0) as double) as margin_rate,
        cast(discount_amount / nullif(monetary_amount, 0) as double) as discount_rate,
        cast(returned_amount / nullif(monetary_amount, 0) as double) as return_rate,

        ---------- days
        tenure_days,
        case when size(order_days) > 1 then span_days / (size(order_days) - 1) end as average_gap_days,
        case
            when size(order_days) > 1
                then (gaps[(size(gaps) - 1) div 2] + gaps[size(gaps) div 2]) / 2
        end as median_gap_days,

        ---------- flags
        size(order_days) > 1 as is_repeat_buyer,
        has_mixed_currencies,

        ---------- times
        first_ordered_on,
        last_ordered_on,
        as_of_on
    from scored

)

select * from final
