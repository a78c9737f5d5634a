"""Generated shops with their truth, up to the features: evaluations judge by seeds that nothing was developed with."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmarks.generated_shop import shop_with_features
from lakehouse.settings import Settings

SHOPS = ((2500, 365), (1500, 730))
"""Customers and days: as large as the sample, and with two years."""
SEEDS = (20260713, 20260829)
"""Judged by and developed on by nobody; those of development are 11 to 14."""


def shop(folder: Path, customers: int, days: int, seed: int) -> tuple[Settings, pd.DataFrame]:
    """A home with gold.feat_*, and the truth of its customers by customer_id."""
    settings, truth = shop_with_features(folder, customers, days, seed)
    return settings, pd.read_parquet(truth / "customers.parquet").set_index("customer_id")
