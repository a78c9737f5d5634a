"""Gold tables of the Polars peer (polars_lakehouse.py): a customer's recency, frequency, money, and what it does."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from polars_silver import AMOUNT, money

AS_OF = date(2025, 12, 31)
WITHIN_DAYS = (7, 30, 90)
KINDS = {"view": "view_count", "search": "search_count", "add_to_cart": "cart_count"}
EVENT_TYPES = ("view", "search", "add_to_cart", "remove_from_cart", "checkout", "purchase")


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
