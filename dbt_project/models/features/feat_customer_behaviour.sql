with

as_of as (

    select as_of_on from {{ source('ops', 'as_of') }}

),

customers as (

    select
        customer_id,
        to_date(registered_at) as occurred_on
    from {{ ref('stg_customers') }}
    cross join as_of
    where
        customer_id is not null
        and (registered_at is null or to_date(registered_at) <= as_of.as_of_on)

),

declared as (

    select
        source,
        max(timezone) as timezone,
        bool_or(entity = 'customers') as has_customers
    from {{ source('ops', 'sources') }}
    group by source

),

events as (

    select * from {{ ref('int_events_as_of') }}

),

order_lines as (

    select
        lines.*,
        from_utc_timestamp(lines.ordered_at, coalesce(declared.timezone, 'UTC')) as local_ordered_at
    from {{ ref('stg_order_lines') }} as lines
    cross join as_of
    left join declared on lines.source = declared.source
    where lines.ordered_on <= as_of.as_of_on

),

products as (

    select * from {{ ref('int_products_as_of') }}

),

-- Everything that ties a customer to a day, one row each; what gold reads of it is in the aggregates below.
occurrences as (

    select
        source,
        customer_id,
        is_known_customer as is_known,
        'order' as kind,
        ordered_on as occurred_on,
        ordered_at as occurred_at,
        order_id as key,
        case when is_sale then gross_amount end as amount,
        is_sale as is_positive,
        cast(null as double) as value
    from order_lines

    union all

    select
        source,
        customer_id,
        true,
        event_type,
        event_on,
        event_at,
        coalesce(session_id, event_id),
        null,
        is_counted_purchase,
        null
    from events

    union all

    select
        source,
        customer_id,
        is_known_customer,
        'impression',
        shown_on,
        shown_at,
        impression_id,
        null,
        is_clicked,
        null
    from {{ ref('stg_impressions') }}

    union all

    select
        source,
        customer_id,
        null,
        'send',
        to_date(sent_at),
        sent_at,
        send_id,
        null,
        to_date(opened_at) <= as_of.as_of_on,
        case when to_date(clicked_at) <= as_of.as_of_on then 1.0 else 0.0 end
    from {{ ref('stg_sends') }}
    cross join as_of

    union all

    select
        source,
        customer_id,
        null,
        'ticket',
        to_date(opened_at),
        opened_at,
        ticket_id,
        null,
        to_date(closed_at) <= as_of.as_of_on,
        cast(satisfaction as double)
    from {{ ref('stg_tickets') }}
    cross join as_of

    union all

    select
        source,
        customer_id,
        null,
        'rating',
        to_date(rated_at),
        rated_at,
        product_id,
        null,
        null,
        cast(rating as double)
    from {{ ref('stg_ratings') }}

    union all

    select
        source,
        customer_id,
        null,
        'membership',
        started_on,
        null,
        null,
        null,
        null,
        null
    from {{ ref('stg_memberships') }}

    union all

    select
        source,
        customer_id,
        null,
        'consent',
        to_date(changed_at),
        changed_at,
        null,
        null,
        null,
        null
    from {{ ref('stg_consents') }}

    union all

    select
        source,
        customer_id,
        null,
        'location',
        to_date(seen_at),
        seen_at,
        null,
        null,
        null,
        null
    from {{ ref('stg_locations') }}

    union all

    select
        source,
        customer_id,
        null,
        'account',
        opened_on,
        null,
        null,
        null,
        null,
        null
    from {{ ref('stg_accounts') }}

    union all

    select
        null,
        customer_id,
        true,
        'customer',
        occurred_on,
        null,
        null,
        null,
        null,
        null
    from customers

),

-- Known: registered, or active in a source that brings no list of its customers.
known as (

    select
        occurrences.*,
        as_of.as_of_on,
        date_sub(as_of.as_of_on, 7) as before_7d_on,
        date_sub(as_of.as_of_on, 30) as before_30d_on,
        date_sub(as_of.as_of_on, 90) as before_90d_on
    from occurrences
    cross join as_of
    left join declared on occurrences.source = declared.source
    left join (select distinct customer_id as registered_id from customers) as registered
        on occurrences.customer_id = registered.registered_id
    where
        occurrences.customer_id is not null
        and (occurrences.occurred_on is null or occurrences.occurred_on <= as_of.as_of_on)
        and coalesce(
            occurrences.is_known,
            registered.registered_id is not null or not coalesce(declared.has_customers, false)
        )

),

classed as (

    select
        *,
        kind in ('view', 'search', 'add_to_cart', 'remove_from_cart', 'checkout', 'purchase') as is_event,
        kind in ('view', 'search', 'add_to_cart', 'remove_from_cart', 'checkout', 'purchase', 'rating', 'ticket')
        or (kind = 'order' and is_positive)
        or (kind = 'impression' and is_positive) as is_activity,
        (kind = 'order' and is_positive) or (kind = 'purchase' and is_positive) as is_purchase
    from known

),

counted as (

    select
        customer_id,
        max(as_of_on) as as_of_on,
        max(before_7d_on) as before_7d_on,
        max(before_30d_on) as before_30d_on,

        ---------- days, sessions and purchases of the last 90 days, to be counted by window
        collect_set(case when is_activity and occurred_on > before_90d_on then occurred_on end) as days,
        collect_set(case when is_event and occurred_on > before_90d_on then struct(occurred_on, key) end) as sessions,
        collect_set(case when is_purchase and occurred_on > before_90d_on then struct(occurred_on, key) end)
            as purchases,

        ---------- counts by window
        count_if(kind = 'view' and occurred_on > before_7d_on) as view_count_7d,
        count_if(kind = 'view' and occurred_on > before_30d_on) as view_count_30d,
        count_if(kind = 'view' and occurred_on > before_90d_on) as view_count_90d,
        count_if(kind = 'search' and occurred_on > before_7d_on) as search_count_7d,
        count_if(kind = 'search' and occurred_on > before_30d_on) as search_count_30d,
        count_if(kind = 'search' and occurred_on > before_90d_on) as search_count_90d,
        count_if(kind = 'add_to_cart' and occurred_on > before_7d_on) as cart_count_7d,
        count_if(kind = 'add_to_cart' and occurred_on > before_30d_on) as cart_count_30d,
        count_if(kind = 'add_to_cart' and occurred_on > before_90d_on) as cart_count_90d,
        sum(case when occurred_on > before_7d_on then amount else 0 end) as spend_7d_amount,
        sum(case when occurred_on > before_30d_on then amount else 0 end) as spend_30d_amount,
        sum(case when occurred_on > before_90d_on then amount else 0 end) as spend_90d_amount,

        ---------- ads, messages, service, ratings
        count_if(kind = 'impression') as impression_count,
        count_if(kind = 'impression' and is_positive) as click_count,
        count_if(kind = 'impression' and occurred_on > before_30d_on) as impression_count_30d,
        count_if(kind = 'impression' and is_positive and occurred_on > before_30d_on) as click_count_30d,
        count_if(kind = 'send' and occurred_on > before_90d_on) as send_count_90d,
        count_if(kind = 'send' and is_positive and occurred_on > before_90d_on) as send_open_count_90d,
        count_if(kind = 'send' and value > 0 and occurred_on > before_90d_on) as send_click_count_90d,
        max(case when kind = 'send' then occurred_on end) as last_sent_on,
        count_if(kind = 'ticket') as ticket_count,
        count_if(kind = 'ticket' and occurred_on > before_90d_on) as ticket_count_90d,
        count_if(kind = 'ticket' and not coalesce(is_positive, false)) as open_ticket_count,
        avg(case when kind = 'ticket' then cast(value as decimal(9, 4)) end) as average_satisfaction,
        count_if(kind = 'rating') as rating_count,
        avg(case when kind = 'rating' then cast(value as decimal(9, 4)) end) as average_rating,
        count_if(kind = 'location' and occurred_on > before_90d_on) as location_count_90d,

        ---------- times
        min(case when is_activity then occurred_on end) as first_active_on,
        max(case when is_activity then occurred_on end) as last_active_on,
        max(case when is_activity then occurred_at end) as last_active_at,
        max(case when kind = 'view' then occurred_on end) as last_viewed_on,
        max(case when kind = 'customer' then 1 else 0 end) = 1 as is_registered
    from classed
    group by customer_id

),

event_tastes as (

    select
        events.*,
        products.brand,
        products.category,
        case
            when events.event_type = 'view' then 1
            when events.event_type = 'add_to_cart' then 3
            when events.is_counted_purchase then 5
            else 0
        end as weight
    from events
    left join products on events.product_id = products.product_id
    where events.customer_id is not null

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
            'brand', brand, weight,
            'category', category, weight,
            'viewed', case when event_type = 'view' then category end, 1
        ) as (habit, value, weight),
        event_at as occurred_at
    from event_tastes

    union all

    select
        order_lines.customer_id,
        stack(
            5,
            'hour',
            case
                when order_lines.local_ordered_at != date_trunc('day', order_lines.local_ordered_at)
                    then lpad(hour(order_lines.local_ordered_at), 2, '0')
            end,
            1,
            'weekday', cast(weekday(order_lines.local_ordered_at) + 1 as string), 1,
            'channel', order_lines.channel, 1,
            'brand', products.brand, 5,
            'category', products.category, 5
        ) as (habit, value, weight),
        order_lines.ordered_at as occurred_at
    from order_lines
    left join products on order_lines.product_id = products.product_id
    where order_lines.is_sale

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
cart_moves as (

    select
        events.customer_id,
        events.product_id,
        events.event_type = 'add_to_cart' and events.event_on > date_sub(events.as_of_on, 7) as is_cart,
        events.is_counted_purchase as is_bought,
        events.event_at as moved_at
    from events
    where
        events.customer_id is not null
        and events.product_id is not null
        and (events.event_type = 'add_to_cart' or events.is_counted_purchase)

    union all

    select
        order_lines.customer_id,
        order_lines.product_id,
        false as is_cart,
        true as is_bought,
        order_lines.ordered_at as moved_at
    from order_lines
    where order_lines.is_sale and order_lines.product_id is not null

),

carts as (

    select
        customer_id,
        product_id,
        max(case when is_cart then moved_at end) as carted_at,
        coalesce(max(case when is_bought then moved_at end) >= min(case when is_cart then moved_at end), false)
            as is_bought
    from cart_moves
    group by customer_id, product_id
    having max(case when is_cart then moved_at end) is not null

),

cart_by_customer as (

    select
        carts.customer_id,
        count(*) as carted_product_count_7d,
        count_if(not carts.is_bought) as abandoned_product_count_7d,
        sum(case when not carts.is_bought then products.unit_price end) as abandoned_cart_7d_amount,
        slice(
            transform(
                array_sort(
                    collect_list(
                        case
                            when not carts.is_bought
                                then struct(-unix_micros(carts.carted_at) as newest_first, carts.product_id)
                        end
                    )
                ),
                left_behind -> left_behind.product_id
            ),
            1,
            5
        ) as abandoned_product_ids
    from carts
    left join products on carts.product_id = products.product_id
    group by carts.customer_id

),

-- Price level: what a customer pays for a unit beside what is usually paid in the category.
priced as (

    select
        order_lines.customer_id,
        order_lines.unit_price,
        coalesce(products.category_level_1, '') as category_level_1
    from order_lines
    left join products on order_lines.product_id = products.product_id
    where order_lines.is_sale

),

usual as (

    select
        category_level_1,
        avg(unit_price) as usual_price
    from priced
    group by category_level_1

),

price_level as (

    select
        priced.customer_id,
        cast(avg(cast(priced.unit_price / usual.usual_price as decimal(18, 6))) as double) as price_index
    from priced
    inner join usual on priced.category_level_1 = usual.category_level_1
    group by priced.customer_id

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
        size(filter(days, day -> day > before_7d_on)) as active_day_count_7d,
        size(filter(days, day -> day > before_30d_on)) as active_day_count_30d,
        size(days) as active_day_count_90d,
        size(array_distinct(transform(filter(sessions, s -> s.occurred_on > before_7d_on), s -> s.key)))
            as session_count_7d,
        size(array_distinct(transform(filter(sessions, s -> s.occurred_on > before_30d_on), s -> s.key)))
            as session_count_30d,
        size(array_distinct(transform(sessions, s -> s.key))) as session_count_90d,
        size(array_distinct(transform(filter(purchases, p -> p.occurred_on > before_7d_on), p -> p.key)))
            as purchase_count_7d,
        size(array_distinct(transform(filter(purchases, p -> p.occurred_on > before_30d_on), p -> p.key)))
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
