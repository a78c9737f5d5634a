{%- set day = run_day() -%}
with

activity as (

    select * from {{ ref('feat_activity') }}
    where customer_id is not null and occurred_on > date_sub({{ day }}, 90)
    distribute by customer_id

),

history as (

    select * from {{ ref('feat_customer_history') }}

),

classed as (

    select
        *,
        {{ is_event('kind') }} as is_event,
        {{ is_active() }} as is_activity,
        occurred_on > date_sub({{ day }}, 7) as is_in_7d,
        occurred_on > date_sub({{ day }}, 30) as is_in_30d
    from activity

),

counted as (

    select
        customer_id,

        ---------- days, sessions and purchases of the last 90 days, to be counted by window
        collect_set(case when is_activity then occurred_on end) as days,
        collect_set(case when is_event then struct(occurred_on, happening_id as key) end) as sessions,
        collect_set(case when is_purchase then struct(occurred_on, happening_id as key) end)
            as purchases,

        ---------- counts by window
        count_if(kind = 'view' and is_in_7d) as view_count_7d,
        count_if(kind = 'view' and is_in_30d) as view_count_30d,
        count_if(kind = 'view') as view_count_90d,
        count_if(kind = 'search' and is_in_7d) as search_count_7d,
        count_if(kind = 'search' and is_in_30d) as search_count_30d,
        count_if(kind = 'search') as search_count_90d,
        count_if(kind = 'add_to_cart' and is_in_7d) as cart_count_7d,
        count_if(kind = 'add_to_cart' and is_in_30d) as cart_count_30d,
        count_if(kind = 'add_to_cart') as cart_count_90d,
        sum(case when is_purchase and is_in_7d then gross_amount else 0 end) as spend_7d_amount,
        sum(case when is_purchase and is_in_30d then gross_amount else 0 end) as spend_30d_amount,
        sum(case when is_purchase then gross_amount else 0 end) as spend_90d_amount,

        ---------- ads, messages, service, places
        count_if(kind = 'impression' and is_in_30d) as impression_count_30d,
        count_if(kind = 'impression' and is_answered and is_in_30d) as click_count_30d,
        count_if(kind = 'send') as send_count_90d,
        count_if(kind = 'send' and is_answered) as send_open_count_90d,
        count_if(kind = 'send' and value > 0) as send_click_count_90d,
        count_if(kind = 'ticket') as ticket_count_90d,
        count_if(kind = 'location') as location_count_90d
    from classed
    group by customer_id

),

-- Put into the cart in the last 7 days, and not bought since.
carts as (

    select
        customer_id,
        product_id,
        max(case when kind = 'add_to_cart' then occurred_at end) as carted_at,
        coalesce(
            max(case when is_purchase then occurred_at end) >= min(case when kind = 'add_to_cart' then occurred_at end),
            false
        ) as is_bought
    from classed
    where product_id is not null and (kind = 'add_to_cart' or is_purchase) and is_in_7d
    group by customer_id, product_id
    having max(case when kind = 'add_to_cart' then occurred_at end) is not null

),

cart_by_customer as (

    select
        carts.customer_id,
        count(*) as carted_product_count_7d,
        count_if(not is_bought) as abandoned_product_count_7d,
        sum(case when not is_bought then products.unit_price end) as abandoned_cart_7d_amount,
        slice(
            transform(
                array_sort(
                    collect_list(
                        case
                            when not is_bought
                                then struct(-unix_micros(carted_at) as newest_first, carts.product_id)
                        end
                    )
                ),
                left_behind -> left_behind.product_id
            ),
            1,
            5
        ) as abandoned_product_ids
    from carts
    left join {{ ref('int_products_as_of') }} as products on carts.product_id = products.product_id
    group by carts.customer_id

),

-- Price level: what a customer pays for a unit beside what is usually paid in the category.
paid as (

    select
        history.customer_id,
        line.category_level_1,
        line.unit_price_sum,
        line.line_count,
        cast(
            sum(line.unit_price_sum) over (partition by line.category_level_1)
            / sum(line.line_count) over (partition by line.category_level_1) as decimal(22, 8)
        ) as usual_price
    from history
        lateral view explode(history.paid_by_category) lines as line

),

price_level as (

    select
        customer_id,
        cast(
            sum(cast(unit_price_sum / usual_price as decimal(28, 8))) / sum(line_count) as double
        ) as price_index
    from paid
    where usual_price > 0
    group by customer_id

),

spending as (

    select
        customer_id,
        price_index,
        percent_rank() over (order by price_index) as spending_power_rate
    from price_level

),

windowed as (

    select
        *,
        size(filter(days, day -> day > date_sub({{ day }}, 7))) as active_day_count_7d,
        size(filter(days, day -> day > date_sub({{ day }}, 30))) as active_day_count_30d,
        size(days) as active_day_count_90d,
        size(array_distinct(transform(filter(sessions, s -> s.occurred_on > date_sub({{ day }}, 7)), s -> s.key)))
            as session_count_7d,
        size(array_distinct(transform(filter(sessions, s -> s.occurred_on > date_sub({{ day }}, 30)), s -> s.key)))
            as session_count_30d,
        size(array_distinct(transform(sessions, s -> s.key))) as session_count_90d,
        size(array_distinct(transform(filter(purchases, p -> p.occurred_on > date_sub({{ day }}, 7)), p -> p.key)))
            as purchase_count_7d,
        size(array_distinct(transform(filter(purchases, p -> p.occurred_on > date_sub({{ day }}, 30)), p -> p.key)))
            as purchase_count_30d,
        size(array_distinct(transform(purchases, p -> p.key))) as purchase_count_90d
    from counted

),

final as (

    select
        ---------- ids
        history.customer_id,

        ---------- flags
        history.is_registered,
        coalesce(cart_by_customer.abandoned_product_count_7d, 0) > 0 as has_abandoned_cart_7d,

        ---------- counts by window
        coalesce(windowed.view_count_7d, 0) as view_count_7d,
        coalesce(windowed.view_count_30d, 0) as view_count_30d,
        coalesce(windowed.view_count_90d, 0) as view_count_90d,
        coalesce(windowed.search_count_7d, 0) as search_count_7d,
        coalesce(windowed.search_count_30d, 0) as search_count_30d,
        coalesce(windowed.search_count_90d, 0) as search_count_90d,
        coalesce(windowed.cart_count_7d, 0) as cart_count_7d,
        coalesce(windowed.cart_count_30d, 0) as cart_count_30d,
        coalesce(windowed.cart_count_90d, 0) as cart_count_90d,
        cast(coalesce(windowed.purchase_count_7d, 0) as bigint) as purchase_count_7d,
        cast(coalesce(windowed.purchase_count_30d, 0) as bigint) as purchase_count_30d,
        cast(coalesce(windowed.purchase_count_90d, 0) as bigint) as purchase_count_90d,
        cast(coalesce(windowed.session_count_7d, 0) as bigint) as session_count_7d,
        cast(coalesce(windowed.session_count_30d, 0) as bigint) as session_count_30d,
        cast(coalesce(windowed.session_count_90d, 0) as bigint) as session_count_90d,
        cast(coalesce(windowed.active_day_count_7d, 0) as bigint) as active_day_count_7d,
        cast(coalesce(windowed.active_day_count_30d, 0) as bigint) as active_day_count_30d,
        cast(coalesce(windowed.active_day_count_90d, 0) as bigint) as active_day_count_90d,

        ---------- amounts by window
        cast(coalesce(windowed.spend_7d_amount, 0) as decimal(18, 2)) as spend_7d_amount,
        cast(coalesce(windowed.spend_30d_amount, 0) as decimal(18, 2)) as spend_30d_amount,
        cast(coalesce(windowed.spend_90d_amount, 0) as decimal(18, 2)) as spend_90d_amount,

        ---------- tastes
        history.last_categories,
        history.top_categories,
        history.top_brands,
        history.top_category,
        history.top_brand,

        ---------- cart
        coalesce(cart_by_customer.carted_product_count_7d, 0) as carted_product_count_7d,
        coalesce(cart_by_customer.abandoned_product_count_7d, 0) as abandoned_product_count_7d,
        cast(
            cart_by_customer.abandoned_product_count_7d / nullif(cart_by_customer.carted_product_count_7d, 0) as double
        ) as cart_abandonment_rate_7d,
        cast(cart_by_customer.abandoned_cart_7d_amount as decimal(18, 2)) as abandoned_cart_7d_amount,
        coalesce(cart_by_customer.abandoned_product_ids, array()) as abandoned_product_ids,

        ---------- spending power
        spending.price_index,
        spending.spending_power_rate,
        case
            when spending.spending_power_rate is null then null
            when spending.spending_power_rate < 1 / 3 then 'low'
            when spending.spending_power_rate < 2 / 3 then 'medium'
            else 'high'
        end as spending_power,

        ---------- habits
        history.preferred_hour,
        history.preferred_weekday,
        history.preferred_channel,
        history.preferred_device_type,

        ---------- ads and messages
        history.impression_count,
        history.click_count,
        coalesce(windowed.impression_count_30d, 0) as impression_count_30d,
        coalesce(windowed.click_count_30d, 0) as click_count_30d,
        history.click_count / nullif(history.impression_count, 0) as click_rate,
        coalesce(windowed.send_count_90d, 0) as send_count_90d,
        coalesce(windowed.send_open_count_90d, 0) as send_open_count_90d,
        coalesce(windowed.send_click_count_90d, 0) as send_click_count_90d,
        windowed.send_open_count_90d / nullif(windowed.send_count_90d, 0) as send_open_rate_90d,

        ---------- service, ratings, places
        history.ticket_count,
        coalesce(windowed.ticket_count_90d, 0) as ticket_count_90d,
        history.open_ticket_count,
        history.average_satisfaction,
        history.rating_count,
        history.average_rating,
        coalesce(windowed.location_count_90d, 0) as location_count_90d,

        ---------- times
        history.first_active_on,
        history.last_active_on,
        history.last_active_at,
        history.last_viewed_on,
        history.last_sent_on,
        datediff({{ day }}, history.last_active_on) as days_since_last_activity,
        {{ day }} as as_of_on
    from history
    left join windowed on history.customer_id = windowed.customer_id
    left join cart_by_customer on history.customer_id = cart_by_customer.customer_id
    left join spending on history.customer_id = spending.customer_id

)

select * from final
