"""What is known of each customer on a day, from gold.feat_activity up to that day and nothing after it.

One function serves the day that is learnt from, the later day that judges, and the day that is scored. All three look
back equally far, so a count means the same on each: the first days of a history would else know less than its last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml import tables
from ml.frames import F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

READS = ("feat_activity",)
HORIZON_DAYS = 30
MOST_LOOKBACK_DAYS, LEAST_LOOKBACK_DAYS = 365, 30
LEAST_BUYERS = 50
"""After the day that is learnt from and after the one that judges, and as many who did not."""
WINDOWS = (7, 30, 90)
ALL_ALONG = date(1900, 1, 1)
"""Where a registration has no day."""
EVENTS = ("view", "search", "add_to_cart", "remove_from_cart", "checkout", "purchase")

SPANS = ("days_since_last_order", "days_since_last_cart", "days_since_last_activity", "average_gap_days")
"""In days; none where it never happened in the time looked back on, or, for a gap, happened once."""
COUNTS = tuple(f"{what}_count_{days}d" for what in ("view", "search", "cart", "session", "order") for days in WINDOWS)
PLAIN = (
    *COUNTS,
    "active_day_count_30d",
    "send_count_30d",
    "impression_count_30d",
    "ticket_count_90d",
    "order_count",
    "return_count",
    "spend_30d_amount",
    "spend_90d_amount",
    "spend_amount",
    "average_order_amount",
    "discount_rate",
    "tenure_days",
    *SPANS,
)
"""The numbers of a customer, in the order of the model's columns; without a window of the time looked back on."""
CHANNEL = "preferred_channel"
LEAST_CHANNEL_SHARE, MOST_CHANNELS = 0.01, 8

Floats = npt.NDArray[np.float64]


class Cuts(NamedTuple):
    """The days whose evening the features are of, and how many days each looks back on."""

    learn: date
    judge: date
    score: date
    lookback: int


@dataclass(frozen=True)
class Customers:
    """Everybody known on a day, sorted by id.

    Args:
        ids: one per customer.
        plain: customers x `PLAIN`; NaN for a span that there is none of. Every value is one of 32 bits, as
            trees compare.
        channel: where most happened, None where nothing did.
    """

    ids: npt.NDArray[np.object_]
    plain: Floats
    channel: npt.NDArray[np.object_]

    def matrix(self, channels: Sequence[str], lookback: int) -> Floats:
        """Customers x `names_of`; a column of 0 and 1 per channel; a span that there is none of is past all others."""
        kept = np.array([name in names_of((), lookback) for name in PLAIN])
        told = np.where(np.isnan(self.plain), np.float64(lookback + 1), self.plain)[:, kept]
        flags = [(self.channel == channel).astype(np.float64) for channel in channels]
        return np.column_stack([told, *flags])


def read_activity(spark: SparkSession, as_of: date) -> DataFrame:
    """One row per thing that a known customer did or met up to `as_of`; what has no day was there all along."""
    amount = "decimal(18, 2)"
    activity = tables.gold(
        spark,
        "feat_activity",
        {
            "customer_id": "string",
            "happening_id": "string",
            "kind": "string",
            "channel": "string",
            "is_purchase": "boolean",
            "is_return": "boolean",
            "gross_amount": amount,
            "net_amount": amount,
            "discount_amount": amount,
            "occurred_on": "date",
        },
    )
    return _by(activity.where(F.col("customer_id").isNotNull()), as_of)


def cuts(activity: DataFrame, as_of: date) -> Cuts | None:
    """The three days, 30 apart; None where the history is too short to look back on from the first of them."""
    is_deed = F.col("kind").isin(*EVENTS) | F.col("is_purchase")
    row = activity.where(is_deed).agg(F.min("occurred_on")).first()
    learn, judge = (as_of - timedelta(days=count * HORIZON_DAYS) for count in (2, 1))
    if row is None or row[0] is None or (learn - row[0]).days + 1 < LEAST_LOOKBACK_DAYS:
        return None
    return Cuts(learn, judge, as_of, min(MOST_LOOKBACK_DAYS, (learn - row[0]).days + 1))


def outcomes(activity: DataFrame, *days: date) -> list[dict[str, bool]]:
    """For each day, everybody known by its evening, and whether they bought within the 30 days after it."""
    first_on = F.min(F.coalesce("occurred_on", F.lit(ALL_ALONG))).alias("first_on")
    bought = [F.max(F.col("is_purchase") & _within(F.col("occurred_on"), _end(day), HORIZON_DAYS)) for day in days]
    told = activity.groupBy("customer_id").agg(
        first_on, *[column.alias(f"after_{number}") for number, column in enumerate(bought)]
    )
    rows = told.toPandas()
    return [
        {
            customer: bool(is_buyer)
            for customer, first, is_buyer in zip(rows["customer_id"], rows["first_on"], rows[f"after_{number}"])
            if first <= day
        }
        for number, day in enumerate(days)
    ]


def is_enough(outcome: Mapping[str, bool]) -> bool:
    """Whether a forest can learn from these customers."""
    buyers = sum(outcome.values())
    return min(buyers, len(outcome) - buyers) >= LEAST_BUYERS


def customers_at(activity: DataFrame, cut: date, lookback: int) -> Customers:
    """Everybody known by the evening of `cut`, by what happened in the `lookback` days that end with it."""
    known = _by(activity, cut)
    plain = summaries(known, cut, lookback).toPandas().sort_values("customer_id", ignore_index=True)
    channel = preferred_channels(known, cut, lookback).reindex(plain["customer_id"])
    return Customers(
        plain["customer_id"].to_numpy(dtype=object),
        plain[list(PLAIN)].to_numpy(dtype=np.float32).astype(np.float64),
        channel.astype(object).where(channel.notna(), None).to_numpy(dtype=object),
    )


def summaries(known: DataFrame, cut: date, lookback: int) -> DataFrame:
    """One row per customer with `PLAIN`, null for a span that there is none of.

    Args:
        known: rows up to `cut`.
    """
    day, start = F.col("occurred_on"), F.lit(cut - timedelta(days=lookback))
    kind, is_sale = F.col("kind"), F.col("is_purchase") & (day > start)
    happenings = known.groupBy("customer_id", "happening_id").agg(
        F.min(F.coalesce("occurred_on", start)).alias("first_on"),
        F.max(F.when(kind.isin(*EVENTS) & (day > start), day)).alias("session_on"),
        F.max(F.when((kind == "add_to_cart") & (day > start), day)).alias("cart_on"),
        F.max(F.when(is_sale, day)).alias("order_on"),
        *[
            _count((kind == of) & _within(day, cut, min(days, lookback))).alias(f"{what}_count_{days}d")
            for what, of in (("view", "view"), ("search", "search"), ("cart", "add_to_cart"))
            for days in WINDOWS
        ],
        *[
            _count((kind == what) & _within(day, cut, min(days, lookback))).alias(f"{what}_count_{days}d")
            for what, days in (("send", 30), ("impression", 30), ("ticket", 90))
        ],
        _count(F.col("is_return") & (day > start)).alias("return_count"),
        *[
            F.sum(F.when(is_sale & _within(day, cut, days), F.col("net_amount"))).alias(f"spend_{days}d_amount")
            for days in (30, 90)
        ],
        F.sum(F.when(is_sale, F.col("net_amount"))).alias("spend_amount"),
        F.sum(F.when(is_sale, F.col("gross_amount"))).alias("gross_amount"),
        F.sum(F.when(is_sale, F.col("discount_amount"))).alias("discount_amount"),
    )
    summed = [
        *[name for name in COUNTS if not name.startswith(("session", "order"))],
        *["send_count_30d", "impression_count_30d", "ticket_count_90d", "return_count", "spend_30d_amount"],
        *["spend_90d_amount", "spend_amount", "gross_amount", "discount_amount"],
    ]
    session_on, order_on, cart_on = F.col("session_on"), F.col("order_on"), F.col("cart_on")
    totals = happenings.groupBy("customer_id").agg(
        *[F.coalesce(F.sum(name), F.lit(0)).cast("double").alias(name) for name in summed],
        *[
            _count(_within(on, cut, min(days, lookback))).cast("double").alias(f"{what}_count_{days}d")
            for what, on in (("session", session_on), ("order", order_on))
            for days in WINDOWS
        ],
        F.count_distinct(F.when(_within(session_on, cut, 30), session_on)).cast("double").alias("active_day_count_30d"),
        F.count(order_on).cast("double").alias("order_count"),
        F.count_distinct(order_on).alias("order_days"),
        F.min("first_on").alias("first_on"),
        F.min(order_on).alias("first_order_on"),
        F.max(order_on).alias("last_order_on"),
        F.max(cart_on).alias("last_cart_on"),
        F.max(F.greatest(session_on, order_on)).alias("last_active_on"),
    )
    orders, gaps = F.col("order_count"), F.col("order_days") - 1
    return totals.select(
        "customer_id",
        *[name for name in PLAIN if name in {*COUNTS, *summed, "active_day_count_30d", "order_count"}],
        F.when(orders > 0, F.col("spend_amount") / orders).otherwise(0.0).alias("average_order_amount"),
        F.when(F.col("gross_amount") > 0, F.col("discount_amount") / F.col("gross_amount"))
        .otherwise(0.0)
        .alias("discount_rate"),
        F.least(F.datediff(F.lit(cut), "first_on"), F.lit(lookback)).cast("double").alias("tenure_days"),
        F.datediff(F.lit(cut), "last_order_on").cast("double").alias("days_since_last_order"),
        F.datediff(F.lit(cut), "last_cart_on").cast("double").alias("days_since_last_cart"),
        F.datediff(F.lit(cut), "last_active_on").cast("double").alias("days_since_last_activity"),
        F.when(gaps > 0, F.datediff("last_order_on", "first_order_on").cast("double") / gaps).alias("average_gap_days"),
    )


def preferred_channels(known: DataFrame, cut: date, lookback: int) -> pd.Series:
    """By customer, the channel of most events and sales; of equals the first by name."""
    is_deed = F.col("kind").isin(*EVENTS) | F.col("is_purchase")
    seen = known.where(is_deed & F.col("channel").isNotNull() & _within(F.col("occurred_on"), cut, lookback))
    told = seen.groupBy("customer_id", "channel").agg(F.count("*").alias("rows")).toPandas()
    order = told.sort_values(["customer_id", "rows", "channel"], ascending=[True, False, True])
    return order.drop_duplicates("customer_id").set_index("customer_id")["channel"]


def common_channels(customers: Customers) -> list[str]:
    """The channels that get a column, sorted: the most preferred ones, each by a hundredth of the customers."""
    told = pd.Series(customers.channel, dtype=object).dropna().value_counts()
    common = told[told >= LEAST_CHANNEL_SHARE * len(customers.ids)]
    return sorted(sorted(common.index, key=lambda name: (-common[name], name))[:MOST_CHANNELS])


def names_of(channels: Sequence[str], lookback: int) -> list[str]:
    """The names of the columns of `Customers.matrix`: those of `PLAIN` that look back no farther, and the channels."""
    too_far = tuple(f"_{days}d" for days in WINDOWS if days > lookback)
    plain = [name for name in PLAIN if not name.removesuffix("_amount").endswith(too_far)]
    return [*plain, *[f"{CHANNEL}={channel}" for channel in channels]]


def _by(activity: DataFrame, day: date) -> DataFrame:
    return activity.where(F.col("occurred_on").isNull() | (F.col("occurred_on") <= F.lit(day)))


def _within(day: Column, cut: date, days: int) -> Column:
    """Whether a day is one of the so many that end with the cut."""
    return day.between(F.lit(cut - timedelta(days=days - 1)), F.lit(cut))


def _end(day: date) -> date:
    """The last of the days in which a purchase counts."""
    return day + timedelta(days=HORIZON_DAYS)


def _count(condition: Column) -> Column:
    return F.sum(F.when(condition, 1).otherwise(0))
