"""The first half of the main job as a DuckDB user would write it: DuckDB's SQL, delta-rs for the tables.

python duckdb_lakehouse.py {start,bronze,silver,expectations,gold,merge,tiny} SHOP TABLES

Reads the shop's order lines, events, customers and products (benchmarks/shop.py) and writes Delta tables below TABLES:
`bronze/*` and `bronze/rejects` (lines that cannot be read), `silver/order_lines`, `silver/events`, `silver/rejects`,
`gold/rfm`, `gold/behaviour`. `expectations` counts the failing rows of what our suite of silver.events asks.
`merge` lands the files that came since (`*-more.*`) and merges them into silver by key. `tiny` makes 25 tables of a
hundred rows, each from the one before, and tests each.
Each step is a process of its own that reads what the step before wrote; rows and values are those of ours (same.py).
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import duckdb
from deltalake import DeltaTable, write_deltalake

AS_OF = "date '2025-12-31'"
ZONE = "Asia/Shanghai"
EVENT_FIELDS = (
    *("event_id", "event", "ts", "sid", "anon_id", "device", "channel"),
    *("referrer", "uid", "sku", "page", "kw", "order_no"),
)


MOST_MEMORY = "12GB"
"""Half of the machine that this is measured on; what does not fit goes to disk."""


def connect() -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory, bounded, that may use the disk beyond; times without a zone are the shop's."""
    connection = duckdb.connect()
    connection.execute(
        f"set TimeZone = '{ZONE}'; set memory_limit = '{MOST_MEMORY}'; "
        f"set temp_directory = '{Path(tempfile.gettempdir()) / 'duckdb_spill'}'"
    )
    return connection


def write(connection: duckdb.DuckDBPyConnection, query: str, path: Path, mode: str = "overwrite") -> None:
    """A query's rows as a Delta table, streamed."""
    write_deltalake(str(path), connection.sql(query).to_arrow_reader(100_000), mode=mode)


def scan(path: Path) -> str:
    """A Delta table's Parquet files, as a table function of DuckDB's (its own Delta extension has to be fetched)."""
    files = ", ".join(f"'{file}'" for file in DeltaTable(str(path)).file_uris())
    return f"read_parquet([{files}])"


def start(shop: Path, tables: Path) -> None:
    """Until the first answer."""
    assert connect().sql("select 1").fetchall() == [(1,)]


def bronze(shop: Path, tables: Path, which: str = "*", mode: str = "overwrite") -> None:
    """All text, as it came, with file and place; lines that cannot be read stand apart with their text."""
    connection = connect()
    csvs = {"order_lines": f"orders/orders-{which}.csv.gz"}
    if which == "*":
        csvs |= {"customers": "crm/customers.csv", "products": "catalog/products.csv"}
    rejects = []
    for entity, pattern in csvs.items():
        write(
            connection,
            f"""
            select *, row_number() over () as _row_number
            from read_csv(
                '{shop / pattern}', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"',
                filename = '_file', store_rejects = true, rejects_table = '{entity}_rejects',
                rejects_scan = '{entity}_scans'
            )
            """,
            tables / "bronze" / entity,
            mode,
        )
        rejects.append(
            f"select distinct '{entity}' as entity, file_path as file, line, csv_line as raw "
            f"from {entity}_rejects join {entity}_scans using (scan_id, file_id)"
        )
    lines = f"""
        select line, filename as _file, row_number() over () as _row_number
        from read_csv(
            '{shop}/app/events-{which}.jsonl.gz', columns = {{'line': 'varchar'}}, header = false, filename = true,
            delim = '\x01', quote = '', escape = '', auto_detect = false
        )
    """
    connection.execute(f"create temp table lines as {lines}")
    fields = ", ".join(f"line ->> '$.{field}' as \"{field}\"" for field in EVENT_FIELDS)
    write(
        connection,
        f"select {fields}, _file, _row_number from lines where json_valid(line)",
        tables / "bronze" / "events",
        mode,
    )
    rejects.append(
        "select 'events' as entity, _file as file, _row_number as line, line as raw from lines "
        "where not json_valid(line)"
    )
    write(connection, " union all ".join(rejects), tables / "bronze" / "rejects", mode)


def known_keys(connection: duckdb.DuckDBPyConnection, tables: Path) -> None:
    """Customers and products that the shop lists, and what a product costs: its own, its category's mean, the mean."""
    connection.execute(
        f"""
        create temp table customers as
        select distinct cust_no as customer_id from {scan(tables / "bronze/customers")} where cust_no is not null;
        create temp table products as
        with priced as (
            select sku as product_id, category as path, try_cast(cost_price as decimal(18, 4)) as cost
            from {scan(tables / "bronze/products")} where sku is not null
            qualify row_number() over (partition by sku order by _row_number desc) = 1
        ), stated as (select product_id, path, case when cost >= 0 then cost end as cost from priced)
        select
            product_id,
            coalesce(
                cost, avg(cost) over (partition by path), avg(cost) over ()
            )::decimal(18, 4) as unit_cost
        from stated;
        """
    )


def time_of(column: str) -> str:
    """Times as the shop writes them: ISO with or without a zone, `2025/3/4 9:05`, `04-Mar-2025 09:05:17`."""
    return f"""
        coalesce(
            try_cast({column} as timestamptz),
            try_cast(replace({column}, '/', '-') as timestamptz),
            try_strptime({column}, '%d-%b-%Y %H:%M:%S')::timestamptz
        )
    """


def clean_lines(bronze_lines: str) -> str:
    """Order lines, typed, with the reason for which a line is refused."""
    return f"""
        select
            order_no as order_id, try_cast(line_no as integer) as line_number, cust_no as customer_id,
            sku as product_id,
            store_code as store_id, campaign_code as campaign_id, sale_channel as channel,
            {time_of("order_time")} as ordered_at,
            try_cast(qty as integer) as quantity, try_cast(price as decimal(18, 4)) as unit_price,
            try_cast(discount_amt as decimal(18, 2)) as discount_amount, status = 'cancelled' as is_cancelled,
            map {{
                'payment_method': pay_method, 'original_order_id': orig_order_no, 'original_line_number': orig_line_no
            }} as attributes,
            case
                when order_id is null or line_no is null then 'missing_key'
                when line_number is null then 'unparsable_number'
                when ordered_at is null and order_time is not null then 'unparsable_time'
                when quantity is null and qty is not null then 'unparsable_number'
                when unit_price is null and price is not null then 'unparsable_number'
                when discount_amount is null and discount_amt is not null then 'unparsable_number'
                when unit_price < 0 then 'negative_price'
                when ordered_at > now() + interval 1 day then 'event_in_future'
            end as reason,
            _file, _row_number, columns_text
        from (
            select *, {text_of("order_no line_no cust_no sku order_time qty price discount_amt status")} as columns_text
            from {bronze_lines}
        )
    """


def clean_events(bronze_events: str) -> str:
    """Events, typed, with the reason for which one is refused."""
    return f"""
        select
            event_id, uid as customer_id, anon_id as anonymous_id, sid as session_id, sku as product_id,
            lower(case event when 'page_view' then 'view' when 'add_cart' then 'add_to_cart'
                when 'remove_cart' then 'remove_from_cart' when 'pay' then 'purchase' else event end) as event_type,
            kw as query, page as url, referrer, device as device_type, channel, {time_of("ts")} as event_at,
            map {{'order_id': order_no}} as attributes,
            case
                when event_id is null then 'missing_key'
                when event_at is null and ts is not null then 'unparsable_time'
                when event_at > now() + interval 1 day then 'event_in_future'
            end as reason,
            _file, _row_number, columns_text
        from (select *, {text_of("event_id event ts sid anon_id uid sku")} as columns_text from {bronze_events})
    """


def text_of(fields: str) -> str:
    """The refused row's fields, for whoever looks at the quarantine."""
    return f"concat_ws('|', {', '.join(fields.split())})"


def create_kept(connection: duckdb.DuckDBPyConnection, entity: str, cleaned: str, key: str) -> None:
    """Table `entity`: one row per key, the last that came, with the number of rows it stands for."""
    connection.execute(
        f"""
        create temp table {entity}_cleaned as {cleaned};
        create temp table {entity} as
        select * exclude (reason, columns_text), count(*) over (partition by {key}) as source_row_count
        from {entity}_cleaned where reason is null
        qualify row_number() over (partition by {key} order by _file desc, _row_number desc) = 1
        """
    )


LINES = """
    select
        order_id, line_number, customer_id, product_id, store_id, campaign_id, channel, ordered_at,
        (ordered_at at time zone 'UTC')::date as ordered_on, quantity, unit_price,
        (quantity * unit_price)::decimal(18, 2) as gross_amount, coalesce(discount_amount, 0) as discount_amount,
        (quantity * unit_price - coalesce(discount_amount, 0))::decimal(18, 2) as net_amount, 'CNY' as currency,
        coalesce(is_cancelled, false) as is_cancelled, coalesce(quantity < 0, false) as is_return,
        coalesce(quantity > 0 and unit_price > 0 and not coalesce(is_cancelled, false)
            and customers.customer_id is not null, false) as is_sale,
        customers.customer_id is not null as is_known_customer, products.product_id is not null as is_known_product,
        coalesce(quantity > 0 and quantity not between least_quantity and most_quantity, false) as is_quantity_outlier,
        coalesce(unit_price > 0 and unit_price not between least_price and most_price, false) as is_price_outlier,
        attributes, source_row_count::integer as source_row_count, _file, _row_number
    from order_lines
    left join customers using (customer_id)
    left join products using (product_id)
    left join price_bounds using (product_id)
    cross join quantity_bounds
"""
EVENTS = """
    select
        event_id, customer_id, anonymous_id, session_id, product_id, event_type, query, url, referrer, device_type,
        channel, event_at, (event_at at time zone 'UTC')::date as event_on,
        coalesce(event_at <= lag(event_at) over (
            partition by coalesce(customer_id, anonymous_id), session_id, event_type, product_id
            order by event_at, event_id, _file, _row_number
        ) + interval 2 seconds, false) as is_near_duplicate,
        customers.customer_id is not null as is_known_customer, products.product_id is not null as is_known_product,
        attributes, source_row_count::integer as source_row_count, _file, _row_number
    from events
    left join customers using (customer_id)
    left join products using (product_id)
"""
BOUNDS = """
    create temp table sales as
    select product_id, quantity, unit_price from order_lines
    where quantity > 0 and unit_price > 0 and not coalesce(is_cancelled, false);
    create temp table typical as
    select product_id, quantile_cont(unit_price::double, 0.5) as median_price from sales
    where product_id is not null group by product_id;
    create temp table quartiles as
    select quantile_cont(ln(quantity), [0.25, 0.75]) as quantity,
        quantile_cont(ln(unit_price / median_price), [0.25, 0.75]) as ratio
    from sales left join typical using (product_id);
    create temp table quantity_bounds as
    select round(exp(quantity[1]) * exp(-reach), 6) as least_quantity,
        round(exp(quantity[2]) * exp(reach), 6) as most_quantity
    from (select *, greatest(quantity[2] - quantity[1], ln(1.6)) * 3 as reach from quartiles);
    create temp table price_bounds as
    select product_id, round(median_price * exp(ratio[1]) * exp(-reach), 6) as least_price,
        round(median_price * exp(ratio[2]) * exp(reach), 6) as most_price
    from typical, (select *, greatest(ratio[2] - ratio[1], ln(1.25)) * 3 as reach from quartiles);
"""
REJECTS = " union all ".join(
    f"select '{entity}' as entity, _file as file, _row_number as line, reason, columns_text as raw "
    f"from {entity}_cleaned where reason is not null"
    for entity in ("order_lines", "events")
)


def silver(shop: Path, tables: Path) -> None:
    """Typed, one row per key, judged; what is refused stands in silver/rejects with its reason."""
    connection = connect()
    known_keys(connection, tables)
    create_kept(connection, "order_lines", clean_lines(scan(tables / "bronze/order_lines")), "order_id, line_number")
    create_kept(connection, "events", clean_events(scan(tables / "bronze/events")), "event_id")
    connection.execute(BOUNDS)
    write(connection, LINES, tables / "silver/order_lines")
    write(connection, EVENTS, tables / "silver/events")
    write(connection, REJECTS, tables / "silver/rejects")


def gold(shop: Path, tables: Path) -> None:
    """One row per customer: recency, frequency, monetary (gold/rfm) and counts by window (gold/behaviour)."""
    connection = connect()
    known_keys(connection, tables)
    lines, events = scan(tables / "silver/order_lines"), scan(tables / "silver/events")
    connection.execute(RFM_TABLES.format(lines=lines, day=AS_OF))
    write(connection, RFM.format(day=AS_OF), tables / "gold/rfm")
    connection.execute(BEHAVIOUR_TABLES.format(events=events, day=AS_OF))
    write(connection, BEHAVIOUR, tables / "gold/behaviour")


RFM_TABLES = """
    create temp table lines as
    select lines.*, case when is_sale then net_amount - quantity * unit_cost end::decimal(18, 2) as margin_amount
    from {lines} as lines left join products using (product_id)
    where is_known_customer and ordered_on <= {day};
    create temp table orders as
    select customer_id, order_id, max(ordered_on) filter (is_sale) as sold_on, bool_or(is_cancelled) as is_cancelled
    from lines group by all;
    create temp table gaps as
    select customer_id, count(*) as order_day_count, quantile_cont(gap, 0.5) as median_gap_days
    from (
        select customer_id, ordered_on - lag(ordered_on) over (partition by customer_id order by ordered_on) as gap
        from (select distinct customer_id, ordered_on from lines where is_sale)
    ) group by customer_id;
    create temp table measured as
    select
        customer_id,
        min(ordered_on) filter (is_sale) as first_ordered_on, max(ordered_on) filter (is_sale) as last_ordered_on,
        count_if(is_sale) as line_count, sum(quantity) filter (is_sale) as unit_count,
        sum(gross_amount) filter (is_sale) as monetary_amount, sum(net_amount) filter (is_sale) as net_monetary_amount,
        sum(discount_amount) filter (is_sale) as discount_amount,
        coalesce(sum(gross_amount) filter (is_sale and ordered_on > {day} - 90), 0) as monetary_90d_amount,
        coalesce(sum(gross_amount) filter (is_sale and ordered_on > {day} - 365), 0) as monetary_365d_amount,
        sum(margin_amount) as margin_amount,
        sum(net_amount) filter (is_sale and margin_amount is not null) as costed_amount,
        coalesce(-sum(gross_amount) filter (is_return and not is_cancelled), 0) as returned_amount,
        count(distinct product_id) filter (is_sale and is_known_product) as product_count
    from lines group by customer_id having count_if(is_sale) > 0;
"""
RFM = """
    with counted as (
        select
            measured.*, order_day_count, median_gap_days, frequency, frequency_90d, frequency_365d,
            cancelled_order_count,
            {day} - last_ordered_on as recency_days
        from measured
        join gaps using (customer_id)
        join (
            select customer_id, count(sold_on) as frequency, count_if(sold_on > {day} - 90) as frequency_90d,
                count_if(sold_on > {day} - 365) as frequency_365d, count_if(is_cancelled) as cancelled_order_count
            from orders group by customer_id
        ) using (customer_id)
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
        margin_amount::double / nullif(costed_amount, 0)::double as margin_rate,
        discount_amount::double / nullif(monetary_amount, 0)::double as discount_rate,
        returned_amount::double / nullif(monetary_amount, 0)::double as return_rate,
        ({day} - first_ordered_on)::integer as tenure_days,
        case when order_day_count > 1 then (last_ordered_on - first_ordered_on) / (order_day_count - 1) end
            as average_gap_days,
        median_gap_days, order_day_count > 1 as is_repeat_buyer, first_ordered_on, last_ordered_on
    from scored
"""
BEHAVIOUR_TABLES = """
    create temp table visits as
    select coalesce(session_id, event_id) as visit_id, min(customer_id) as lent from {events}
    where is_known_customer and event_on <= {day} and not is_near_duplicate
    group by all having min(customer_id) = max(customer_id);
    create temp table activity as
    select
        coalesce(case when is_known_customer then customer_id end, case when customer_id is null then lent end)
            as customer_id,
        coalesce(session_id, event_id) as happening_id, event_type as kind, event_on as day, false as is_sale,
        null::decimal(18, 2) as gross_amount
    from {events} as events left join visits on coalesce(session_id, event_id) = visit_id
    where event_on > {day} - 90 and event_on <= {day} and not is_near_duplicate
    union all
    select customer_id, order_id, 'order_line', ordered_on, is_sale, gross_amount from lines
    where ordered_on > {day} - 90;
    create temp table classed as
    select *, day > {day} - 7 as in_7d, day > {day} - 30 as in_30d, kind in
        ('view', 'search', 'add_to_cart', 'remove_from_cart', 'checkout', 'purchase') as is_event
    from activity where customer_id is not null;
    create temp table happenings as
    select customer_id, max(day) filter (is_event) as visited_on, max(day) filter (is_sale) as bought_on
    from classed where is_event or is_sale group by customer_id, happening_id;
"""


def windows(alias: str, counted: str) -> str:
    """A count in the last 7, 30 and 90 days."""
    return ", ".join(
        f"count_if({counted.format(within)})::bigint as {alias}_{days}d" for days, within in WITHIN.items()
    )


WITHIN = {7: " and in_7d", 30: " and in_30d", 90: ""}
BY_DAY = {7: f" > {AS_OF} - 7", 30: f" > {AS_OF} - 30", 90: " is not null"}
BEHAVIOUR = f"""
    with counted as (
        select customer_id, {windows("view_count", "kind = 'view'{}")}, {windows("search_count", "kind = 'search'{}")},
            {windows("cart_count", "kind = 'add_to_cart'{}")},
            sum(gross_amount) filter (is_sale and in_7d) as spend_7d_amount,
            sum(gross_amount) filter (is_sale and in_30d) as spend_30d_amount,
            sum(gross_amount) filter (is_sale) as spend_90d_amount
        from classed group by customer_id
    ), visited as (
        select customer_id,
            {", ".join(f"count_if(visited_on{after})::bigint as session_count_{d}d" for d, after in BY_DAY.items())},
            {", ".join(f"count_if(bought_on{after})::bigint as purchase_count_{d}d" for d, after in BY_DAY.items())}
        from happenings group by customer_id
    ), active as (
        select customer_id,
            {", ".join(f"count_if(day{after})::bigint as active_day_count_{d}d" for d, after in BY_DAY.items())}
        from (select distinct customer_id, day from classed where is_event or is_sale) group by customer_id
    )
    select
        customer_id, coalesce(columns(lambda c: c like '%_count_%'), 0),
        coalesce(columns(lambda c: c like '%_amount'), 0)::decimal(18, 2)
    from customers left join counted using (customer_id) left join visited using (customer_id)
        left join active using (customer_id)
"""


def merge(shop: Path, tables: Path) -> None:
    """Land the files that came since, clean their rows, and merge them into silver by key."""
    before = {
        entity: set(DeltaTable(str(tables / "bronze" / entity)).file_uris()) for entity in ("order_lines", "events")
    }
    bronze(shop, tables, which="*-more", mode="append")
    connection = connect()
    known_keys(connection, tables)
    for entity, cleaner, key in (
        ("order_lines", clean_lines, "order_id, line_number"),
        ("events", clean_events, "event_id"),
    ):
        came = set(DeltaTable(str(tables / "bronze" / entity)).file_uris()) - before[entity]
        create_kept(connection, entity, cleaner(f"read_parquet({sorted(came)})"), key)
    connection.execute(BOUNDS.replace("from order_lines", f"from {scan(tables / 'silver/order_lines')}"))
    for entity, query, keys in (
        ("order_lines", LINES, ("order_id", "line_number")),
        ("events", EVENTS, ("event_id",)),
    ):
        (
            DeltaTable(str(tables / "silver" / entity))
            .merge(
                connection.sql(query).to_arrow_reader(100_000),
                " and ".join(f"old.{key} = new.{key}" for key in keys),
                source_alias="new",
                target_alias="old",
            )
            .when_matched_update_all()
            .when_not_matched_insert_all()
            .execute()
        )
    write(connection, REJECTS, tables / "silver/rejects", "append")


RULES = {
    **{
        f"expect_column_values_to_not_be_null {column}": f"{column} is null"
        for column in (
            *("event_id", "_file", "_row_number"),
            *("event_type", "event_at", "event_on", "is_near_duplicate", "is_known_customer", "is_known_product"),
        )
    },
    "expect_column_values_to_be_between source_row_count": "source_row_count < 1",
    "expect_column_values_to_be_in_set event_type": "event_type not in "
    "('view', 'search', 'add_to_cart', 'remove_from_cart', 'checkout', 'purchase')",
    "event_at_is_not_in_the_future": "event_at > now() + interval 1 day",
    "event_at_is_of_our_age": "event_at < timestamptz '1990-01-01'",
    "someone_did_it": "customer_id is null and anonymous_id is null and session_id is null",
    "near_duplicates_are_few": "is_near_duplicate",
    "customer_is_known": "not is_known_customer and customer_id is not null",
    "product_is_known": "not is_known_product and product_id is not null",
}
KEYS = {"expect_key_to_be_unique source, _batch_id, _row_number": "_file, _row_number"}


def expectations(shop: Path, tables: Path) -> None:
    """The failing rows of each rule, counted in one pass, into `expectations.json` beside the tables."""
    connection, events = connect(), scan(tables / "silver/events")
    counts = ", ".join(f'count_if({condition})::bigint as "{rule}"' for rule, condition in RULES.items())
    told = connection.sql(f"select {counts} from {events}").to_arrow_table().to_pylist()[0]
    for rule, key in KEYS.items():
        [(told[rule],)] = connection.sql(
            f"select coalesce(sum(n), 0)::bigint from (select count(*) as n from {events} group by {key} having n > 1)"
        ).fetchall()
    (tables.parent / "expectations.json").write_text(json.dumps(told))


TINY_TABLES = 25


def tiny(shop: Path, tables: Path) -> None:
    """25 tables of a hundred rows; keys neither null nor twice."""
    connection = connect()
    for number in range(1, TINY_TABLES + 1):
        before = (
            scan(tables / f"tiny/tiny_{number - 1}")
            if number > 1
            else "(select range as key, key as amount from range(100))"
        )
        path = tables / f"tiny/tiny_{number}"
        write(connection, f"select key, amount + key as amount from {before}", path)
        assert connection.sql(f"select count_if(key is null) from {scan(path)}").fetchall() == [(0,)]
        assert not connection.sql(f"select key from {scan(path)} group by key having count(*) > 1").fetchall()


if __name__ == "__main__":
    STEPS = {
        **{"start": start, "bronze": bronze, "silver": silver, "expectations": expectations},
        **{"gold": gold, "merge": merge, "tiny": tiny},
    }
    STEPS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
