with

as_of as (

    select as_of_on from {{ source('ops', 'as_of') }}

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

customers as (

    select customer_id from {{ ref('feat_customer_behaviour') }}

),

touches as (

    select
        customer_id,
        product_id,
        event_on as interacted_on,
        event_at as interacted_at,
        if(event_type = 'view', 1, 0) as view_count,
        if(event_type = 'add_to_cart', 1, 0) as cart_count,
        if(is_counted_purchase, coalesce(session_id, event_id), null) as purchase_id,
        if(is_counted_purchase, 1, 0) as unit_count,
        cast(null as double) as rating,
        cast(null as double) as rating_rate
    from events
    where
        customer_id is not null
        and product_id is not null
        and (event_type in ('view', 'add_to_cart') or is_counted_purchase)

    union all

    select
        order_lines.customer_id,
        order_lines.product_id,
        order_lines.ordered_on,
        order_lines.ordered_at,
        0,
        0,
        order_lines.order_id,
        order_lines.quantity,
        null,
        null
    from order_lines
    cross join as_of
    where
        order_lines.is_sale
        and order_lines.is_known_product
        and order_lines.product_id is not null
        and order_lines.ordered_on <= as_of.as_of_on

    union all

    select
        ratings.customer_id,
        ratings.product_id,
        to_date(ratings.rated_at),
        ratings.rated_at,
        0,
        0,
        null,
        0,
        cast(ratings.rating as double),
        cast(ratings.rating as double) / max(cast(ratings.rating as double)) over (partition by ratings.source)
    from ratings
    cross join as_of
    where
        ratings.product_id is not null
        and to_date(ratings.rated_at) <= as_of.as_of_on

),

per_day as (

    select
        customer_id,
        product_id,
        interacted_on,
        sum(view_count) as view_count,
        sum(cart_count) as cart_count,
        count(distinct purchase_id) as purchase_count,
        sum(unit_count) as unit_count,
        max(case when rating is not null then struct(interacted_at, rating, rating_rate) end) as last_rating,
        min(interacted_at) as first_interaction_at,
        max(interacted_at) as last_interaction_at
    from touches
    group by customer_id, product_id, interacted_on

),

final as (

    select
        ---------- ids
        per_day.customer_id,
        per_day.product_id,

        ---------- counts
        per_day.view_count,
        per_day.cart_count,
        per_day.purchase_count,
        per_day.unit_count,

        ---------- numbers
        per_day.last_rating.rating,
        ln(1 + per_day.view_count) / ln(2)
        + 3 * ln(1 + per_day.cart_count) / ln(2)
        + 5 * ln(1 + per_day.purchase_count) / ln(2)
        + 5 * greatest(coalesce(per_day.last_rating.rating_rate, 0), 0) as weight,

        ---------- times
        per_day.interacted_on,
        per_day.first_interaction_at,
        per_day.last_interaction_at,
        datediff(as_of.as_of_on, per_day.interacted_on) as days_before_as_of,
        as_of.as_of_on
    from per_day
    inner join customers on per_day.customer_id = customers.customer_id
    cross join as_of

)

select * from final
