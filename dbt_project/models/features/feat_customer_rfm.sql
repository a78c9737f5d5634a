with

lines as (

    select * from {{ ref('feat_activity') }}
    where kind = 'order_line' and customer_id is not null

),

-- An order counts for the days of its last sale.
orders as (

    select
        customer_id,
        happening_id,
        max(case when is_purchase then occurred_on end) as last_sold_on,
        bool_or(is_cancelled) as is_cancelled
    from lines
    group by customer_id, happening_id

),

order_counts as (

    select
        customer_id,
        count(last_sold_on) as frequency,
        count_if(last_sold_on > date_sub({{ run_day() }}, 90)) as frequency_90d,
        count_if(last_sold_on > date_sub({{ run_day() }}, 365)) as frequency_365d,
        count_if(is_cancelled) as cancelled_order_count
    from orders
    group by customer_id

),

products as (

    select
        customer_id,
        count(product_id) as product_count
    from (select distinct customer_id, product_id from lines where is_purchase) as bought
    group by customer_id

),

order_days as (

    select
        customer_id,
        net_amount,
        datediff(
            occurred_on, lag(occurred_on) over (partition by customer_id order by occurred_on)
        ) as gap_days
    from (
        select
            customer_id,
            occurred_on,
            sum(net_amount) as net_amount
        from lines
        where is_purchase
        group by customer_id, occurred_on
    ) as bought

),

gaps as (

    select
        customer_id,
        count(*) as order_day_count,
        percentile(gap_days, 0.5) as median_gap_days,
        sum(case when gap_days is not null then net_amount end) as repeat_net_amount
    from order_days
    group by customer_id

),

per_customer as (

    select
        customer_id,
        {{ run_day() }} as as_of_on,
        min(case when is_purchase then occurred_on end) as first_ordered_on,
        max(case when is_purchase then occurred_on end) as last_ordered_on,
        min(case when is_purchase then currency end) as currency,
        min(case when is_purchase then currency end) < max(case when is_purchase then currency end)
            as has_mixed_currencies,
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
        0 - sum(case when is_return then gross_amount else 0 end) as returned_amount
    from lines
    group by customer_id
    having count_if(is_purchase) > 0

),

measured as (

    select
        per_customer.*,
        order_counts.frequency,
        order_counts.frequency_90d,
        order_counts.frequency_365d,
        order_counts.cancelled_order_count,
        coalesce(products.product_count, 0) as product_count,
        coalesce(gaps.order_day_count, 0) as order_day_count,
        gaps.median_gap_days,
        gaps.repeat_net_amount,
        cast(datediff(as_of_on, last_ordered_on) as int) as recency_days,
        cast(datediff(as_of_on, first_ordered_on) as int) as tenure_days,
        cast(datediff(last_ordered_on, first_ordered_on) as int) as span_days
    from per_customer
    inner join order_counts on per_customer.customer_id = order_counts.customer_id
    left join products on per_customer.customer_id = products.customer_id
    left join gaps on per_customer.customer_id = gaps.customer_id

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
        frequency,
        cast(monetary_amount as decimal(18, 2)) as monetary_amount,
        currency,

        ---------- scores
        r_score,
        f_score,
        m_score,
        concat(r_score, f_score, m_score) as rfm_score,
        r_score + f_score + m_score as rfm_total_score,

        ---------- counts
        frequency_90d,
        frequency_365d,
        order_day_count,
        cast(line_count as bigint) as line_count,
        cast(unit_count as bigint) as unit_count,
        product_count,
        cancelled_order_count,

        ---------- amounts
        {{ amount_per('monetary_amount', 'frequency') }} as average_order_amount,
        cast(net_monetary_amount as decimal(18, 2)) as net_monetary_amount,
        cast(discount_amount as decimal(18, 2)) as discount_amount,
        cast(monetary_90d_amount as decimal(18, 2)) as monetary_90d_amount,
        cast(monetary_365d_amount as decimal(18, 2)) as monetary_365d_amount,
        cast(margin_amount as decimal(18, 2)) as margin_amount,
        cast(returned_amount as decimal(18, 2)) as returned_amount,
        cast(repeat_net_amount as decimal(18, 2)) as repeat_net_amount,

        ---------- rates
        {{ ratio('margin_amount', 'costed_amount') }} as margin_rate,
        {{ ratio('discount_amount', 'monetary_amount') }} as discount_rate,
        {{ ratio('returned_amount', 'monetary_amount') }} as return_rate,

        ---------- days
        tenure_days,
        case when order_day_count > 1 then span_days / (order_day_count - 1) end as average_gap_days,
        median_gap_days,

        ---------- flags
        order_day_count > 1 as is_repeat_buyer,
        coalesce(has_mixed_currencies, false) as has_mixed_currencies,

        ---------- times
        first_ordered_on,
        last_ordered_on,
        as_of_on
    from scored

)

select * from final
