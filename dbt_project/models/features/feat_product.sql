with

as_of as (

    select
        as_of_on,
        date_sub(as_of_on, 7) as before_7d_on,
        date_sub(as_of_on, 30) as before_30d_on,
        date_sub(as_of_on, 60) as before_60d_on,
        date_sub(as_of_on, 90) as before_90d_on
    from {{ source('ops', 'as_of') }}

),

products as (

    select * from {{ ref('int_products_as_of') }}

),

events as (

    select * from {{ ref('int_events_as_of') }}

),

order_lines as (

    select * from {{ ref('stg_order_lines') }}

),

ratings as (

    select * from {{ ref('stg_ratings') }}

),

declared as (

    select
        source,
        bool_or(entity = 'products') as has_products
    from {{ source('ops', 'sources') }}
    group by source

),

occurrences as (

    select
        product_id,
        event_type as kind,
        event_on as occurred_on,
        coalesce(customer_id, session_id) as customer_id,
        coalesce(session_id, event_id) as order_id,
        is_counted_purchase as is_purchase,
        1 as quantity,
        cast(null as decimal(18, 2)) as amount,
        cast(null as decimal(18, 2)) as discount_amount,
        cast(null as double) as rating
    from events
    where product_id is not null

    union all

    select
        order_lines.product_id,
        case when order_lines.is_return and not order_lines.is_cancelled then 'return' else 'order' end,
        order_lines.ordered_on,
        order_lines.customer_id,
        order_lines.order_id,
        order_lines.is_sale,
        order_lines.quantity,
        order_lines.gross_amount,
        order_lines.discount_amount,
        null
    from order_lines
    cross join as_of
    where
        order_lines.product_id is not null
        and order_lines.is_known_product
        and order_lines.ordered_on <= as_of.as_of_on

    union all

    select
        ratings.product_id,
        'rating',
        to_date(ratings.rated_at),
        ratings.customer_id,
        null,
        false,
        null,
        null,
        null,
        cast(ratings.rating as double)
    from ratings
    cross join as_of
    left join declared on ratings.source = declared.source
    left join products on ratings.product_id = products.product_id
    where
        ratings.product_id is not null
        and to_date(ratings.rated_at) <= as_of.as_of_on
        and (products.product_id is not null or not coalesce(declared.has_products, false))

    union all

    select
        product_id,
        'product',
        listed_on,
        null,
        null,
        false,
        null,
        null,
        null,
        null
    from products

),

counted as (

    select
        occurrences.product_id,
        max(as_of.as_of_on) as as_of_on,

        ---------- counts by window
        count_if(kind = 'view' and occurred_on > before_7d_on) as view_count_7d,
        count_if(kind = 'view' and occurred_on > before_30d_on) as view_count_30d,
        count_if(kind = 'view' and occurred_on > before_90d_on) as view_count_90d,
        count_if(kind = 'add_to_cart' and occurred_on > before_7d_on) as cart_count_7d,
        count_if(kind = 'add_to_cart' and occurred_on > before_30d_on) as cart_count_30d,
        count_if(kind = 'add_to_cart' and occurred_on > before_90d_on) as cart_count_90d,
        sum(case when is_purchase and occurred_on > before_7d_on then quantity else 0 end) as unit_count_7d,
        sum(case when is_purchase and occurred_on > before_30d_on then quantity else 0 end) as unit_count_30d,
        sum(case when is_purchase and occurred_on > before_90d_on then quantity else 0 end) as unit_count_90d,
        sum(
            case
                when is_purchase and occurred_on > before_60d_on and occurred_on <= before_30d_on then quantity
                else 0
            end
        ) as unit_count_prior_30d,
        sum(case when is_purchase then quantity else 0 end) as unit_count,

        ---------- distinct counts
        size(collect_set(case when is_purchase then order_id end)) as order_count,
        size(collect_set(case when is_purchase and occurred_on > before_30d_on then order_id end)) as order_count_30d,
        collect_set(case when is_purchase then customer_id end) as buyers,
        collect_set(case when is_purchase then struct(customer_id, order_id) end) as buyer_orders,
        size(collect_set(case when is_purchase and occurred_on > before_90d_on then customer_id end))
            as buyer_count_90d,

        ---------- amounts
        sum(case when is_purchase then amount end) as revenue_amount,
        sum(case when is_purchase and occurred_on > before_30d_on then amount end) as revenue_30d_amount,
        sum(case when is_purchase then discount_amount end) as discount_amount,
        sum(case when kind = 'return' then -quantity else 0 end) as returned_unit_count,

        ---------- ratings
        count_if(kind = 'rating') as rating_count,
        avg(cast(rating as decimal(9, 4))) as average_rating,

        ---------- times
        min(case when is_purchase then occurred_on end) as first_sold_on,
        max(case when is_purchase then occurred_on end) as last_sold_on,
        min(case when kind != 'product' then occurred_on end) as first_seen_on
    from occurrences
    cross join as_of
    group by occurrences.product_id

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
        size(counted.buyers) as buyer_count,
        size(counted.buyer_orders) - size(counted.buyers) as repeat_order_count,
        view_count_30d + 3 * cart_count_30d + 5 * order_count_30d as popularity_score
    from counted
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
        case when unit_price is not null
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
        cast((unit_price - unit_cost) / nullif(unit_price, 0) as double) as margin_rate,
        cart_count_90d / nullif(view_count_90d, 0) as cart_rate_90d,
        cast(unit_count_90d / nullif(view_count_90d, 0) as double) as unit_per_view_rate_90d,
        cast(returned_unit_count / nullif(unit_count, 0) as double) as return_rate,
        cast(discount_amount / nullif(revenue_amount, 0) as double) as discount_rate,
        repeat_order_count / nullif(buyer_count, 0) as repeat_orders_per_buyer,
        cast((unit_count_30d - unit_count_prior_30d) / nullif(unit_count_30d + unit_count_prior_30d, 0) as double)
            as trend_rate_30d,
        price_rate,

        ---------- ratings
        rating_count,
        cast(average_rating as double) as average_rating,

        ---------- popularity
        cast(popularity_score as bigint) as popularity_score,
        popularity_rank,
        category_popularity_rank,

        ---------- times
        listed_on,
        datediff(as_of_on, coalesce(listed_on, first_seen_on)) as age_days,
        first_sold_on,
        last_sold_on,
        datediff(as_of_on, last_sold_on) as days_since_last_sale,
        as_of_on
    from placed

)

select * from final
