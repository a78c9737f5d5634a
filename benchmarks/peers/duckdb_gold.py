"""SQL of the DuckDB peer's gold tables (duckdb_lakehouse.py): all that was done, and what it says of each customer."""

from __future__ import annotations

AS_OF = "date '2025-12-31'"
ZONE = "Asia/Shanghai"
EVENT_TYPES = "('view', 'search', 'add_to_cart', 'remove_from_cart', 'checkout', 'purchase')"


def _stated(price: str) -> str:
    return f"case when try_cast({price} as decimal(18, 4)) >= 0 then try_cast({price} as decimal(18, 4)) end"


def _or_of_its_like(price: str) -> str:
    """What is stated, else the mean of the category, else of all."""
    return f"coalesce({price}, avg({price}) over (partition by path), avg({price}) over ())::decimal(18, 4)"


CATALOGUE = f"""
    create temp table registered as
    select cust_no as customer_id, {{registered_at}} as registered_at
    from (
        select * from {{customers}} where cust_no is not null
        qualify row_number() over (partition by cust_no order by _row_number desc) = 1
    );
    create temp table listed as
    with stated as (
        select
            sku as product_id, brand, category as path,
            coalesce(split(category, ' > ')[2], split(category, ' > ')[1]) as category,
            split(category, ' > ')[1] as category_level_1,
            {_stated("list_price")} as price, {_stated("cost_price")} as cost,
            (try_cast(launch_date as timestamptz) at time zone 'UTC')::date as listed_on
        from {{products}} where sku is not null
        qualify row_number() over (partition by sku order by _row_number desc) = 1
    )
    select
        product_id, brand, category, category_level_1, listed_on, {_or_of_its_like("price")} as unit_price,
        {_or_of_its_like("cost")} as unit_cost
    from stated
    qualify listed_on is null or listed_on <= {AS_OF};
"""

# A visit in which only one customer was known is that customer's, also while nobody was signed in.
LENDERS = f"""
    create temp table lenders as
    with seen as (
        select coalesce(session_id, event_id) as visit_id, customer_id, is_known_customer from {{events}}
        where event_on <= {AS_OF} and not is_near_duplicate
    )
    select visit_id, min(customer_id) as lent from seen
    where is_known_customer and visit_id in (select visit_id from seen where customer_id is null)
    group by visit_id having min(customer_id) = max(customer_id);
"""

ACTIVITY = f"""
    with done as (
        select
            case when is_known_customer then customer_id when customer_id is null then lent end as customer_id,
            case when is_known_product then product_id end as product_id,
            coalesce(session_id, event_id) as happening_id, event_type as kind, channel, device_type,
            null::varchar as currency, false as is_purchase, false as is_return, false as is_cancelled, 1 as quantity,
            null::decimal(18, 4) as unit_price, null::decimal(18, 2) as gross_amount,
            null::decimal(18, 2) as net_amount, null::decimal(18, 2) as discount_amount,
            event_at as occurred_at, event_on as occurred_on
        from {{events}} as events
        left join lenders on events.customer_id is null and coalesce(session_id, event_id) = visit_id
        where event_on <= {AS_OF} and not is_near_duplicate
        union all
        select
            case when is_known_customer then customer_id end, case when is_known_product then product_id end,
            order_id, 'order_line', channel, null, currency, is_sale, is_return and not is_cancelled, is_cancelled,
            quantity, unit_price, gross_amount, net_amount, discount_amount, ordered_at, ordered_on
        from {{lines}} where ordered_on <= {AS_OF}
        union all
        select
            customer_id, null, null, 'registration', null, null, null, false, false, false, null, null, null, null,
            null, registered_at, (registered_at at time zone 'UTC')::date
        from registered where registered_at is null or (registered_at at time zone 'UTC')::date <= {AS_OF}
        union all
        select
            null, product_id, null, 'listing', null, null, null, false, false, false, null, null, null, null, null,
            null, listed_on
        from listed
    )
    select
        'sample' as source, customer_id, product_id, happening_id, kind, channel, device_type, brand, category,
        category_level_1, currency, is_purchase, is_return, is_cancelled, null::boolean as is_answered, quantity,
        done.unit_price, gross_amount, net_amount, discount_amount,
        case when is_purchase then net_amount - quantity * unit_cost end::decimal(18, 2) as margin_amount,
        null::double as value,
        case when kind != 'order_line' or local_at != date_trunc('day', local_at) then hour(local_at) end::integer
            as local_hour,
        isodow(local_at)::integer as local_weekday, occurred_at, occurred_on
    from (select *, occurred_at at time zone '{ZONE}' as local_at from done) as done
    left join listed using (product_id)
    where customer_id is not null or product_id is not null
    order by occurred_on
"""

DONE = f"""
    select
        customer_id, product_id, happening_id, kind, channel, device_type, brand, category, category_level_1,
        is_purchase, is_return, is_cancelled, is_purchase or kind in {EVENT_TYPES} as is_active, quantity, unit_price,
        gross_amount, net_amount, discount_amount, margin_amount, local_hour, local_weekday, occurred_at, occurred_on
    from {{activity}} where customer_id is not null
"""

# Hours, weekdays, channels and devices go together, brands and categories too: counted together first.
HISTORY_TABLES = """
    create temp table counted as
    select
        customer_id, bool_or(kind = 'registration') as is_registered,
        min(occurred_on) filter (is_active) as first_active_on, max(occurred_on) filter (is_active) as last_active_on,
        max(occurred_at) filter (is_active) as last_active_at, max(occurred_on) filter (kind = 'view') as last_viewed_on
    from done group by customer_id;
    create temp table settings as
    select customer_id, local_hour, local_weekday, channel, device_type, count(*) as n
    from done where is_active group by all;
    create temp table things as
    select
        customer_id, brand, category,
        sum(case when kind = 'view' then 1 when kind = 'add_to_cart' then 3 when is_purchase then 5 else 0 end)
            as points,
        max(occurred_at) filter (kind = 'view') as viewed_at
    from done where is_active group by all;
    create temp table paid as
    select
        customer_id, category_level_1, sum(unit_price)::decimal(28, 4) as unit_price_sum,
        count(unit_price) as line_count
    from done where is_purchase group by all;
"""


def preferred(column: str, name: str) -> str:
    """One row per customer: what it did most in, the first by name where two have the same."""
    return f"""
        select customer_id, first({column} order by n desc, {column}) as {name}
        from (select customer_id, {column}, sum(n) as n from settings where {column} is not null group by all)
        group by customer_id
    """


def favourites(column: str, name: str, weight: str, most: int) -> str:
    """One row per customer: what weighs most with it, the first by name where two have the same."""
    return f"""
        select customer_id, list({column} order by weight desc, {column})[:{most}] as {name}
        from (select customer_id, {column}, {weight} as weight from things where {column} is not null group by all)
        where weight is not null group by customer_id
    """


HISTORY = f"""
    select
        customer_id, is_registered,
        coalesce(last_categories, []) as last_categories, coalesce(top_categories, []) as top_categories,
        coalesce(top_brands, []) as top_brands, top_categories[1] as top_category, top_brands[1] as top_brand,
        preferred_hour, preferred_weekday, preferred_channel, preferred_device_type, paid_by_category,
        0::bigint as impression_count, 0::bigint as click_count, 0::bigint as ticket_count,
        0::bigint as open_ticket_count, null::double as average_satisfaction, 0::bigint as rating_count,
        null::double as average_rating, first_active_on, last_active_on, last_active_at, last_viewed_on,
        null::date as last_sent_on
    from counted
    left join ({favourites("category", "last_categories", "max(viewed_at)", 5)}) using (customer_id)
    left join ({favourites("category", "top_categories", "nullif(sum(points), 0)", 3)}) using (customer_id)
    left join ({favourites("brand", "top_brands", "nullif(sum(points), 0)", 3)}) using (customer_id)
    left join ({preferred("local_hour", "preferred_hour")}) using (customer_id)
    left join ({preferred("local_weekday", "preferred_weekday")}) using (customer_id)
    left join ({preferred("channel", "preferred_channel")}) using (customer_id)
    left join ({preferred("device_type", "preferred_device_type")}) using (customer_id)
    left join (
        select
            customer_id,
            list(
                {{
                    'category_level_1': category_level_1, 'unit_price_sum': unit_price_sum, 'line_count': line_count
                }}
                order by coalesce(category_level_1, ''), category_level_1 nulls first
            ) as paid_by_category
        from paid group by customer_id
    ) using (customer_id)
"""


RFM_TABLES = f"""
    create temp table lines as
    select * from done where kind = 'order_line';
    create temp table orders as
    select
        customer_id, happening_id, max(occurred_on) filter (is_purchase) as sold_on,
        bool_or(is_cancelled) as is_cancelled
    from lines group by all;
    create temp table gaps as
    select
        customer_id, count(*) as order_day_count, quantile_cont(gap, 0.5) as median_gap_days,
        sum(net_amount) filter (gap is not null) as repeat_net_amount
    from (
        select
            customer_id, net_amount,
            occurred_on - lag(occurred_on) over (partition by customer_id order by occurred_on) as gap
        from (
            select customer_id, occurred_on, sum(net_amount) as net_amount from lines where is_purchase group by all
        )
    ) group by customer_id;
    create temp table measured as
    select
        customer_id, min(occurred_on) as first_ordered_on, max(occurred_on) as last_ordered_on,
        count(*) as line_count, sum(quantity) as unit_count, sum(gross_amount) as monetary_amount,
        sum(net_amount) as net_monetary_amount, sum(discount_amount) as discount_amount,
        coalesce(sum(gross_amount) filter (occurred_on > {AS_OF} - 90), 0) as monetary_90d_amount,
        coalesce(sum(gross_amount) filter (occurred_on > {AS_OF} - 365), 0) as monetary_365d_amount,
        sum(margin_amount) as margin_amount, sum(net_amount) filter (margin_amount is not null) as costed_amount,
        count(distinct product_id) as product_count
    from lines where is_purchase group by customer_id;
    create temp table returned as
    select customer_id, -sum(gross_amount) as returned_amount from lines where is_return group by customer_id;
"""
RFM = f"""
    with counted as (
        select
            measured.*, coalesce(returned_amount, 0) as returned_amount, order_day_count, median_gap_days,
            repeat_net_amount, frequency, frequency_90d, frequency_365d, cancelled_order_count,
            {AS_OF} - last_ordered_on as recency_days
        from measured
        join gaps using (customer_id)
        join (
            select
                customer_id, count(sold_on) as frequency, count_if(sold_on > {AS_OF} - 90) as frequency_90d,
                count_if(sold_on > {AS_OF} - 365) as frequency_365d, count_if(is_cancelled) as cancelled_order_count
            from orders group by customer_id
        ) using (customer_id)
        left join returned using (customer_id)
    ), scored as (
        select *,
            1 + 5 * (rank() over (order by recency_days desc) - 1) // count(*) over () as r_score,
            1 + 5 * (rank() over (order by frequency) - 1) // count(*) over () as f_score,
            1 + 5 * (rank() over (order by monetary_amount) - 1) // count(*) over () as m_score
        from counted
    )
    select
        customer_id, recency_days::integer as recency_days, frequency,
        monetary_amount::decimal(18, 2) as monetary_amount,
        'CNY' as currency, r_score::integer as r_score, f_score::integer as f_score, m_score::integer as m_score,
        concat(r_score, f_score, m_score) as rfm_score, (r_score + f_score + m_score)::integer as rfm_total_score,
        frequency_90d::bigint as frequency_90d, frequency_365d::bigint as frequency_365d, order_day_count,
        line_count::bigint as line_count, unit_count::bigint as unit_count, product_count,
        cancelled_order_count::bigint as cancelled_order_count,
        (monetary_amount::double / frequency)::decimal(28, 8)::decimal(18, 2) as average_order_amount,
        net_monetary_amount::decimal(18, 2) as net_monetary_amount, discount_amount::decimal(18, 2) as discount_amount,
        monetary_90d_amount::decimal(18, 2) as monetary_90d_amount,
        monetary_365d_amount::decimal(18, 2) as monetary_365d_amount,
        margin_amount::decimal(18, 2) as margin_amount, returned_amount::decimal(18, 2) as returned_amount,
        repeat_net_amount::decimal(18, 2) as repeat_net_amount,
        margin_amount::double / nullif(costed_amount, 0)::double as margin_rate,
        discount_amount::double / nullif(monetary_amount, 0)::double as discount_rate,
        returned_amount::double / nullif(monetary_amount, 0)::double as return_rate,
        ({AS_OF} - first_ordered_on)::integer as tenure_days,
        case when order_day_count > 1 then (last_ordered_on - first_ordered_on) / (order_day_count - 1) end
            as average_gap_days,
        median_gap_days, order_day_count > 1 as is_repeat_buyer, false as has_mixed_currencies,  -- the shop's is CNY
        first_ordered_on, last_ordered_on, {AS_OF} as as_of_on
    from scored
"""

BEHAVIOUR_TABLES = f"""
    create temp table recent as
    select
        customer_id, product_id, happening_id, kind, is_purchase, is_active, is_active and not is_purchase as is_event,
        gross_amount, occurred_at, occurred_on as day, occurred_on > {AS_OF} - 7 as in_7d,
        occurred_on > {AS_OF} - 30 as in_30d
    from done where is_active and occurred_on > {AS_OF} - 90;
    create temp table happenings as
    select customer_id, max(day) filter (is_event) as visited_on, max(day) filter (is_purchase) as bought_on
    from recent group by customer_id, happening_id;
    create temp table carts as
    select
        customer_id, product_id, max(occurred_at) filter (kind = 'add_to_cart') as carted_at,
        coalesce(
            max(occurred_at) filter (is_purchase) < min(occurred_at) filter (kind = 'add_to_cart'), true
        ) as is_left
    from recent where in_7d and product_id is not null and (kind = 'add_to_cart' or is_purchase)
    group by customer_id, product_id having carted_at is not null;
    create temp table price_levels as
    select *, percent_rank() over (order by price_index) as spending_power_rate
    from (
        select
            customer_id,
            sum((unit_price_sum::double / usual_price)::decimal(28, 8))::double / sum(line_count)::double
                as price_index
        from (
            select
                *, (sum(unit_price_sum) over (partition by category_level_1))::double
                    / (sum(line_count) over (partition by category_level_1))::double as usual_price
            from paid
        )
        where usual_price > 0 group by customer_id
    );
"""
WITHIN = {7: " and in_7d", 30: " and in_30d", 90: ""}
BY_DAY = {7: f" > {AS_OF} - 7", 30: f" > {AS_OF} - 30", 90: " is not null"}


def windows(alias: str, kind: str) -> str:
    """Deeds of a kind in the last 7, 30 and 90 days."""
    return ", ".join(f"count_if(kind = '{kind}'{within}) as {alias}_{days}d" for days, within in WITHIN.items())


def days(alias: str, day: str) -> str:
    """How many have their day among the last 7, 30 and 90."""
    return ", ".join(f"count_if({day}{after}) as {alias}_{d}d" for d, after in BY_DAY.items())


def counts(*names: str) -> str:
    """Counts by window; of who did nothing, 0."""
    return ", ".join(f"coalesce({name}_{d}d, 0)::bigint as {name}_{d}d" for name in names for d in WITHIN)


def none(*names: str) -> str:
    """Of what the shop does not bring there are none."""
    return ", ".join(f"0::bigint as {name}" for name in names)


BEHAVIOUR = f"""
    with counted as (
        select
            customer_id, {windows("view_count", "view")}, {windows("search_count", "search")},
            {windows("cart_count", "add_to_cart")},
            sum(gross_amount) filter (is_purchase and in_7d) as spend_7d_amount,
            sum(gross_amount) filter (is_purchase and in_30d) as spend_30d_amount,
            sum(gross_amount) filter (is_purchase) as spend_90d_amount
        from recent group by customer_id
    ), happened as (
        select customer_id, {days("session_count", "visited_on")}, {days("purchase_count", "bought_on")}
        from happenings group by customer_id
    ), active as (
        select customer_id, {days("active_day_count", "day")}
        from (select distinct customer_id, day from recent) group by customer_id
    ), carted as (
        select
            customer_id, count(*) as carted_product_count_7d, count_if(is_left) as abandoned_product_count_7d,
            sum(unit_price) filter (is_left) as abandoned_cart_7d_amount,
            list(product_id order by carted_at desc, product_id) filter (is_left) as left_behind
        from carts left join listed using (product_id) group by customer_id
    )
    select
        customer_id, is_registered, coalesce(abandoned_product_count_7d, 0) > 0 as has_abandoned_cart_7d,
        {counts("view_count", "search_count", "cart_count", "purchase_count", "session_count", "active_day_count")},
        coalesce(spend_7d_amount, 0)::decimal(18, 2) as spend_7d_amount,
        coalesce(spend_30d_amount, 0)::decimal(18, 2) as spend_30d_amount,
        coalesce(spend_90d_amount, 0)::decimal(18, 2) as spend_90d_amount,
        last_categories, top_categories, top_brands, top_category, top_brand,
        coalesce(carted_product_count_7d, 0)::bigint as carted_product_count_7d,
        coalesce(abandoned_product_count_7d, 0)::bigint as abandoned_product_count_7d,
        abandoned_product_count_7d / carted_product_count_7d as cart_abandonment_rate_7d,
        abandoned_cart_7d_amount::decimal(18, 2) as abandoned_cart_7d_amount,
        coalesce(left_behind[:5], []) as abandoned_product_ids, price_index, spending_power_rate,
        case
            when spending_power_rate < 1 / 3 then 'low' when spending_power_rate < 2 / 3 then 'medium'
            when spending_power_rate is not null then 'high'
        end as spending_power,
        preferred_hour, preferred_weekday, preferred_channel, preferred_device_type, impression_count, click_count,
        {none("impression_count_30d", "click_count_30d")}, null::double as click_rate,
        {none("send_count_90d", "send_open_count_90d", "send_click_count_90d")}, null::double as send_open_rate_90d,
        ticket_count, {none("ticket_count_90d")}, open_ticket_count, average_satisfaction, rating_count,
        average_rating, {none("location_count_90d")}, first_active_on, last_active_on, last_active_at,
        last_viewed_on, last_sent_on, ({AS_OF} - last_active_on)::integer as days_since_last_activity,
        {AS_OF} as as_of_on
    from history left join counted using (customer_id) left join happened using (customer_id)
        left join active using (customer_id) left join carted using (customer_id)
        left join price_levels using (customer_id)
"""
