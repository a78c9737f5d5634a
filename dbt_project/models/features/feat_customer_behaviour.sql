with

activity as (

    select * from {{ ref('feat_activity') }}
    where customer_id is not null
    distribute by customer_id

),

classed as (

    select
        *,
        kind in ('view', 'search', 'add_to_cart', 'remove_from_cart', 'checkout', 'purchase') as is_event,
        kind in ('view', 'search', 'add_to_cart', 'remove_from_cart', 'checkout', 'purchase', 'rating', 'ticket')
        or is_purchase
        or (kind = 'impression' and is_answered) as is_activity,
        occurred_on > date_sub(as_of_on, 7) as is_in_7d,
        occurred_on > date_sub(as_of_on, 30) as is_in_30d,
        occurred_on > date_sub(as_of_on, 90) as is_in_90d
    from activity

),

counted as (

    select
        customer_id,
        max(as_of_on) as as_of_on,

        ---------- days, sessions and purchases of the last 90 days, to be counted by window
        collect_set(case when is_activity and is_in_90d then occurred_on end) as days,
        collect_set(case when is_event and is_in_90d then struct(occurred_on, happening_id as key) end) as sessions,
        collect_set(case when is_purchase and is_in_90d then struct(occurred_on, happening_id as key) end)
            as purchases,

        ---------- counts by window
        count_if(kind = 'view' and is_in_7d) as view_count_7d,
        count_if(kind = 'view' and is_in_30d) as view_count_30d,
        count_if(kind = 'view' and is_in_90d) as view_count_90d,
        count_if(kind = 'search' and is_in_7d) as search_count_7d,
        count_if(kind = 'search' and is_in_30d) as search_count_30d,
        count_if(kind = 'search' and is_in_90d) as search_count_90d,
        count_if(kind = 'add_to_cart' and is_in_7d) as cart_count_7d,
        count_if(kind = 'add_to_cart' and is_in_30d) as cart_count_30d,
        count_if(kind = 'add_to_cart' and is_in_90d) as cart_count_90d,
        sum(case when is_purchase and is_in_7d then gross_amount else 0 end) as spend_7d_amount,
        sum(case when is_purchase and is_in_30d then gross_amount else 0 end) as spend_30d_amount,
        sum(case when is_purchase and is_in_90d then gross_amount else 0 end) as spend_90d_amount,

        ---------- ads, messages, service, ratings
        count_if(kind = 'impression') as impression_count,
        count_if(kind = 'impression' and is_answered) as click_count,
        count_if(kind = 'impression' and is_in_30d) as impression_count_30d,
        count_if(kind = 'impression' and is_answered and is_in_30d) as click_count_30d,
        count_if(kind = 'send' and is_in_90d) as send_count_90d,
        count_if(kind = 'send' and is_answered and is_in_90d) as send_open_count_90d,
        count_if(kind = 'send' and value > 0 and is_in_90d) as send_click_count_90d,
        max(case when kind = 'send' then occurred_on end) as last_sent_on,
        count_if(kind = 'ticket') as ticket_count,
        count_if(kind = 'ticket' and is_in_90d) as ticket_count_90d,
        count_if(kind = 'ticket' and not coalesce(is_answered, false)) as open_ticket_count,
        avg(case when kind = 'ticket' then cast(value as decimal(9, 4)) end) as average_satisfaction,
        count_if(kind = 'rating') as rating_count,
        avg(case when kind = 'rating' then cast(value as decimal(9, 4)) end) as average_rating,
        count_if(kind = 'location' and is_in_90d) as location_count_90d,

        ---------- times
        min(case when is_activity then occurred_on end) as first_active_on,
        max(case when is_activity then occurred_on end) as last_active_on,
        max(case when is_activity then occurred_at end) as last_active_at,
        max(case when kind = 'view' then occurred_on end) as last_viewed_on,
        bool_or(kind = 'registration') as is_registered
    from classed
    group by customer_id

),

points as (

    select
        *,
        case when kind = 'view' then 1 when kind = 'add_to_cart' then 3 when is_purchase then 5 else 0 end as points
    from classed
    where is_event or (kind = 'order_line' and is_purchase)

),

-- One row per customer, habit and value: the raw material of "preferred", "top" and "last".
habits as (

    select
        customer_id,
        stack(
            7,
            'hour', lpad(local_hour, 2, '0'), 1,
            'weekday', cast(local_weekday as string), 1,
            'channel', channel, 1,
            'device', device_type, 1,
            'brand', brand, points,
            'category', category, points,
            'viewed', case when kind = 'view' then category end, 1
        ) as (habit, value, weight),
        occurred_at
    from points

),

weighed as (

    select
        customer_id,
        habit,
        value,
        case when habit = 'viewed' then unix_micros(max(occurred_at)) else sum(weight) end as weight
    from habits
    where value is not null and weight > 0
    group by customer_id, habit, value

),

ordered_habits as (

    select
        *,
        row_number() over (partition by customer_id, habit order by weight desc, value asc) as place
    from weighed

),

habit_by_customer as (

    select
        customer_id,
        cast(max(case when habit = 'hour' and place = 1 then value end) as int) as preferred_hour,
        cast(max(case when habit = 'weekday' and place = 1 then value end) as int) as preferred_weekday,
        max(case when habit = 'channel' and place = 1 then value end) as preferred_channel,
        max(case when habit = 'device' and place = 1 then value end) as preferred_device_type,
        max(case when habit = 'brand' and place = 1 then value end) as top_brand,
        max(case when habit = 'category' and place = 1 then value end) as top_category,
        count_if(habit = 'category') as category_count,
        transform(
            array_sort(collect_list(case when habit = 'brand' then struct(place, value) end)), ranked -> ranked.value
        ) as top_brands,
        transform(
            array_sort(collect_list(case when habit = 'category' then struct(place, value) end)),
            ranked -> ranked.value
        ) as top_categories,
        transform(
            array_sort(collect_list(case when habit = 'viewed' then struct(place, value) end)), ranked -> ranked.value
        ) as last_categories
    from ordered_habits
    where place <= 5
    group by customer_id

),

-- Put into the cart in the last 7 days, and not bought since.
carts as (

    select
        customer_id,
        product_id,
        max(list_price) as list_price,
        max(case when kind = 'add_to_cart' and is_in_7d then occurred_at end) as carted_at,
        coalesce(
            max(case when is_purchase then occurred_at end)
            >= min(case when kind = 'add_to_cart' and is_in_7d then occurred_at end),
            false
        ) as is_bought
    from classed
    where product_id is not null and (kind = 'add_to_cart' or is_purchase) and is_in_7d
    group by customer_id, product_id
    having max(case when kind = 'add_to_cart' then occurred_at end) is not null

),

cart_by_customer as (

    select
        customer_id,
        count(*) as carted_product_count_7d,
        count_if(not is_bought) as abandoned_product_count_7d,
        sum(case when not is_bought then list_price end) as abandoned_cart_7d_amount,
        slice(
            transform(
                array_sort(
                    collect_list(
                        case
                            when not is_bought
                                then struct(-unix_micros(carted_at) as newest_first, product_id)
                        end
                    )
                ),
                left_behind -> left_behind.product_id
            ),
            1,
            5
        ) as abandoned_product_ids
    from carts
    group by customer_id

),

-- Price level: what a customer pays for a unit beside what is usually paid in the category.
priced as (

    select
        customer_id,
        unit_price,
        avg(unit_price) over (partition by category_level_1) as usual_price
    from activity
    where kind = 'order_line' and is_purchase

),

price_level as (

    select
        customer_id,
        cast(avg(cast(unit_price / usual_price as decimal(18, 6))) as double) as price_index
    from priced
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
        size(filter(days, day -> day > date_sub(as_of_on, 7))) as active_day_count_7d,
        size(filter(days, day -> day > date_sub(as_of_on, 30))) as active_day_count_30d,
        size(days) as active_day_count_90d,
        size(array_distinct(transform(filter(sessions, s -> s.occurred_on > date_sub(as_of_on, 7)), s -> s.key)))
            as session_count_7d,
        size(array_distinct(transform(filter(sessions, s -> s.occurred_on > date_sub(as_of_on, 30)), s -> s.key)))
            as session_count_30d,
        size(array_distinct(transform(sessions, s -> s.key))) as session_count_90d,
        size(array_distinct(transform(filter(purchases, p -> p.occurred_on > date_sub(as_of_on, 7)), p -> p.key)))
            as purchase_count_7d,
        size(array_distinct(transform(filter(purchases, p -> p.occurred_on > date_sub(as_of_on, 30)), p -> p.key)))
            as purchase_count_30d,
        size(array_distinct(transform(purchases, p -> p.key))) as purchase_count_90d
    from counted

),

final as (

    select
        ---------- ids
        windowed.customer_id,

        ---------- flags
        windowed.is_registered,
        coalesce(cart_by_customer.abandoned_product_count_7d, 0) > 0 as has_abandoned_cart_7d,

        ---------- counts by window
        windowed.view_count_7d,
        windowed.view_count_30d,
        windowed.view_count_90d,
        windowed.search_count_7d,
        windowed.search_count_30d,
        windowed.search_count_90d,
        windowed.cart_count_7d,
        windowed.cart_count_30d,
        windowed.cart_count_90d,
        cast(windowed.purchase_count_7d as bigint) as purchase_count_7d,
        cast(windowed.purchase_count_30d as bigint) as purchase_count_30d,
        cast(windowed.purchase_count_90d as bigint) as purchase_count_90d,
        cast(windowed.session_count_7d as bigint) as session_count_7d,
        cast(windowed.session_count_30d as bigint) as session_count_30d,
        cast(windowed.session_count_90d as bigint) as session_count_90d,
        cast(windowed.active_day_count_7d as bigint) as active_day_count_7d,
        cast(windowed.active_day_count_30d as bigint) as active_day_count_30d,
        cast(windowed.active_day_count_90d as bigint) as active_day_count_90d,

        ---------- amounts by window
        cast(coalesce(windowed.spend_7d_amount, 0) as decimal(18, 2)) as spend_7d_amount,
        cast(coalesce(windowed.spend_30d_amount, 0) as decimal(18, 2)) as spend_30d_amount,
        cast(coalesce(windowed.spend_90d_amount, 0) as decimal(18, 2)) as spend_90d_amount,

        ---------- tastes
        coalesce(habit_by_customer.last_categories, array()) as last_categories,
        slice(coalesce(habit_by_customer.top_categories, array()), 1, 3) as top_categories,
        slice(coalesce(habit_by_customer.top_brands, array()), 1, 3) as top_brands,
        habit_by_customer.top_category,
        habit_by_customer.top_brand,

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
        habit_by_customer.preferred_hour,
        habit_by_customer.preferred_weekday,
        habit_by_customer.preferred_channel,
        habit_by_customer.preferred_device_type,

        ---------- ads and messages
        windowed.impression_count,
        windowed.click_count,
        windowed.impression_count_30d,
        windowed.click_count_30d,
        windowed.click_count / nullif(windowed.impression_count, 0) as click_rate,
        windowed.send_count_90d,
        windowed.send_open_count_90d,
        windowed.send_click_count_90d,
        windowed.send_open_count_90d / nullif(windowed.send_count_90d, 0) as send_open_rate_90d,

        ---------- service, ratings, places
        windowed.ticket_count,
        windowed.ticket_count_90d,
        windowed.open_ticket_count,
        cast(windowed.average_satisfaction as double) as average_satisfaction,
        windowed.rating_count,
        cast(windowed.average_rating as double) as average_rating,
        windowed.location_count_90d,

        ---------- times
        windowed.first_active_on,
        windowed.last_active_on,
        windowed.last_active_at,
        windowed.last_viewed_on,
        windowed.last_sent_on,
        datediff(windowed.as_of_on, windowed.last_active_on) as days_since_last_activity,
        windowed.as_of_on
    from windowed
    left join habit_by_customer on windowed.customer_id = habit_by_customer.customer_id
    left join cart_by_customer on windowed.customer_id = cart_by_customer.customer_id
    left join spending on windowed.customer_id = spending.customer_id

)

select * from final
