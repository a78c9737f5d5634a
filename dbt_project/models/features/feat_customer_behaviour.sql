{%- set day = run_day() -%}
with

activity as (

    select * from {{ ref('feat_activity') }}
    where customer_id is not null and occurred_on > date_sub({{ day }}, 90)

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

-- A day, a session and a purchase count once; the latter two for the days of their last row.
days as (

    select distinct
        customer_id,
        occurred_on
    from classed
    where is_activity

),

days_by_customer as (

    select
        customer_id,
        count_if(occurred_on > date_sub({{ day }}, 7)) as active_day_count_7d,
        count_if(occurred_on > date_sub({{ day }}, 30)) as active_day_count_30d,
        count(*) as active_day_count_90d
    from days
    group by customer_id

),

happenings as (

    select
        customer_id,
        happening_id,
        max(case when is_event then occurred_on end) as session_on,
        max(case when is_purchase then occurred_on end) as purchase_on
    from classed
    where is_event or is_purchase
    group by customer_id, happening_id

),

happenings_by_customer as (

    select
        customer_id,
        count_if(session_on > date_sub({{ day }}, 7)) as session_count_7d,
        count_if(session_on > date_sub({{ day }}, 30)) as session_count_30d,
        count(session_on) as session_count_90d,
        count_if(purchase_on > date_sub({{ day }}, 7)) as purchase_count_7d,
        count_if(purchase_on > date_sub({{ day }}, 30)) as purchase_count_30d,
        count(purchase_on) as purchase_count_90d
    from happenings
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
        {{ ratio(
            'sum(line.unit_price_sum) over (partition by line.category_level_1)',
            'sum(line.line_count) over (partition by line.category_level_1)'
        ) }} as usual_price
    from history
        lateral view explode(history.paid_by_category) lines as line

),

price_level as (

    select
        customer_id,
        {{ ratio('sum(cast(' ~ ratio('unit_price_sum', 'usual_price') ~ ' as decimal(28, 8)))', 'sum(line_count)') }}
            as price_index
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

final as (

    select
        ---------- ids
        history.customer_id,

        ---------- flags
        history.is_registered,
        coalesce(cart_by_customer.abandoned_product_count_7d, 0) > 0 as has_abandoned_cart_7d,

        ---------- counts by window
        coalesce(counted.view_count_7d, 0) as view_count_7d,
        coalesce(counted.view_count_30d, 0) as view_count_30d,
        coalesce(counted.view_count_90d, 0) as view_count_90d,
        coalesce(counted.search_count_7d, 0) as search_count_7d,
        coalesce(counted.search_count_30d, 0) as search_count_30d,
        coalesce(counted.search_count_90d, 0) as search_count_90d,
        coalesce(counted.cart_count_7d, 0) as cart_count_7d,
        coalesce(counted.cart_count_30d, 0) as cart_count_30d,
        coalesce(counted.cart_count_90d, 0) as cart_count_90d,
        coalesce(happenings_by_customer.purchase_count_7d, 0) as purchase_count_7d,
        coalesce(happenings_by_customer.purchase_count_30d, 0) as purchase_count_30d,
        coalesce(happenings_by_customer.purchase_count_90d, 0) as purchase_count_90d,
        coalesce(happenings_by_customer.session_count_7d, 0) as session_count_7d,
        coalesce(happenings_by_customer.session_count_30d, 0) as session_count_30d,
        coalesce(happenings_by_customer.session_count_90d, 0) as session_count_90d,
        coalesce(days_by_customer.active_day_count_7d, 0) as active_day_count_7d,
        coalesce(days_by_customer.active_day_count_30d, 0) as active_day_count_30d,
        coalesce(days_by_customer.active_day_count_90d, 0) as active_day_count_90d,

        ---------- amounts by window
        cast(coalesce(counted.spend_7d_amount, 0) as decimal(18, 2)) as spend_7d_amount,
        cast(coalesce(counted.spend_30d_amount, 0) as decimal(18, 2)) as spend_30d_amount,
        cast(coalesce(counted.spend_90d_amount, 0) as decimal(18, 2)) as spend_90d_amount,

        ---------- tastes
        history.last_categories,
        history.top_categories,
        history.top_brands,
        history.top_category,
        history.top_brand,

        ---------- cart
        coalesce(cart_by_customer.carted_product_count_7d, 0) as carted_product_count_7d,
        coalesce(cart_by_customer.abandoned_product_count_7d, 0) as abandoned_product_count_7d,
        {{ ratio('cart_by_customer.abandoned_product_count_7d', 'cart_by_customer.carted_product_count_7d') }}
            as cart_abandonment_rate_7d,
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
        coalesce(counted.impression_count_30d, 0) as impression_count_30d,
        coalesce(counted.click_count_30d, 0) as click_count_30d,
        history.click_count / nullif(history.impression_count, 0) as click_rate,
        coalesce(counted.send_count_90d, 0) as send_count_90d,
        coalesce(counted.send_open_count_90d, 0) as send_open_count_90d,
        coalesce(counted.send_click_count_90d, 0) as send_click_count_90d,
        counted.send_open_count_90d / nullif(counted.send_count_90d, 0) as send_open_rate_90d,

        ---------- service, ratings, places
        history.ticket_count,
        coalesce(counted.ticket_count_90d, 0) as ticket_count_90d,
        history.open_ticket_count,
        history.average_satisfaction,
        history.rating_count,
        history.average_rating,
        coalesce(counted.location_count_90d, 0) as location_count_90d,

        ---------- times
        history.first_active_on,
        history.last_active_on,
        history.last_active_at,
        history.last_viewed_on,
        history.last_sent_on,
        cast(datediff({{ day }}, history.last_active_on) as int) as days_since_last_activity,
        {{ day }} as as_of_on
    from history
    left join counted on history.customer_id = counted.customer_id
    left join days_by_customer on history.customer_id = days_by_customer.customer_id
    left join happenings_by_customer on history.customer_id = happenings_by_customer.customer_id
    left join cart_by_customer on history.customer_id = cart_by_customer.customer_id
    left join spending on history.customer_id = spending.customer_id

)

select * from final
