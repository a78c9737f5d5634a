"""Customers as their purchase days summarise them: how many came after the first, when, and of what value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from lakehouse.settings import Settings
from ml import tables
from ml.arrays import Floats
from ml.frames import F, windows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

READS = ("feat_customer_rfm", "feat_activity")
INPUTS = ("order_day_count", "tenure_days", "recency_days", "repeat_net_amount")
"""Columns of gold.feat_customer_rfm that the model is asked with."""


@dataclass(frozen=True)
class Purchases:
    """One entry per customer with a sale; a purchase is a day with one, whatever the number of orders on it.

    Args:
        x: purchases after the first one.
        t_x: days from the first to the last, 0 where they are the same.
        age: days from the first to the day of the summary (T of the papers).
        value: mean net value of the purchases after the first, in money; 0 for x = 0.
    """

    customer_id: npt.NDArray[np.object_]
    x: Floats
    t_x: Floats
    age: Floats
    value: Floats

    def __len__(self) -> int:
        return len(self.x)

    @property
    def is_valued(self) -> npt.NDArray[np.bool_]:
        """Who came back and paid for it: whom Gamma-Gamma can learn from."""
        return (self.x > 0) & (self.value > 0)


def purchases(rows: pd.DataFrame) -> Purchases:
    """The summary of rows of `customer_id` (optional) and `INPUTS`, in their order.

    Discounts can make a repeat purchase worth nothing or less; less counts as nothing.
    """
    days, age, recency, repeat = (rows[name].to_numpy(dtype=np.float64) for name in INPUTS)
    x = np.maximum(days - 1.0, 0.0)
    value = np.where(x > 0, np.nan_to_num(repeat) / np.maximum(x, 1.0), 0.0)
    ids = rows["customer_id"] if "customer_id" in rows else pd.Series([None] * len(rows), dtype=object)
    return Purchases(ids.to_numpy(dtype=object), x, age - recency, age, np.maximum(value, 0.0))


def read_purchases(settings: Settings) -> Purchases:
    """Every customer with a sale up to the run's day, by `customer_id`, from gold.feat_customer_rfm."""
    columns = {"customer_id": pa.string(), **dict.fromkeys(INPUTS, pa.float64())}
    read = pa.Table.from_batches(tables.gold_rows(settings, "feat_customer_rfm", columns)).to_pandas()
    known = read.dropna(subset=["customer_id", *INPUTS[:3]])
    return purchases(known.sort_values("customer_id", ignore_index=True))


def read_split(spark: SparkSession, cutoff: date) -> pd.DataFrame:
    """Customers with a sale up to `cutoff`: `INPUTS` as they were on that day, and what came later.

    Returns:
        One row per customer, by `customer_id`: `INPUTS`, `net_amount` (all sales up to `cutoff`), `later_day_count` and
        `later_net_amount` (days with a sale after it, and their net value).
    """
    columns = {
        "customer_id": "string",
        "kind": "string",
        "occurred_on": "date",
        "is_purchase": "boolean",
        "net_amount": "decimal(18,2)",
    }
    activity = tables.gold(spark, "feat_activity", columns)
    frame = split_at(activity, cutoff).toPandas()
    return frame.sort_values("customer_id", ignore_index=True)


def split_at(activity: DataFrame, cutoff: date) -> DataFrame:
    """`read_split` of rows of gold.feat_activity, in no order."""
    is_sale = (F.col("kind") == "order_line") & F.col("is_purchase") & F.col("customer_id").isNotNull()
    first_on = F.min("occurred_on").over(windows.Window.partitionBy("customer_id"))
    days = (
        activity.where(is_sale)
        .groupBy("customer_id", "occurred_on")
        .agg(F.sum("net_amount").alias("net_amount"))
        .withColumn("first_on", first_on)
        .where(F.col("first_on") <= F.lit(cutoff))
    )
    is_seen = F.col("occurred_on") <= F.lit(cutoff)
    is_repeat = is_seen & (F.col("occurred_on") > F.col("first_on"))

    def total(condition: Any) -> Any:
        return F.coalesce(F.sum(F.when(condition, F.col("net_amount"))).cast("double"), F.lit(0.0))

    last_on = F.max(F.when(is_seen, F.col("occurred_on")))
    return days.groupBy("customer_id").agg(
        F.count(F.when(is_seen, F.lit(1))).cast("double").alias("order_day_count"),
        F.datediff(F.lit(cutoff), F.min("first_on")).cast("double").alias("tenure_days"),
        F.datediff(F.lit(cutoff), last_on).cast("double").alias("recency_days"),
        total(is_repeat).alias("repeat_net_amount"),
        total(is_seen).alias("net_amount"),
        F.count(F.when(~is_seen, F.lit(1))).cast("double").alias("later_day_count"),
        total(~is_seen).alias("later_net_amount"),
    )
