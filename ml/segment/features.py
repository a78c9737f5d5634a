"""Recency, frequency and value per customer, on a scale where distances mean something."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml import tables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

READS = ("feat_customer_rfm",)
DIMENSIONS = ("recency_days", "frequency", "monetary_amount", "average_order_amount")

Floats = npt.NDArray[np.float64]


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


def read_rfm(spark: SparkSession, as_of: date) -> pd.DataFrame:
    """One row per customer with a sale, sorted by `customer_id`: the columns of gold.feat_customer_rfm as floats."""
    frame = tables.gold(
        spark,
        "feat_customer_rfm",
        {
            "customer_id": "string",
            "recency_days": "double",
            "frequency": "double",
            "monetary_amount": "double",
        },
    ).toPandas()
    return frame.dropna().sort_values("customer_id", ignore_index=True)


def dimensions(rfm: pd.DataFrame) -> Floats:
    """Customers x `DIMENSIONS`, in days, orders and money."""
    values = rfm[["recency_days", "frequency", "monetary_amount"]].to_numpy(dtype=np.float64)
    average = values[:, 2] / np.maximum(values[:, 1], 1.0)
    return np.column_stack([values, average])
