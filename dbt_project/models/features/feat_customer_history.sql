{{ config(
    materialized='replaced',
    meta={'key': ['customer_id'], 'touched': {'customer_id': 'row.customer_id'}}
) }}
{%- do touch_keys(customers_with_changed_activity()) -%}

with

activity as (

    select * from {{ ref('feat_activity') }} as activity
    {{ only_touched('activity') }}
    where customer_id is not null

),

classed as (

    select
        *,
        {{ is_event('kind') }} as is_event,
        {{ is_active() }} as is_activity
    from activity

),

counted as (

    select
        customer_id,

        ---------- ads, messages, service, ratings
        count_if(kind = 'impression') as impression_count,
        count_if(kind = 'impression' and is_answered) as click_count,
        count_if(kind = 'ticket') as ticket_count,
        count_if(kind = 'ticket' and not coalesce(is_answered, false)) as open_ticket_count,
        {{ average("case when kind = 'ticket' then cast(value as decimal(9, 4)) end") }} as average_satisfaction,
        count_if(kind = 'rating') as rating_count,
        {{ average("case when kind = 'rating' then cast(value as decimal(9, 4)) end") }} as average_rating,

        ---------- times
        min(case when is_activity then occurred_on end) as first_active_on,
        max(case when is_activity then occurred_on end) as last_active_on,
        max(case when is_activity then occurred_at end) as last_active_at,
        max(case when kind = 'view' then occurred_on end) as last_viewed_on,
        max(case when kind = 'send' then occurred_on end) as last_sent_on,
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

-- What goes together is counted together before each is counted alone: a third of the rows to take apart.
settings as (

    select
        customer_id,
        lpad(local_hour, 2, '0') as local_hour,
        cast(local_weekday as string) as local_weekday,
        channel,
        device_type,
        count(*) as row_count
    from points
    group by customer_id, local_hour, local_weekday, channel, device_type

),

things as (

    select
        customer_id,
        brand,
        category,
        sum(points) as points,
        max(case when kind = 'view' then unix_micros(occurred_at) end) as viewed_at
    from points
    group by customer_id, brand, category

),

-- One row per customer, habit, value and what it went with: the raw material of "preferred", "top" and "last".
habits as (

    select
        customer_id,
        stack(
            4,
            'hour', local_hour, row_count,
            'weekday', local_weekday, row_count,
            'channel', channel, row_count,
            'device', device_type, row_count
        ) as (habit, value, weight)
    from settings

    union all

    select
        customer_id,
        stack(
            3,
            'brand', brand, points,
            'category', category, points,
            'viewed', category, viewed_at
        ) as (habit, value, weight)
    from things

),

weighed as (

    select
        customer_id,
        habit,
        value,
        case when habit = 'viewed' then max(weight) else sum(weight) end as weight
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

-- What was paid for units of each category.
paid_by_category as (

    select
        customer_id,
        category_level_1,
        coalesce(category_level_1, '') as place,
        cast(sum(unit_price) as decimal(28, 4)) as unit_price_sum,
        count(unit_price) as line_count
    from activity
    where kind = 'order_line' and is_purchase
    group by customer_id, category_level_1

),

paid as (

    select
        customer_id,
        transform(
            array_sort(collect_list(struct(place, category_level_1, unit_price_sum, line_count))),
            paid -> struct(paid.category_level_1, paid.unit_price_sum, paid.line_count)
        ) as paid_by_category
    from paid_by_category
    group by customer_id

),

final as (

    select
        ---------- ids
        counted.customer_id,

        ---------- flags
        counted.is_registered,

        ---------- tastes and habits
        coalesce(habit_by_customer.last_categories, array()) as last_categories,
        slice(coalesce(habit_by_customer.top_categories, array()), 1, 3) as top_categories,
        slice(coalesce(habit_by_customer.top_brands, array()), 1, 3) as top_brands,
        habit_by_customer.top_category,
        habit_by_customer.top_brand,
        habit_by_customer.preferred_hour,
        habit_by_customer.preferred_weekday,
        habit_by_customer.preferred_channel,
        habit_by_customer.preferred_device_type,

        ---------- prices
        paid.paid_by_category,

        ---------- ads, service, ratings
        counted.impression_count,
        counted.click_count,
        counted.ticket_count,
        counted.open_ticket_count,
        counted.average_satisfaction,
        counted.rating_count,
        counted.average_rating,

        ---------- times
        counted.first_active_on,
        counted.last_active_on,
        counted.last_active_at,
        counted.last_viewed_on,
        counted.last_sent_on
    from counted
    left join habit_by_customer on counted.customer_id = habit_by_customer.customer_id
    left join paid on counted.customer_id = paid.customer_id

)

select * from final
