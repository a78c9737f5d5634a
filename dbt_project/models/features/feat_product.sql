{%- set day = run_day() -%}
with

products as (

    select * from {{ ref('int_products_as_of') }}

),

activity as (

    select
        *,
        occurred_on > date_sub({{ day }}, 7) as is_in_7d,
        occurred_on > date_sub({{ day }}, 30) as is_in_30d,
        occurred_on > date_sub({{ day }}, 60) and occurred_on <= date_sub({{ day }}, 30) as is_in_prior_30d,
        occurred_on > date_sub({{ day }}, 90) as is_in_90d,
        case when is_purchase then coalesce(customer_id, happening_id) end as buyer
    from {{ ref('feat_activity') }}
    where product_id is not null

),

counted as (

    select
        product_id,
        {{ day }} as as_of_on,

        ---------- counts by window
        count_if(kind = 'view' and is_in_7d) as view_count_7d,
        count_if(kind = 'view' and is_in_30d) as view_count_30d,
        count_if(kind = 'view' and is_in_90d) as view_count_90d,
        count_if(kind = 'add_to_cart' and is_in_7d) as cart_count_7d,
        count_if(kind = 'add_to_cart' and is_in_30d) as cart_count_30d,
        count_if(kind = 'add_to_cart' and is_in_90d) as cart_count_90d,
        sum(case when is_purchase and is_in_7d then quantity else 0 end) as unit_count_7d,
        sum(case when is_purchase and is_in_30d then quantity else 0 end) as unit_count_30d,
        sum(case when is_purchase and is_in_90d then quantity else 0 end) as unit_count_90d,
        sum(case when is_purchase and is_in_prior_30d then quantity else 0 end) as unit_count_prior_30d,
        sum(case when is_purchase then quantity else 0 end) as unit_count,

        ---------- amounts
        sum(case when is_purchase then gross_amount end) as revenue_amount,
        sum(case when is_purchase and is_in_30d then gross_amount end) as revenue_30d_amount,
        sum(case when is_purchase then discount_amount end) as discount_amount,
        sum(case when is_return then -quantity else 0 end) as returned_unit_count,

        ---------- ratings
        count_if(kind = 'rating') as rating_count,
        {{ average("case when kind = 'rating' then cast(value as decimal(9, 4)) end") }} as average_rating,

        ---------- times
        min(case when is_purchase then occurred_on end) as first_sold_on,
        max(case when is_purchase then occurred_on end) as last_sold_on,
        min(occurred_on) as first_seen_on
    from activity
    group by product_id

),

-- Of each product the purchases, by order and buyer.
purchases as (

    select
        product_id,
        happening_id,
        buyer,
        bool_or(is_in_30d) as is_in_30d,
        bool_or(is_in_90d) as is_in_90d
    from activity
    where is_purchase
    group by product_id, happening_id, buyer

),

orders as (

    select
        product_id,
        count(*) as order_count,
        count_if(is_in_30d) as order_count_30d
    from (
        select
            product_id,
            happening_id,
            bool_or(is_in_30d) as is_in_30d
        from purchases
        group by product_id, happening_id
    ) as placed
    group by product_id

),

buyers as (

    select
        product_id,
        count(*) as buyer_count,
        count_if(is_in_90d) as buyer_count_90d,
        sum(order_count) as buyer_order_count
    from (
        select
            product_id,
            buyer,
            bool_or(is_in_90d) as is_in_90d,
            count(*) as order_count
        from purchases
        group by product_id, buyer
    ) as bought
    group by product_id

),

weighed as (

    select
        counted.*,
        products.title,
        products.brand,
        products.category_path,
        products.category,
        products.category_level_1,
        products.category_level_2,
        products.category_level_3,
        products.currency,
        products.unit_price,
        products.unit_cost,
        products.listed_on,
        coalesce(orders.order_count, 0) as order_count,
        coalesce(orders.order_count_30d, 0) as order_count_30d,
        coalesce(buyers.buyer_count, 0) as buyer_count,
        coalesce(buyers.buyer_count_90d, 0) as buyer_count_90d,
        coalesce(buyers.buyer_order_count, 0) - coalesce(buyers.buyer_count, 0) as repeat_order_count,
        counted.view_count_30d + 3 * counted.cart_count_30d + 5 * coalesce(orders.order_count_30d, 0)
            as popularity_score
    from counted
    left join orders on counted.product_id = orders.product_id
    left join buyers on counted.product_id = buyers.product_id
    left join products on counted.product_id = products.product_id

),

placed as (

    select
        *,
        row_number() over (
            order by popularity_score desc, order_count desc, view_count_90d desc, rating_count desc, product_id asc
        ) as popularity_rank,
        row_number() over (
            partition by category
            order by popularity_score desc, order_count desc, view_count_90d desc, rating_count desc, product_id asc
        ) as category_popularity_rank,
        case
            when unit_price is not null
                then percent_rank() over (partition by category_level_1, unit_price is null order by unit_price)
        end as price_rate
    from weighed

),

final as (

    select
        ---------- ids
        product_id,

        ---------- what it is
        title,
        brand,
        category_path,
        category,
        category_level_1,
        category_level_2,
        category_level_3,
        currency,
        unit_price,
        unit_cost,

        ---------- counts by window
        view_count_7d,
        view_count_30d,
        view_count_90d,
        cart_count_7d,
        cart_count_30d,
        cart_count_90d,
        cast(unit_count_7d as bigint) as unit_count_7d,
        cast(unit_count_30d as bigint) as unit_count_30d,
        cast(unit_count_90d as bigint) as unit_count_90d,
        cast(unit_count as bigint) as unit_count,
        cast(order_count as bigint) as order_count,
        cast(order_count_30d as bigint) as order_count_30d,
        cast(buyer_count as bigint) as buyer_count,
        cast(buyer_count_90d as bigint) as buyer_count_90d,

        ---------- amounts
        cast(coalesce(revenue_amount, 0) as decimal(18, 2)) as revenue_amount,
        cast(coalesce(revenue_30d_amount, 0) as decimal(18, 2)) as revenue_30d_amount,

        ---------- rates
        {{ ratio('unit_price - unit_cost', 'unit_price') }} as margin_rate,
        cart_count_90d / nullif(view_count_90d, 0) as cart_rate_90d,
        {{ ratio('unit_count_90d', 'view_count_90d') }} as unit_per_view_rate_90d,
        {{ ratio('returned_unit_count', 'unit_count') }} as return_rate,
        {{ ratio('discount_amount', 'revenue_amount') }} as discount_rate,
        repeat_order_count / nullif(buyer_count, 0) as repeat_orders_per_buyer,
        {{ ratio('unit_count_30d - unit_count_prior_30d', 'unit_count_30d + unit_count_prior_30d') }}
            as trend_rate_30d,
        price_rate,

        ---------- ratings
        rating_count,
        average_rating,

        ---------- popularity
        cast(popularity_score as bigint) as popularity_score,
        popularity_rank,
        category_popularity_rank,

        ---------- times
        listed_on,
        cast(datediff(as_of_on, coalesce(listed_on, first_seen_on)) as int) as age_days,
        first_sold_on,
        last_sold_on,
        cast(datediff(as_of_on, last_sold_on) as int) as days_since_last_sale,
        as_of_on
    from placed

)

select * from final
