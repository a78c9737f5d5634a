"""What every customer with a sale is expected to buy from the run's day on."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from lakehouse.settings import Settings
from ml import registry, tables
from ml.value.features import read_purchases
from ml.value.model import can_be_learnt, load
from ml.value.reasons import reasons
from ml.value.season import read_repeat_days, season_factors

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def score(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Write `ml.customer_value` by the champion; empty where there are too few customers to learn from."""
    customers = read_purchases(settings)
    if not can_be_learnt(customers):
        tables.write_empty(spark, settings, "customer_value")
        return registry.Summary("value", registry.NO_MODEL, [])
    version, folder = registry.champion(settings, "value")
    model = load(folder)
    bought = read_repeat_days(settings, as_of)
    factors = season_factors(model.orders, customers, bought, as_of.toordinal())
    told = model.told(customers, factors)
    columns = {**{name: told[name].to_numpy() for name in told}, **reasons(model, customers, factors)}
    rows = tables.write(
        spark,
        settings,
        "customer_value",
        {"customer_id": customers.customer_id, **columns, "model_version": version},
    )
    return registry.Summary("value", version, [], rows)
