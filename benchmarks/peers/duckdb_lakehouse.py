"""The first half of the main job as a DuckDB user would write it: DuckDB's SQL, delta-rs for the tables.

python duckdb_lakehouse.py {start,bronze,silver,expectations,gold,merge,tiny} SHOP TABLES

Reads the shop's order lines, events, customers and products (benchmarks/shop.py) and writes Delta tables below TABLES:
`bronze/*` and `bronze/rejects` (lines that cannot be read), `silver/order_lines`, `silver/events`, `silver/rejects`,
`gold/activity`, `gold/history`, `gold/rfm`, `gold/behaviour`. `expectations` counts the failing rows of what our suite
of silver.events asks. `merge` lands the files that came since (`*-more.*`) and merges them into silver by key. `tiny`
makes 25 tables of a hundred rows, each from the one before, and tests each.
Each step is a process of its own that reads what the step before wrote; rows and values are those of ours (same.py).
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import duckdb
from deltalake import DeltaTable, write_deltalake
from duckdb_gold import (
    ACTIVITY,
    BEHAVIOUR,
    BEHAVIOUR_TABLES,
    CATALOGUE,
    DONE,
    HISTORY,
    HISTORY_TABLES,
    LENDERS,
    RFM,
    RFM_TABLES,
    ZONE,
)

EVENT_FIELDS = (
    *("event_id", "event", "ts", "sid", "anon_id", "device", "channel"),
    *("referrer", "uid", "sku", "page", "kw", "order_no"),
)


BY_DAY = {"target_file_size": 2**24}
"""Of a table in order of days, readers skip files: ten of a year at 135,000 customers, as many as ours."""
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


def write(
    connection: duckdb.DuckDBPyConnection, query: str, path: Path, mode: str = "overwrite", **options: int
) -> None:
    """A query's rows as a Delta table, streamed; `options` are write_deltalake's."""
    write_deltalake(str(path), connection.sql(query).to_arrow_reader(100_000), mode=mode, **options)


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
    """Customers and products that the shop lists."""
    connection.execute(
        f"""
        create temp table customers as
        select distinct cust_no as customer_id from {scan(tables / "bronze/customers")} where cust_no is not null;
        create temp table products as
        select distinct sku as product_id from {scan(tables / "bronze/products")} where sku is not null;
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
    """Everything that was done (gold/activity, by day), and of each customer what it says (history, rfm, behaviour)."""
    connection = connect()
    read = {name: scan(tables / f"bronze/{name}") for name in ("customers", "products")}
    connection.execute(CATALOGUE.format(**read, registered_at=time_of("reg_time")))
    read = {"lines": scan(tables / "silver/order_lines"), "events": scan(tables / "silver/events")}
    connection.execute(LENDERS.format(**read))
    # Sorted on its way into the table and read again from there: a table of it in memory costs a seventh more in all.
    write(connection, ACTIVITY.format(**read), tables / "gold/activity", **BY_DAY)
    connection.execute(f"create view done as {DONE.format(activity=scan(tables / 'gold/activity'))}")
    connection.execute(HISTORY_TABLES)
    connection.execute(f"create temp table history as {HISTORY}")
    write(connection, "select * from history", tables / "gold/history")
    connection.execute(RFM_TABLES)
    write(connection, RFM, tables / "gold/rfm")
    connection.execute(BEHAVIOUR_TABLES)
    write(connection, BEHAVIOUR, tables / "gold/behaviour")


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
