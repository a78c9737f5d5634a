"""Channels with what a contact costs and brings, from gold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml import tables
from ml.budget.channels import Channel

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

READS = ("feat_channel_returns",)
COLUMNS = {
    "channel": "string",
    "currency": "string",
    "contact_count_30d": "bigint",
    "contact_count_90d": "bigint",
    "cost_per_contact": "double",
    "return_per_contact": "double",
    "return_standard_error": "double",
    "revenue_30d_amount": "double",
    "revenue_90d_amount": "double",
}


@dataclass(frozen=True)
class Shares:
    """How far a channel may move from its contacts of the last 30 days, as shares of their number."""

    minimum: float
    maximum: float


def read_returns(spark: SparkSession) -> pd.DataFrame:
    """`COLUMNS` of gold.feat_channel_returns, a row per channel and currency whose cost is known, sorted."""
    frame = tables.gold(spark, "feat_channel_returns", COLUMNS).toPandas()
    known = frame.dropna(subset=["channel", "cost_per_contact", "return_per_contact"])
    return known.sort_values(["currency", "channel"], ignore_index=True)


def channels_of(returns: pd.DataFrame, shares: Shares) -> list[Channel]:
    """A channel a row, in the same order, between whole numbers of contacts (0.1 x 30 is 3, whatever a double says)."""
    return [
        Channel(
            name=str(row.channel),
            unit_cost=float(row.cost_per_contact),
            unit_return=float(row.return_per_contact),
            minimum=float(math.ceil(round(shares.minimum * row.contact_count_30d, 6))),
            maximum=float(math.floor(round(shares.maximum * row.contact_count_30d, 6))),
        )
        for row in returns.itertuples()
    ]


def recent_cost(returns: pd.DataFrame) -> float:
    """What the contacts of the last 30 days cost, each at its channel's mean."""
    return math.fsum(returns["contact_count_30d"] * returns["cost_per_contact"])


def before_and_after(returns: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """For an honest look at the plan: the same channels with what a contact brought 31 to 90 days ago, and what one
    brought in the 30 days since. Only channels that were used in both.
    """
    earlier = returns["contact_count_90d"] - returns["contact_count_30d"]
    both = returns[(earlier > 0) & (returns["contact_count_30d"] > 0)]
    brought = (both["revenue_90d_amount"] - both["revenue_30d_amount"]) / earlier[both.index]
    since = both["revenue_30d_amount"] / both["contact_count_30d"]
    return both.assign(return_per_contact=brought), since.to_numpy(dtype=np.float64)
