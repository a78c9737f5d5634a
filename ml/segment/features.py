"""Recency, frequency, value so far and to come, and activity per customer, scaled so that distances mean something."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml import tables
from ml.arrays import Floats
from ml.frames import F
from ml.value.features import purchases
from ml.value.model import ValueModel, can_be_learnt, learn

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

READS = ("feat_customer_rfm", "feat_customer_behaviour")
OF_ORDERS = ("recency_days", "frequency", "monetary_amount", "order_day_count", "tenure_days", "repeat_net_amount")
OF_BEHAVIOUR = ("active_day_count_90d", "days_since_last_activity", "days_since_first_activity")
INPUTS = (*OF_ORDERS, *OF_BEHAVIOUR)
"""What the model is asked with; behaviour may be absent."""
LIFETIME_VALUE, LIFETIME_DAYS = "expected_value_365d_amount", 365
DIMENSIONS = ("recency_days", "frequency", "monetary_amount", LIFETIME_VALUE, *OF_BEHAVIOUR)
"""What the groups are made of; the first three are what they are named by."""
BESIDE = ("average_order_amount", "product_count", "discount_rate", "return_rate")
"""Told of the groups, which were made without them."""


@dataclass(frozen=True)
class Scale:
    """log1p, then zero mean and unit variance; a dimension without variance stays at zero.

    Args:
        mean, deviation: of log1p of each of `DIMENSIONS`.
    """

    mean: Floats
    deviation: Floats

    def apply(self, values: Floats) -> Floats:
        """Customers x dimensions, in standard deviations."""
        spread = np.where(self.deviation > 1e-12, self.deviation, np.inf)
        return np.asarray((np.log1p(np.maximum(values, 0.0)) - self.mean) / spread)


def fit_scale(values: Floats) -> Scale:
    """The scale on which these rows have mean 0 and (population) variance 1."""
    logs = np.log1p(np.maximum(values, 0.0))
    return Scale(logs.mean(axis=0), logs.std(axis=0))


def read_customers(spark: SparkSession, as_of: date) -> pd.DataFrame:
    """One row per customer with a sale, sorted by `customer_id`: `INPUTS` and `BESIDE` as floats."""
    orders = tables.gold(
        spark, "feat_customer_rfm", {"customer_id": "string", **dict.fromkeys((*OF_ORDERS, *BESIDE), "double")}
    )
    behaviour = tables.gold(
        spark,
        "feat_customer_behaviour",
        {
            "customer_id": "string",
            "active_day_count_90d": "double",
            "days_since_last_activity": "double",
            "first_active_on": "date",
        },
    ).withColumn("days_since_first_activity", F.datediff(F.lit(as_of), F.col("first_active_on")).cast("double"))
    frame = orders.join(behaviour.drop("first_active_on"), "customer_id", "left").toPandas()
    known = frame.dropna(subset=["customer_id", *OF_ORDERS[:3]])
    return known.sort_values("customer_id", ignore_index=True)


def completed(customers: pd.DataFrame) -> pd.DataFrame:
    """The same rows without gaps in `INPUTS`: where no behaviour is told, orders are all the activity there was."""
    told = customers.reindex(columns=list(dict.fromkeys([*customers.columns, *INPUTS])))
    told["tenure_days"] = told["tenure_days"].fillna(told["recency_days"])
    return told.fillna(
        {
            "order_day_count": told["frequency"],
            "repeat_net_amount": 0.0,
            "active_day_count_90d": 0.0,
            "days_since_last_activity": told["recency_days"],
            "days_since_first_activity": told["tenure_days"],
        }
    )


def fit_value(customers: pd.DataFrame) -> ValueModel | None:
    """How often and for how much these customers go on buying; None where too few came back to tell."""
    summary = purchases(completed(customers))
    return learn(summary) if can_be_learnt(summary) else None


def dimensions(customers: pd.DataFrame, value: ValueModel | None) -> Floats:
    """Customers x `DIMENSIONS`, in days, counts and money.

    Args:
        customers: `INPUTS`, those of behaviour possibly null or absent.
        value: what they are expected to spend in a year; 0 for everybody where there is none.
    """
    told = completed(customers)
    told[LIFETIME_VALUE] = 0.0 if value is None else value.expected_value(purchases(told), LIFETIME_DAYS)
    return told[list(DIMENSIONS)].to_numpy(dtype=np.float64)
