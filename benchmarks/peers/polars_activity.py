"""Gold tables of the Polars peer (polars_lakehouse.py): everything that was done, and what it says of each customer."""

from __future__ import annotations

from datetime import date

import polars as pl
from polars_silver import AMOUNT, PRICE, ZONE, money

AS_OF = date(2025, 12, 31)
SOURCE = "sample"
EVENT_TYPES = ("view", "search", "add_to_cart", "remove_from_cart", "checkout", "purchase")
IS_EVENT = pl.col("kind").is_in(EVENT_TYPES)
ACTIVITY = {
    **{"source": pl.String, "customer_id": pl.String, "product_id": pl.String, "happening_id": pl.String},
    **{"kind": pl.String, "channel": pl.String, "device_type": pl.String},
    **{"brand": pl.String, "category": pl.String, "category_level_1": pl.String, "currency": pl.String},
    **{"is_purchase": pl.Boolean, "is_return": pl.Boolean, "is_cancelled": pl.Boolean, "is_answered": pl.Boolean},
    **{"quantity": pl.Int32, "unit_price": PRICE, "gross_amount": AMOUNT, "net_amount": AMOUNT},
    **{"discount_amount": AMOUNT, "margin_amount": AMOUNT, "value": pl.Float64},
    **{"local_hour": pl.Int32, "local_weekday": pl.Int32},
    **{"occurred_at": pl.Datetime("us", "UTC"), "occurred_on": pl.Date},
}
REPEATED = ("customer_id", "product_id", "kind", "channel", "device_type")
FLAGS = ("is_purchase", "is_return", "is_cancelled")


def activity(
    lines: pl.LazyFrame, events: pl.LazyFrame, customers: pl.LazyFrame, products: pl.LazyFrame
) -> pl.DataFrame:
    """One row per event, order line, registration and listing that is a known customer's or product's, by day.

    Texts that repeat are numbers, in half the memory; `as_stored` gives the table's own columns and types.
    """
    day = pl.col("registered_at").dt.date()
    registrations = customers.filter(day.is_null() | (day <= AS_OF)).select(
        "customer_id", kind=pl.lit("registration"), occurred_at="registered_at", occurred_on=day
    )
    listings = products.select("product_id", kind=pl.lit("listing"), occurred_on="listed_on")
    parts = (of_lines(lines), of_events(events), registrations, listings)
    happened = pl.concat(parts, how="diagonal").with_columns(pl.col(REPEATED).cast(pl.Categorical)).collect()
    local_at = pl.col("occurred_at").dt.convert_time_zone(ZONE).dt.replace_time_zone(None)
    has_time = (pl.col("kind") != "order_line") | (local_at.dt.truncate("1d") != local_at)
    return (
        happened.sort("occurred_on")  # once collected: as part of the plan it costs more than twice as much
        .lazy()
        .join(
            products.select(
                pl.col("product_id", "brand", "category", "category_level_1").cast(pl.Categorical), "unit_cost"
            ),
            on="product_id",
            how="left",
            maintain_order="left",
        )
        .with_columns(
            *(pl.col(flag).fill_null(False) for flag in FLAGS),
            margin_amount=pl.when("is_purchase").then(
                money(pl.col("net_amount") - pl.col("quantity").cast(pl.Decimal(10, 0)) * pl.col("unit_cost"))
            ),
            local_hour=pl.when(has_time).then(local_at.dt.hour()),
            local_weekday=local_at.dt.weekday(),
        )
        .drop("unit_cost")
        .collect()
    )


def as_stored(deeds: pl.DataFrame) -> pl.LazyFrame:
    """The columns of the table, in order; nobody answers or rates anything in this shop."""
    return (
        deeds.lazy()
        .with_columns(source=pl.lit(SOURCE), is_answered=None, value=None)
        .select(pl.col(name).cast(kind) for name, kind in ACTIVITY.items())
    )


def of_lines(lines: pl.LazyFrame) -> pl.LazyFrame:
    """The deeds that order lines are."""
    return (
        lines.filter(pl.col("ordered_on") <= AS_OF)
        .select(
            customer_id=pl.when("is_known_customer").then("customer_id"),
            product_id=pl.when("is_known_product").then("product_id"),
            happening_id="order_id",
            kind=pl.lit("order_line"),
            channel="channel",
            currency="currency",
            is_purchase="is_sale",
            is_return=pl.col("is_return") & ~pl.col("is_cancelled"),
            is_cancelled="is_cancelled",
            quantity="quantity",
            unit_price="unit_price",
            gross_amount="gross_amount",
            net_amount="net_amount",
            discount_amount="discount_amount",
            occurred_at="ordered_at",
            occurred_on="ordered_on",
        )
        .filter(pl.col("customer_id").is_not_null() | pl.col("product_id").is_not_null())
    )


def of_events(events: pl.LazyFrame) -> pl.LazyFrame:
    """The deeds that events are; a visit in which only one customer was known is that customer's."""
    seen = (
        events.filter(pl.col("event_on") <= AS_OF, ~pl.col("is_near_duplicate"))
        .select(
            customer_id=pl.when("is_known_customer").then("customer_id"),
            is_anonymous=pl.col("customer_id").is_null(),
            product_id=pl.when("is_known_product").then("product_id"),
            happening_id=pl.coalesce("session_id", "event_id"),
            kind="event_type",
            channel="channel",
            device_type="device_type",
            quantity=pl.lit(1, pl.Int32),
            occurred_at="event_at",
            occurred_on="event_on",
        )
        .collect()
        .lazy()
    )
    anonymous = seen.filter("is_anonymous").drop("customer_id")
    lent = (
        seen.filter(pl.col("customer_id").is_not_null())
        .select("happening_id", "customer_id")
        .join(anonymous, on="happening_id", how="semi")
        .group_by("happening_id")
        .agg(customer_id=pl.col("customer_id").min(), other=pl.col("customer_id").max())
        .filter(pl.col("customer_id") == pl.col("other"))
        .drop("other")
    )
    return (
        pl.concat(
            [seen.filter(~pl.col("is_anonymous")), anonymous.join(lent, on="happening_id", how="left")], how="diagonal"
        )
        .drop("is_anonymous")
        .filter(pl.col("customer_id").is_not_null() | pl.col("product_id").is_not_null())
    )


def history(done: pl.LazyFrame, paid: pl.LazyFrame) -> pl.LazyFrame:
    """One row per customer: tastes, habits, first and last times, of all that it did (rows of `activity`)."""
    is_active = IS_EVENT | pl.col("is_purchase")
    counted = done.group_by("customer_id").agg(
        is_registered=(pl.col("kind") == "registration").any(),
        first_active_on=pl.when(is_active).then("occurred_on").min(),
        last_active_on=pl.when(is_active).then("occurred_on").max(),
        last_active_at=pl.when(is_active).then("occurred_at").max(),
        last_viewed_on=pl.when(pl.col("kind") == "view").then("occurred_on").max(),
    )
    deeds = done.filter(is_active).with_columns(
        points=pl.when(pl.col("kind") == "view")
        .then(1)
        .when(pl.col("kind") == "add_to_cart")
        .then(3)
        .when("is_purchase")
        .then(5)
        .otherwise(0)
    )
    # Hours, weekdays, channels and devices go together, brands and categories too: counted together first.
    settings = deeds.group_by("customer_id", "local_hour", "local_weekday", "channel", "device_type").agg(
        weight=pl.len()
    )
    settings = settings.collect().lazy()
    things = (
        deeds.group_by("customer_id", "brand", "category")
        .agg(
            weight=pl.col("points").sum(),
            viewed_at=pl.when(pl.col("kind") == "view").then("occurred_at").max().dt.epoch("us"),
        )
        .collect()
        .lazy()
    )
    viewed = things.group_by("customer_id", "category").agg(weight=pl.col("viewed_at").max())
    parts = [
        best(viewed, "category", 5).rename({"category": "last_categories"}),
        best(summed(things, "category"), "category", 3).rename({"category": "top_categories"}),
        best(summed(things, "brand"), "brand", 3).rename({"brand": "top_brands"}),
        *(
            best(summed(settings, name), name, 1).select(
                "customer_id", pl.col(name).list.first().alias(f"preferred_{short}")
            )
            for name, short in (
                ("local_hour", "hour"),
                ("local_weekday", "weekday"),
                ("channel", "channel"),
                ("device_type", "device_type"),
            )
        ),
        paid.sort(pl.col("category_level_1").fill_null(""), "category_level_1", nulls_last=False)
        .group_by("customer_id", maintain_order=True)
        .agg(paid_by_category=pl.struct("category_level_1", "unit_price_sum", "line_count")),
    ]
    table = counted
    for part in parts:
        table = table.join(part, on="customer_id", how="left")
    nothing = pl.lit([], pl.List(pl.String))
    return table.select(
        *("customer_id", "is_registered"),
        *(
            pl.col(name).cast(pl.List(pl.String)).fill_null(nothing)
            for name in ("last_categories", "top_categories", "top_brands")
        ),
        pl.col("top_categories").list.first().alias("top_category"),
        pl.col("top_brands").list.first().alias("top_brand"),
        pl.col("preferred_hour", "preferred_weekday").cast(pl.Int32),
        *("preferred_channel", "preferred_device_type", "paid_by_category"),
        *(pl.lit(0, pl.Int64).alias(f"{name}_count") for name in ("impression", "click", "ticket", "open_ticket")),
        pl.lit(None, pl.Float64).alias("average_satisfaction"),
        pl.lit(0, pl.Int64).alias("rating_count"),
        pl.lit(None, pl.Float64).alias("average_rating"),
        *("first_active_on", "last_active_on", "last_active_at", "last_viewed_on"),
        pl.lit(None, pl.Date).alias("last_sent_on"),
    )


def summed(counted: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """One row per customer and value."""
    return counted.group_by("customer_id", name).agg(pl.col("weight").sum())


def best(weighed: pl.LazyFrame, name: str, most: int) -> pl.LazyFrame:
    """One row per customer: the values of most weight, the first by name where two have the same."""
    return (
        weighed.filter(pl.col(name).is_not_null(), pl.col("weight") > 0)
        .sort(pl.col("customer_id").to_physical(), "weight", name, descending=[False, True, False])
        .group_by("customer_id")
        .agg(pl.col(name).head(most))
    )


def paid_by_category(done: pl.LazyFrame) -> pl.LazyFrame:
    """One row per customer and first level of category: what was paid for units of it."""
    return (
        done.filter("is_purchase")
        .group_by("customer_id", "category_level_1")
        .agg(
            unit_price_sum=pl.col("unit_price").sum().cast(pl.Decimal(28, 4)),
            line_count=pl.col("unit_price").count().cast(pl.Int64),
        )
        .with_columns(pl.col("category_level_1").cast(pl.String))
    )
