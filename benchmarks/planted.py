"""Generated shops with their truth, up to the features: evaluations judge by seeds that nothing was developed with."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd

from lakehouse.pipeline import AFTER_LANDING, LAND, Progress, Run, perform
from lakehouse.settings import Settings, load_settings
from lakehouse.sources import load_source
from lakehouse.synth import generate

SHOPS = ((2500, 365), (1500, 730))
"""Customers and days: as large as the sample, and with two years."""
SEEDS = (20260713, 20260829)
"""Judged by and developed on by nobody; those of development are 11 to 14."""
AS_OF = date(2025, 12, 31)
STEPS = ("silver", "as_of", "features")


def shop(folder: Path, customers: int, days: int, seed: int) -> tuple[Settings, pd.DataFrame]:
    """A home with gold.feat_*, and the truth of its customers by customer_id."""
    files, settings = folder / "files", load_settings(home=folder / "home")
    settings.home.mkdir(parents=True)
    generate(files, customers=customers, days=days, seed=seed)
    run = Run(settings, [load_source(files / "source.yml")], None, Progress())
    for step in (LAND, *(step for step in AFTER_LANDING if step.name in STEPS)):
        perform(run, step)
    return settings, pd.read_parquet(files / "truth" / "customers.parquet").set_index("customer_id")
