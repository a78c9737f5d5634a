"""Gold tables of the Polars peer (polars_lakehouse.py): a customer's recency, frequency, money, and what it does."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from polars_activity import AS_OF, IS_EVENT
from polars_silver import AMOUNT, money

WITHIN_DAYS = (7, 30, 90)
KINDS = {"view": "view_count", "search": "search_count", "add_to_cart": "cart_count"}


def rfm(lines: pl.LazyFrame) -> pl.LazyFrame:
    """One row per customer that bought: money and counts of its order lines, and its scores among all."""
    sales = lines.filter("is_purchase")
    since = {days: pl.col("occurred_on") > AS_OF - timedelta(days) for days in (90, 365)}
    gross = pl.col("gross_amount")
    sold = sales.group_by("customer_id").agg(
        first_ordered_on=pl.col("occurred_on").min(),
        last_ordered_on=pl.col("occurred_on").max(),
        line_count=pl.len(),
        unit_count=pl.col("quantity").cast(pl.Int64).sum(),
        monetary_amount=gross.sum(),
        net_monetary_amount=pl.col("net_amount").sum(),
        discount_amount=pl.col("discount_amount").sum(),
        **{f"monetary_{days}d_amount": pl.when(within).then(gross).sum() for days, within in since.items()},
        costed_line_count=pl.col("margin_amount").count(),
        margin_amount=pl.col("margin_amount").sum(),
        costed_amount=pl.when(pl.col("margin_amount").is_not_null()).then("net_amount").sum(),
        product_count=pl.col("product_id").drop_nulls().n_unique(),
    )
    returned = lines.filter("is_return").group_by("customer_id").agg(returned_amount=-gross.sum())
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
                *("margin_amount", "returned_amount", "repeat_net_amount"),
            ).cast(AMOUNT),
            rate("margin_amount", "costed_amount").alias("margin_rate"),
            rate("discount_amount", "monetary_amount").alias("discount_rate"),
            rate("returned_amount", "monetary_amount").alias("return_rate"),
            (AS_OF - pl.col("first_ordered_on")).dt.total_days().cast(pl.Int32).alias("tenure_days"),
            *("average_gap_days", "median_gap_days", (pl.col("order_day_count") > 1).alias("is_repeat_buyer")),
            pl.lit(False).alias("has_mixed_currencies"),  # the shop's is CNY
            *("first_ordered_on", "last_ordered_on", pl.lit(AS_OF).alias("as_of_on")),
        )
    )


def of_orders(lines: pl.LazyFrame) -> pl.LazyFrame:
    """One row per customer: its orders in which something was sold, and those that were cancelled."""
    orders = lines.group_by("customer_id", "happening_id").agg(
        sold_on=pl.when("is_purchase").then("occurred_on").max(), is_cancelled=pl.col("is_cancelled").any()
    )
    return orders.group_by("customer_id").agg(
        frequency=pl.col("sold_on").count(),
        frequency_90d=(pl.col("sold_on") > AS_OF - timedelta(90)).sum(),
        frequency_365d=(pl.col("sold_on") > AS_OF - timedelta(365)).sum(),
        cancelled_order_count=pl.col("is_cancelled").sum(),
    )


def of_days(sales: pl.LazyFrame) -> pl.LazyFrame:
    """One row per customer: the days on which it bought, how far apart they lie, and what it paid after the first."""
    bought = (
        sales.group_by("customer_id", "occurred_on")
        .agg(pl.col("net_amount").sum())
        .sort(pl.col("customer_id").to_physical(), "occurred_on")
        .with_columns(
            gap=pl.when(pl.col("customer_id") == pl.col("customer_id").shift()).then(
                pl.col("occurred_on").diff().dt.total_days()
            )
        )
    )
    again = pl.col("gap").is_not_null()
    return bought.group_by("customer_id").agg(
        order_day_count=pl.len(),
        average_gap_days=pl.col("gap").mean(),
        median_gap_days=pl.col("gap").median(),
        repeat_net_amount=pl.when(again.any()).then(pl.when(again).then("net_amount").sum()),
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


def behaviour(done: pl.LazyFrame, history: pl.LazyFrame, paid: pl.LazyFrame, products: pl.LazyFrame) -> pl.LazyFrame:
    """One row per customer: what it did and spent in the last 7, 30 and 90 days, and its `history`."""
    recent = (
        done.filter(pl.col("occurred_on") > AS_OF - timedelta(90), IS_EVENT | (pl.col("kind") == "order_line"))
        .select(
            *("customer_id", "product_id", "happening_id", "kind", "is_purchase", "gross_amount", "occurred_at"),
            day="occurred_on",
        )
        .collect()
        .lazy()
    )
    seen, bought = recent.filter(IS_EVENT), recent.filter("is_purchase")
    parts = [
        seen.group_by("customer_id").agg(
            (within(days_back) & (pl.col("kind") == kind)).sum().alias(f"{name}_{days_back}d")
            for kind, name in KINDS.items()
            for days_back in WITHIN_DAYS
        ),
        counted(last_day(seen), "session_count"),
        counted(last_day(bought), "purchase_count"),
        counted(pl.concat([seen, bought]).select("customer_id", "day").unique(), "active_day_count"),
        bought.group_by("customer_id").agg(
            pl.when(within(days_back)).then("gross_amount").sum().alias(f"spend_{days_back}d_amount")
            for days_back in WITHIN_DAYS
        ),
        carts(recent, products),
        price_level(paid),
    ]
    table = history
    for part in parts:
        table = table.join(part, on="customer_id", how="left")

    def of_windows(name: str) -> list[pl.Expr]:
        return [pl.col(f"{name}_{days}d").fill_null(0).cast(pl.Int64) for days in WITHIN_DAYS]

    left_behind = pl.col("abandoned_product_count_7d")
    power = pl.col("spending_power_rate")
    return table.select(
        *("customer_id", "is_registered", (left_behind.fill_null(0) > 0).alias("has_abandoned_cart_7d")),
        *(
            count
            for name in (*KINDS.values(), "purchase_count", "session_count", "active_day_count")
            for count in of_windows(name)
        ),
        *(pl.col(f"spend_{days}d_amount").fill_null(0).cast(AMOUNT) for days in WITHIN_DAYS),
        *("last_categories", "top_categories", "top_brands", "top_category", "top_brand"),
        pl.col("carted_product_count_7d").fill_null(0).cast(pl.Int64),
        left_behind.fill_null(0).cast(pl.Int64),
        (left_behind / pl.col("carted_product_count_7d")).alias("cart_abandonment_rate_7d"),
        money(pl.col("abandoned_cart_7d_amount")),
        pl.col("abandoned_product_ids").cast(pl.List(pl.String)).fill_null(pl.lit([], pl.List(pl.String))),
        *("price_index", "spending_power_rate"),
        pl.when(power < 1 / 3)
        .then(pl.lit("low"))
        .when(power < 2 / 3)
        .then(pl.lit("medium"))
        .when(power.is_not_null())
        .then(pl.lit("high"))
        .alias("spending_power"),
        *("preferred_hour", "preferred_weekday", "preferred_channel", "preferred_device_type"),
        *("impression_count", "click_count", *(none(f"{name}_count_30d") for name in ("impression", "click"))),
        unknown("click_rate"),
        *(none(f"{name}_count_90d") for name in ("send", "send_open", "send_click")),
        unknown("send_open_rate_90d"),
        *("ticket_count", none("ticket_count_90d"), "open_ticket_count", "average_satisfaction"),
        *("rating_count", "average_rating", none("location_count_90d")),
        *("first_active_on", "last_active_on", "last_active_at", "last_viewed_on", "last_sent_on"),
        (AS_OF - pl.col("last_active_on")).dt.total_days().cast(pl.Int32).alias("days_since_last_activity"),
        pl.lit(AS_OF).alias("as_of_on"),
    )


def none(name: str) -> pl.Expr:
    """Of what the shop does not bring there are none."""
    return pl.lit(0, pl.Int64).alias(name)


def unknown(name: str) -> pl.Expr:
    """A rate of what the shop does not bring."""
    return pl.lit(None, pl.Float64).alias(name)


def within(days: int) -> pl.Expr:
    return pl.col("day") > AS_OF - timedelta(days)


def last_day(happenings: pl.LazyFrame) -> pl.LazyFrame:
    """One row per visit or order, with its last day."""
    return happenings.group_by("customer_id", "happening_id").agg(pl.col("day").max())


def counted(happenings: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """One row per customer: how many in the last 7, 30 and 90 days."""
    return happenings.group_by("customer_id").agg(within(days).sum().alias(f"{name}_{days}d") for days in WITHIN_DAYS)


def carts(recent: pl.LazyFrame, products: pl.LazyFrame) -> pl.LazyFrame:
    """One row per customer: what it put into the cart in the last 7 days, and what of it it has not bought since."""
    is_carted = pl.col("kind") == "add_to_cart"
    by_product = (
        recent.filter(within(7), pl.col("product_id").is_not_null(), is_carted | pl.col("is_purchase"))
        .group_by("customer_id", "product_id")
        .agg(
            first_at=pl.when(is_carted).then("occurred_at").min(),
            carted_at=pl.when(is_carted).then("occurred_at").max(),
            bought_at=pl.when("is_purchase").then("occurred_at").max(),
        )
        .filter(pl.col("carted_at").is_not_null())
        .with_columns(is_left=(pl.col("bought_at") < pl.col("first_at")).fill_null(True))
    )
    left_behind = (
        by_product.filter("is_left")
        .join(products.select(pl.col("product_id").cast(pl.Categorical), "unit_price"), on="product_id", how="left")
        .sort("carted_at", "product_id", descending=[True, False])
        .group_by("customer_id", maintain_order=True)
        .agg(
            abandoned_cart_7d_amount=pl.when(pl.col("unit_price").count() > 0).then(pl.col("unit_price").sum()),
            abandoned_product_ids=pl.col("product_id").head(5),
        )
    )
    return (
        by_product.group_by("customer_id")
        .agg(carted_product_count_7d=pl.len(), abandoned_product_count_7d=pl.col("is_left").sum())
        .join(left_behind, on="customer_id", how="left")
    )


def price_level(paid: pl.LazyFrame) -> pl.LazyFrame:
    """One row per customer that bought: what it pays for a unit beside what is usually paid in the category."""

    def of_category(column: str) -> pl.Expr:
        return pl.col(column).sum().over("category_level_1").cast(pl.Float64)

    return (
        paid.with_columns(usual_price=of_category("unit_price_sum") / of_category("line_count"))
        .filter(pl.col("usual_price") > 0)
        .group_by("customer_id")
        .agg(
            price_index=money(real("unit_price_sum") / pl.col("usual_price"), pl.Decimal(28, 8)).sum().cast(pl.Float64)
            / pl.col("line_count").sum()
        )
        .with_columns(spending_power_rate=(pl.col("price_index").rank("min") - 1) / (pl.len() - 1))
    )
