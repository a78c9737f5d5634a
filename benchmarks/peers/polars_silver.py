"""Silver rows of the Polars peer (polars_lakehouse.py): typed, refused with a reason or one per key, judged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import polars as pl

ZONE = "Asia/Shanghai"
AMOUNT = pl.Decimal(18, 2)
PRICE = pl.Decimal(18, 4)
PLACE = ("_file", "_row_number")
LINE_KEYS, EVENT_KEYS = ("order_id", "line_number"), ("event_id",)
ONE = pl.lit(1, pl.Int32)


def money(amount: pl.Expr, kind: pl.Decimal = AMOUNT) -> pl.Expr:
    """A decimal rounded half away from zero, as SQL does."""
    return amount.round(kind.scale, mode="half_away_from_zero").cast(kind)


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
