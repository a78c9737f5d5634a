"""The first half of the main job as a Polars user would write it: lazy frames, streamed; delta-rs for the tables.

python polars_lakehouse.py {start,bronze,silver,gold,merge} SHOP TABLES

Reads the shop's order lines, events, customers and products (benchmarks/shop.py) and writes Delta tables below TABLES:
`bronze/*` and `bronze/rejects` (lines that cannot be read), `silver/order_lines`, `silver/events`, `silver/rejects`,
`gold/rfm`, `gold/behaviour`. `merge` lands the files that came since (`*-more.*`) and merges them into silver by key.
Each step is a process of its own that reads what the step before wrote; rows and values are those of ours (same.py).

Two things that Polars' readers do not do by themselves:

- `scan_csv` fills a line that was cut short with nulls as if they had been sent, and does not tell; bytes that are not
  UTF-8 stop it, or become U+FFFD. So CSV is read as lines first: those with the fields of the header outside their
  quotes go on to `scan_csv`, the others are rejects. A field may not go on in the next line (none does here; both parts
  would be rejects).
- `scan_ndjson` stops at the first line that is not JSON, with `ignore_errors` too, and so does `json_decode`. A line
  that was cut does not end with its brace: those are rejects, the others are decoded.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path

import polars as pl
from deltalake import DeltaTable

AS_OF = date(2025, 12, 31)
ZONE = "Asia/Shanghai"
AMOUNT = pl.Decimal(18, 2)
PRICE = pl.Decimal(18, 4)
EVENT_FIELDS = (
    *("event_id", "event", "ts", "sid", "anon_id", "device", "channel"),
    *("referrer", "uid", "sku", "page", "kw", "order_no"),
)
PLACE = ("_file", "_row_number")
LINE_KEYS, EVENT_KEYS = ("order_id", "line_number"), ("event_id",)
WITHIN_DAYS = (7, 30, 90)
KINDS = {"view": "view_count", "search": "search_count", "add_to_cart": "cart_count"}
EVENT_TYPES = ("view", "search", "add_to_cart", "remove_from_cart", "checkout", "purchase")


def write(rows: pl.LazyFrame, path: Path, mode: str = "overwrite") -> None:
    """Rows as a Delta table, streamed."""
    rows.sink_delta(path, mode=mode)


def start(shop: Path, tables: Path) -> None:
    """Until the first answer."""
    assert pl.LazyFrame({"one": [1]}).select(pl.col("one").sum()).collect().item() == 1


def bronze(shop: Path, tables: Path, which: str = "*", mode: str = "overwrite") -> None:
    """All text, as it came, with file and line; lines that cannot be read stand apart with their text."""
    csvs = {"order_lines": f"orders/orders-{which}.csv.gz"}
    if which == "*":
        csvs |= {"customers": "crm/customers.csv", "products": "catalog/products.csv"}
    rejects = []
    for entity, pattern in csvs.items():
        read = [read_csv(file) for file in sorted(shop.glob(pattern))]
        write(pl.concat([rows for rows, _ in read]), tables / "bronze" / entity, mode)
        rejects += [refused.select(pl.lit(entity).alias("entity"), *REJECTED) for _, refused in read]
    lines = pl.concat([json_lines(file) for file in sorted(shop.glob(f"app/events-{which}.jsonl.gz"))])
    whole = pl.col("line").str.ends_with("}")
    event = pl.col("line").str.json_decode(pl.Struct(dict.fromkeys(EVENT_FIELDS, pl.String)))
    write(lines.filter(whole).with_columns(event).unnest("line"), tables / "bronze/events", mode)
    rejects.append(lines.filter(~whole).select(pl.lit("events").alias("entity"), *REJECTED))
    write(pl.concat(rejects), tables / "bronze/rejects", mode)


REJECTED = (pl.col("_file").alias("file"), pl.col("_row_number").alias("line"), pl.col("line").alias("raw"))


PLACED = {"row_index_name": "_row_number", "row_index_offset": 1}


def placed(lines: pl.LazyFrame, file: Path) -> pl.LazyFrame:
    """Lines with where they stand."""
    return lines.with_columns(pl.col("_row_number").cast(pl.Int64), _file=pl.lit(str(file)))


def json_lines(file: Path) -> pl.LazyFrame:
    """One row per line of a file of JSON."""
    return placed(pl.scan_lines(file, **PLACED), file)


def csv_lines(file: Path) -> pl.LazyFrame:
    """One row per line of a CSV file; U+FFFD for what is not UTF-8, where `scan_lines` would stop."""
    text = {"separator": "\x01", "quote_char": None, "has_header": False, "schema": {"line": pl.String}}
    return placed(pl.scan_csv(file, encoding="utf8-lossy", **text, **PLACED), file)


def read_csv(file: Path) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The rows of a CSV file, all text, and the lines that are not whole."""
    header = pl.scan_csv(file, infer_schema=False, n_rows=0, encoding="utf8-lossy").collect_schema().names()
    line = pl.col("line")
    whole = (
        (line.str.replace_all('"[^"]*"', "").str.count_matches(",", literal=True) == len(header) - 1)
        & (line.str.count_matches('"', literal=True) % 2 == 0)
        & ~line.str.contains("\ufffd", literal=True)
    )
    lines = csv_lines(file).filter(pl.col("_row_number") > 1).collect().lazy()
    text = BytesIO()
    lines.filter(whole).select(pl.concat_str("_row_number", "line", separator=",")).sink_csv(
        text, include_header=False, quote_style="never"
    )
    schema = {"_row_number": pl.Int64, **dict.fromkeys(header, pl.String)}
    rows = pl.scan_csv(text.getvalue(), has_header=False, schema=schema).with_columns(_file=pl.lit(str(file)))
    return rows, lines.filter(~whole)


def money(amount: pl.Expr, kind: pl.Decimal = AMOUNT) -> pl.Expr:
    """A decimal rounded half away from zero, as SQL does."""
    return amount.round(kind.scale, mode="half_away_from_zero").cast(kind)


def known_customers(tables: Path) -> pl.LazyFrame:
    """One row per customer that the shop lists."""
    return pl.scan_delta(tables / "bronze/customers").select(customer_id="cust_no").drop_nulls().unique()


def known_products(tables: Path) -> pl.LazyFrame:
    """One row per product that the shop lists; its cost, else its category's mean, else the mean."""
    cost = pl.col("cost_price").cast(PRICE, strict=False)
    stated = (
        pl.scan_delta(tables / "bronze/products")
        .drop_nulls("sku")
        .sort("_row_number")
        .unique("sku", keep="last")
        .select(product_id="sku", path="category", cost=pl.when(cost >= 0).then(cost))
    )
    mean = pl.col("cost").sum().cast(pl.Float64) / pl.col("cost").count()
    mean_of_path = pl.col("cost").sum().over("path").cast(pl.Float64) / pl.col("cost").count().over("path")
    estimate = pl.when(mean_of_path.is_finite()).then(mean_of_path).otherwise(mean)
    return stated.select("product_id", unit_cost=pl.coalesce("cost", money(estimate, PRICE)))


def with_time(rows: pl.LazyFrame, text: str, name: str) -> pl.LazyFrame:
    """A column of times in UTC, of text as the shop writes it: `2025-03-04 09:05:17`, ISO with a zone, others.

    In steps, so that what the usual form has read is not parsed again: of nulls the other forms cost nothing.
    """

    def parsed(column: str, form: str) -> pl.Expr:
        return pl.col(column).str.to_datetime(form, time_unit="us", strict=False)

    local = pl.coalesce("_usual", *(parsed("_other", form) for form in ("%Y/%m/%d %H:%M", "%d-%b-%Y %H:%M:%S")))
    in_utc = local.dt.replace_time_zone(ZONE, non_existent="null", ambiguous="earliest").dt.convert_time_zone("UTC")
    return (
        rows.with_columns(_usual=parsed(text, "%Y-%m-%d %H:%M:%S"))
        .with_columns(_other=pl.when(pl.col("_usual").is_null()).then(text))
        .with_columns(pl.coalesce(in_utc, parsed("_other", "%+")).alias(name))
        .drop("_usual", "_other")
    )


def unparsable(value: str, text: str) -> pl.Expr:
    return pl.col(value).is_null() & pl.col(text).is_not_null()


def text_of(fields: str) -> pl.Expr:
    """The refused row's fields, for whoever looks at the quarantine."""
    return pl.concat_str(fields.split(), separator="|", ignore_nulls=True).alias("raw")


def text_map(**fields: str) -> pl.Expr:
    """A map of text to text, of columns (by way of an array: a list of structs is put together row by row)."""
    entry = pl.Struct({"key": pl.String, "value": pl.String})
    entries = pl.concat_arr([pl.struct(key=pl.lit(key), value=field) for key, field in fields.items()])
    return entries.cast(pl.List(entry)).cast(pl.Map(pl.String, pl.String))


def clean_lines(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Order lines, typed, with the reason for which a line is refused."""
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    return rows.pipe(with_time, "order_time", "ordered_at").with_columns(
        order_id="order_no",
        line_number=pl.col("line_no").cast(pl.Int32, strict=False),
        quantity=pl.col("qty").cast(pl.Int32, strict=False),
        unit_price=pl.col("price").cast(PRICE, strict=False),
        discount_amount=pl.col("discount_amt").cast(AMOUNT, strict=False),
    ).select(
        *("order_id", "line_number", pl.col("cust_no").alias("customer_id"), pl.col("sku").alias("product_id")),
        *(pl.col("store_code").alias("store_id"), pl.col("campaign_code").alias("campaign_id")),
        *(pl.col("sale_channel").alias("channel"), "ordered_at", "quantity", "unit_price"),
        pl.col("discount_amount").fill_null(0),
        (pl.col("status") == "cancelled").fill_null(False).alias("is_cancelled"),
        text_map(
            payment_method="pay_method", original_order_id="orig_order_no", original_line_number="orig_line_no"
        ).alias("attributes"),
        pl.when(pl.col("order_id").is_null() | pl.col("line_no").is_null())
        .then(pl.lit("missing_key"))
        .when(pl.col("line_number").is_null())
        .then(pl.lit("unparsable_number"))
        .when(unparsable("ordered_at", "order_time"))
        .then(pl.lit("unparsable_time"))
        .when(
            unparsable("quantity", "qty") | unparsable("unit_price", "price")
            | unparsable("discount_amount", "discount_amt")
        )
        .then(pl.lit("unparsable_number"))
        .when(pl.col("unit_price") < 0)
        .then(pl.lit("negative_price"))
        .when(pl.col("ordered_at") > tomorrow)
        .then(pl.lit("event_in_future"))
        .alias("reason"),
        text_of("order_no line_no cust_no sku order_time qty price discount_amt status"),
        *PLACE,
    )  # fmt: skip


def clean_events(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Events, typed, with the reason for which one is refused."""
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    names = {"page_view": "view", "add_cart": "add_to_cart", "remove_cart": "remove_from_cart", "pay": "purchase"}
    return rows.pipe(with_time, "ts", "event_at").select(
        *("event_id", pl.col("uid").alias("customer_id"), pl.col("anon_id").alias("anonymous_id")),
        *(pl.col("sid").alias("session_id"), pl.col("sku").alias("product_id")),
        pl.col("event").replace(names).str.to_lowercase().alias("event_type"),
        *(pl.col("kw").alias("query"), pl.col("page").alias("url"), "referrer", pl.col("device").alias("device_type")),
        *("channel", "event_at", text_map(order_id="order_no").alias("attributes")),
        pl.when(pl.col("event_id").is_null())
        .then(pl.lit("missing_key"))
        .when(unparsable("event_at", "ts"))
        .then(pl.lit("unparsable_time"))
        .when(pl.col("event_at") > tomorrow)
        .then(pl.lit("event_in_future"))
        .alias("reason"),
        text_of("event_id event ts sid anon_id uid sku"),
        *PLACE,
    )


def usual_and_odd(cleaned: pl.LazyFrame, *alike: Sequence[str | pl.Expr]) -> tuple[pl.LazyFrame, pl.DataFrame]:
    """Rows that can be judged each alone, and the few others: refused, or like another row by one of `alike`.

    Hashes find them, so a row may be among the odd by chance; there the columns themselves are looked at.
    """
    hashes = [pl.struct(*names).hash() for names in alike]
    counted = [cleaned.group_by(hash=key).len().filter(pl.col("len") > 1) for key in hashes]
    is_odd = pl.any_horizontal(
        pl.col("reason").is_not_null(),
        *(key.is_in(found["hash"].implode()) for key, found in zip(hashes, pl.collect_all(counted), strict=True)),
    )
    return cleaned.filter(~is_odd).drop("reason", "raw"), cleaned.filter(is_odd).collect()


def last_of_each(rows: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """One row per key of those not refused, the last that came, with the number of rows it stands for."""
    return (
        rows.filter(pl.col("reason").is_null())
        .drop("reason", "raw")
        .with_columns(source_row_count=pl.len().over(keys).cast(pl.Int32))
        .sort(PLACE)
        .unique(keys, keep="last", maintain_order=True)
    )


def lines_and_refused(cleaned: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.DataFrame]:
    """One row per key, and what is refused."""
    usual, odd = usual_and_odd(cleaned, LINE_KEYS)
    lines = pl.concat([usual.with_columns(source_row_count=ONE), last_of_each(odd, LINE_KEYS).lazy()])
    return lines, refused(odd, "order_lines")


def events_and_refused(cleaned: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.DataFrame]:
    """One row per key, marked where the same visitor had sent the same up to two seconds before; what is refused."""
    alike = (pl.coalesce("customer_id", "anonymous_id").alias("visitor"), "session_id", "event_type", "product_id")
    usual, odd = usual_and_odd(cleaned, EVENT_KEYS, alike)
    ordered = last_of_each(odd, EVENT_KEYS).sort(*alike, "event_at", "event_id", nulls_last=True)
    same = pl.struct(*alike)
    soon = pl.col("event_at") <= pl.col("event_at").shift() + timedelta(seconds=2)
    marked = ordered.with_columns(is_near_duplicate=(same.eq_missing(same.shift()) & soon).fill_null(False))
    usual = usual.with_columns(source_row_count=ONE, is_near_duplicate=False)
    return pl.concat([usual, marked.lazy()]), refused(odd, "events")


ONE = pl.lit(1, pl.Int32)


def refused(rows: pl.DataFrame, entity: str) -> pl.DataFrame:
    return rows.filter(pl.col("reason").is_not_null()).select(
        *(pl.lit(entity).alias("entity"), pl.col("_file").alias("file"), pl.col("_row_number").alias("line")),
        *("reason", "raw"),
    )


def quantity_and_price_bounds(lines: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """What a sale's quantity may be (one row), and its price by product, before it is an outlier."""
    sales = (
        lines.filter(pl.col("quantity") > 0, pl.col("unit_price") > 0, ~pl.col("is_cancelled"))
        .select("product_id", "quantity", price=pl.col("unit_price").cast(pl.Float64))
        .collect()
        .lazy()
    )
    typical = sales.drop_nulls("product_id").group_by("product_id").agg(median=pl.col("price").median())
    spread = (
        sales.join(typical, on="product_id", how="left")
        .select(quantity=pl.col("quantity").log(), price=(pl.col("price") / pl.col("median")).log())
        .select(
            pl.all().quantile(0.25, "linear").name.prefix("low_"),
            pl.all().quantile(0.75, "linear").name.prefix("high_"),
        )
    )

    def bounds(of: str, least: float) -> tuple[pl.Expr, pl.Expr]:
        low, high = pl.col(f"low_{of}"), pl.col(f"high_{of}")
        reach = pl.max_horizontal(high - low, pl.lit(math.log(least))) * 3
        return low.exp() * (-reach).exp(), high.exp() * reach.exp()

    least, most = bounds("quantity", 1.6)
    of_quantity = spread.select(least_quantity=least.round(6), most_quantity=most.round(6))
    least, most = bounds("price", 1.25)
    of_price = typical.join(spread, how="cross").select(
        "product_id", least_price=(pl.col("median") * least).round(6), most_price=(pl.col("median") * most).round(6)
    )
    return of_quantity, of_price


def judged_lines(
    lines: pl.LazyFrame, bounds: tuple[pl.LazyFrame, pl.LazyFrame], customers: pl.LazyFrame, products: pl.LazyFrame
) -> pl.LazyFrame:
    """Order lines with their amounts and what they are."""
    of_quantity, of_price = bounds
    price, quantity = pl.col("unit_price"), pl.col("quantity")
    value = quantity.cast(pl.Decimal(10, 0)) * price
    return (
        lines.join(of_price, on="product_id", how="left")
        .join(of_quantity, how="cross")
        .with_columns(
            is_known_customer=is_known("customer_id", customers), is_known_product=is_known("product_id", products)
        )
        .select(
            *("order_id", "line_number", "customer_id", "product_id", "store_id", "campaign_id", "channel"),
            *("ordered_at", pl.col("ordered_at").dt.date().alias("ordered_on"), "quantity", "unit_price"),
            *(money(value).alias("gross_amount"), "discount_amount"),
            money(value - pl.col("discount_amount")).alias("net_amount"),
            *(pl.lit("CNY").alias("currency"), "is_cancelled", (quantity < 0).fill_null(False).alias("is_return")),
            ((quantity > 0) & (price > 0) & ~pl.col("is_cancelled") & pl.col("is_known_customer"))
            .fill_null(False)
            .alias("is_sale"),
            *("is_known_customer", "is_known_product"),
            is_outlier(quantity, "quantity").alias("is_quantity_outlier"),
            is_outlier(price.cast(pl.Float64), "price").alias("is_price_outlier"),
            *("attributes", "source_row_count", *PLACE),
        )
    )


def is_outlier(value: pl.Expr, name: str) -> pl.Expr:
    return ((value > 0) & ~value.is_between(pl.col(f"least_{name}"), pl.col(f"most_{name}"))).fill_null(False)


def is_known(ids: str, listed: pl.LazyFrame) -> pl.Expr:
    """Whether the shop lists the customer or the product."""
    known = listed.select(ids).collect().to_series()
    return pl.col(ids).is_in(known.implode()).fill_null(False)


def judged_events(events: pl.LazyFrame, customers: pl.LazyFrame, products: pl.LazyFrame) -> pl.LazyFrame:
    """Events with what they are."""
    return events.select(
        *("event_id", "customer_id", "anonymous_id", "session_id", "product_id", "event_type", "query", "url"),
        *("referrer", "device_type", "channel", "event_at", pl.col("event_at").dt.date().alias("event_on")),
        *("is_near_duplicate", is_known("customer_id", customers).alias("is_known_customer")),
        is_known("product_id", products).alias("is_known_product"),
        *("attributes", "source_row_count", *PLACE),
    )


def silver(shop: Path, tables: Path) -> None:
    """Typed, one row per key, judged; what is refused stands in silver/rejects with its reason."""
    customers, products = known_customers(tables), known_products(tables)
    lines, refused_lines = lines_and_refused(clean_lines(pl.scan_delta(tables / "bronze/order_lines")))
    bounds = quantity_and_price_bounds(lines)
    write(judged_lines(lines, bounds, customers, products), tables / "silver/order_lines")
    events, refused_events = events_and_refused(clean_events(pl.scan_delta(tables / "bronze/events")))
    write(judged_events(events, customers, products), tables / "silver/events")
    write(pl.concat([refused_lines, refused_events]).lazy(), tables / "silver/rejects")


def merge(shop: Path, tables: Path) -> None:
    """Land the files that came since, clean their rows, and merge them into silver by key."""
    before = {entity: files_of(tables / "bronze" / entity) for entity in ("order_lines", "events")}
    bronze(shop, tables, which="*-more", mode="append")
    came = {entity: pl.scan_parquet(sorted(files_of(tables / "bronze" / entity) - before[entity])) for entity in before}
    customers, products = known_customers(tables), known_products(tables)
    lines, refused_lines = lines_and_refused(clean_lines(came["order_lines"]))
    bounds = quantity_and_price_bounds(pl.scan_delta(tables / "silver/order_lines"))
    merge_into(tables / "silver/order_lines", judged_lines(lines, bounds, customers, products), LINE_KEYS)
    events, refused_events = events_and_refused(clean_events(came["events"]))
    merge_into(tables / "silver/events", judged_events(events, customers, products), EVENT_KEYS)
    write(pl.concat([refused_lines, refused_events]).lazy(), tables / "silver/rejects", "append")


def files_of(table: Path) -> set[str]:
    return set(DeltaTable(table).file_uris())


def merge_into(table: Path, rows: pl.LazyFrame, keys: Sequence[str]) -> None:
    """Rows of known keys take their place, others are added."""
    same = " and ".join(f"old.{key} = new.{key}" for key in keys)
    options = {"predicate": same, "source_alias": "new", "target_alias": "old"}
    merger = rows.sink_delta(table, mode="merge", delta_merge_options=options)
    merger.when_matched_update_all().when_not_matched_insert_all().execute()


def gold(shop: Path, tables: Path) -> None:
    """One row per customer: recency, frequency, monetary (gold/rfm) and counts by window (gold/behaviour)."""
    lines = (
        pl.scan_delta(tables / "silver/order_lines")
        .filter("is_known_customer", pl.col("ordered_on") <= AS_OF)
        .select(
            *("customer_id", "order_id", "product_id", "ordered_on", "quantity", "gross_amount", "net_amount"),
            *("discount_amount", "is_sale", "is_cancelled", "is_return", "is_known_product"),
        )
    )
    write(rfm(lines, known_products(tables)), tables / "gold/rfm")
    events = pl.scan_delta(tables / "silver/events").filter(pl.col("event_on") <= AS_OF, ~pl.col("is_near_duplicate"))
    write(behaviour(lines, events, known_customers(tables)), tables / "gold/behaviour")


def rfm(lines: pl.LazyFrame, products: pl.LazyFrame) -> pl.LazyFrame:
    """One row per customer that bought: money and counts of its order lines, and its scores among all."""
    lines = lines.join(products, on="product_id", how="left").collect().lazy()
    sales = lines.filter("is_sale").with_columns(
        margin_amount=money(pl.col("net_amount") - pl.col("quantity").cast(pl.Decimal(10, 0)) * pl.col("unit_cost"))
    )
    since = {days: pl.col("ordered_on") > AS_OF - timedelta(days) for days in (90, 365)}
    gross = pl.col("gross_amount")
    sold = sales.group_by("customer_id").agg(
        first_ordered_on=pl.col("ordered_on").min(),
        last_ordered_on=pl.col("ordered_on").max(),
        line_count=pl.len(),
        unit_count=pl.col("quantity").cast(pl.Int64).sum(),
        monetary_amount=gross.sum(),
        net_monetary_amount=pl.col("net_amount").sum(),
        discount_amount=pl.col("discount_amount").sum(),
        **{f"monetary_{days}d_amount": pl.when(within).then(gross).sum() for days, within in since.items()},
        costed_line_count=pl.col("margin_amount").count(),
        margin_amount=pl.col("margin_amount").sum(),
        costed_amount=pl.when(pl.col("margin_amount").is_not_null()).then("net_amount").sum(),
        product_count=pl.when("is_known_product").then("product_id").drop_nulls().n_unique(),
    )
    returned = (
        lines.filter("is_return", ~pl.col("is_cancelled")).group_by("customer_id").agg(returned_amount=-gross.sum())
    )
    return (
        sold.join(of_orders(lines), on="customer_id")
        .join(of_days(sales), on="customer_id")
        .join(returned, on="customer_id", how="left")
        .with_columns(
            recency_days=(AS_OF - pl.col("last_ordered_on")).dt.total_days(),
            margin_amount=pl.when(pl.col("costed_line_count") > 0).then("margin_amount"),
            returned_amount=pl.col("returned_amount").fill_null(0),
        )
        .with_columns(
            r_score=fifth(pl.col("recency_days"), descending=True),
            f_score=fifth(pl.col("frequency")),
            m_score=fifth(pl.col("monetary_amount")),
        )
        .select(
            *("customer_id", pl.col("recency_days").cast(pl.Int32), pl.col("frequency").cast(pl.Int64)),
            *(pl.col("monetary_amount").cast(AMOUNT), pl.lit("CNY").alias("currency"), "r_score", "f_score", "m_score"),
            pl.concat_str("r_score", "f_score", "m_score").alias("rfm_score"),
            pl.sum_horizontal("r_score", "f_score", "m_score").cast(pl.Int32).alias("rfm_total_score"),
            pl.col(
                *("frequency_90d", "frequency_365d", "order_day_count", "line_count", "unit_count", "product_count"),
                "cancelled_order_count",
            ).cast(pl.Int64),
            money(money(real("monetary_amount") / pl.col("frequency"), pl.Decimal(28, 8))).alias(
                "average_order_amount"
            ),
            pl.col(
                *("net_monetary_amount", "discount_amount", "monetary_90d_amount", "monetary_365d_amount"),
                *("margin_amount", "returned_amount"),
            ).cast(AMOUNT),
            rate("margin_amount", "costed_amount").alias("margin_rate"),
            rate("discount_amount", "monetary_amount").alias("discount_rate"),
            rate("returned_amount", "monetary_amount").alias("return_rate"),
            (AS_OF - pl.col("first_ordered_on")).dt.total_days().cast(pl.Int32).alias("tenure_days"),
            *("average_gap_days", "median_gap_days", (pl.col("order_day_count") > 1).alias("is_repeat_buyer")),
            *("first_ordered_on", "last_ordered_on"),
        )
    )


def of_orders(lines: pl.LazyFrame) -> pl.LazyFrame:
    """One row per customer: its orders in which something was sold, and those that were cancelled."""
    orders = lines.group_by("customer_id", "order_id").agg(
        sold_on=pl.when("is_sale").then("ordered_on").max(), is_cancelled=pl.col("is_cancelled").any()
    )
    return orders.group_by("customer_id").agg(
        frequency=pl.col("sold_on").count(),
        frequency_90d=(pl.col("sold_on") > AS_OF - timedelta(90)).sum(),
        frequency_365d=(pl.col("sold_on") > AS_OF - timedelta(365)).sum(),
        cancelled_order_count=pl.col("is_cancelled").sum(),
    )


def of_days(sales: pl.LazyFrame) -> pl.LazyFrame:
    """One row per customer: the days on which it bought, and how far apart they lie."""
    bought = (
        sales.select("customer_id", "ordered_on")
        .unique()
        .sort("customer_id", "ordered_on")
        .with_columns(
            gap=pl.when(pl.col("customer_id") == pl.col("customer_id").shift()).then(
                pl.col("ordered_on").diff().dt.total_days()
            )
        )
    )
    return bought.group_by("customer_id").agg(
        order_day_count=pl.len(), average_gap_days=pl.col("gap").mean(), median_gap_days=pl.col("gap").median()
    )


def fifth(value: pl.Expr, descending: bool = False) -> pl.Expr:
    """1 to 5 by rank; who is equal has the same."""
    rank = value.rank("min", descending=descending).cast(pl.Int64)
    return (1 + 5 * (rank - 1) // pl.len()).cast(pl.Int32)


def real(amount: str) -> pl.Expr:
    return pl.col(amount).cast(pl.Float64)


def rate(part: str, whole: str) -> pl.Expr:
    """A share, null of nothing."""
    return pl.when(pl.col(whole) != 0).then(real(part) / real(whole))


def behaviour(lines: pl.LazyFrame, events: pl.LazyFrame, customers: pl.LazyFrame) -> pl.LazyFrame:
    """One row per customer: what it did and spent in the last 7, 30 and 90 days."""
    first = AS_OF - timedelta(90)
    visit = pl.coalesce("session_id", "event_id")
    recent = events.filter(pl.col("event_on") > first).select(
        *("customer_id", "is_known_customer"),
        happening_id=visit,
        kind=pl.col("event_type"),
        day=pl.col("event_on"),
    )
    # A visit in which only one customer was known is that customer's, also while nobody was signed in.
    unknown = recent.filter(pl.col("customer_id").is_null())
    lent = (
        events.filter("is_known_customer")
        .select("customer_id", happening_id=visit)
        .join(unknown, on="happening_id", how="semi")
        .group_by("happening_id")
        .agg(lent=pl.col("customer_id").min(), other=pl.col("customer_id").max())
        .filter(pl.col("lent") == pl.col("other"))
    )
    seen = (
        pl.concat(
            [
                recent.filter("is_known_customer").select("customer_id", "happening_id", "kind", "day"),
                unknown.join(lent, on="happening_id")
                .select("lent", "happening_id", "kind", "day")
                .rename({"lent": "customer_id"}),
            ]
        )
        .collect()
        .lazy()
    )
    bought = lines.filter("is_sale", pl.col("ordered_on") > first).select(
        "customer_id", "gross_amount", happening_id="order_id", day="ordered_on"
    )
    seen_events = seen.filter(pl.col("kind").is_in(EVENT_TYPES))
    days = pl.concat([frame.select("customer_id", "day") for frame in (seen_events, bought)]).unique()
    parts = [
        seen.group_by("customer_id").agg(
            (within(days_back) & (pl.col("kind") == kind)).sum().alias(f"{name}_{days_back}d")
            for kind, name in KINDS.items()
            for days_back in WITHIN_DAYS
        ),
        counted(last_day(seen_events), "session_count"),
        counted(last_day(bought), "purchase_count"),
        counted(days, "active_day_count"),
        bought.group_by("customer_id").agg(
            pl.when(within(days_back)).then("gross_amount").sum().alias(f"spend_{days_back}d_amount")
            for days_back in WITHIN_DAYS
        ),
    ]
    table = customers
    for part in parts:
        table = table.join(part, on="customer_id", how="left")
    return table.select(
        "customer_id",
        pl.col("^.*_count_.*$").fill_null(0).cast(pl.Int64),
        pl.col("^.*_amount$").fill_null(0).cast(AMOUNT),
    )


def within(days: int) -> pl.Expr:
    return pl.col("day") > AS_OF - timedelta(days)


def last_day(happenings: pl.LazyFrame) -> pl.LazyFrame:
    """One row per visit or order, with its last day."""
    return happenings.group_by("customer_id", "happening_id").agg(pl.col("day").max())


def counted(happenings: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """One row per customer: how many in the last 7, 30 and 90 days."""
    return happenings.group_by("customer_id").agg(within(days).sum().alias(f"{name}_{days}d") for days in WITHIN_DAYS)


if __name__ == "__main__":
    STEPS = {"start": start, "bronze": bronze, "silver": silver, "gold": gold, "merge": merge}
    STEPS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
