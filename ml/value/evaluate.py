"""How well purchases and spending of a later period are foretold, beside "as often and as much as so far"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lakehouse.settings import Settings
from ml.arrays import Floats
from ml.held_out import HeldOut
from ml.registry import Metric
from ml.value.features import Purchases, purchases, read_split
from ml.value.held_out import held_out
from ml.value.model import NO_SEASON, ValueModel, can_be_learnt, learn
from ml.value.season import exposure, read_repeat_days, season_factors
from ml.value.spread import TAIL, order_counts

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

HELD_OUT_DAYS = 90
"""The period that is foretold; a quarter of the days where there are fewer than four of it."""
LEAST_TENURE = 90
"""Days over which a rate so far is taken at least, as in gold.dim_customer: one order today is no order a day."""


def held_out_days(customers: Purchases) -> int:
    """How many of the last days to keep from the model that is judged; 0 where there is no history."""
    return min(HELD_OUT_DAYS, int(customers.age.max(initial=0.0)) // 4)


@dataclass(frozen=True)
class Measured:
    """The model of an earlier day, whose expectations were compared with what came; None without such a day."""

    metrics: list[Metric]
    model: ValueModel | None
    cut: date
    held_out: HeldOut | None = None


def measure(spark: SparkSession, settings: Settings, customers: Purchases, as_of: date) -> Measured:
    """Fit on everything up to a day, foretell the purchase days and the spending after it, compare."""
    days = held_out_days(customers)
    cut = as_of - timedelta(days=days)
    if days == 0:
        return Measured([_unmeasured()], None, cut)
    split = read_split(spark, cut)
    before = purchases(split)
    if not can_be_learnt(before):
        return Measured([_unmeasured()], None, cut)
    model = learn(before)
    factors = season_factors(model.orders, before, read_repeat_days(settings, cut), cut.toordinal())
    metrics, kept = judged(split, days, model, factors)
    return Measured(metrics, model, cut, kept)


def compare(split: pd.DataFrame, days: int, model: ValueModel, factors: Floats = NO_SEASON) -> list[Metric]:
    """The metrics of `judged`."""
    return judged(split, days, model, factors)[0]


def judged(
    split: pd.DataFrame, days: int, model: ValueModel, factors: Floats = NO_SEASON
) -> tuple[list[Metric], HeldOut]:
    """Errors per customer over the `days` after the split (rows of `read_split`).

    The baseline takes a customer's purchase days, and their money, per day so far for what is to come: what one reads
    off the profile without a model.

    Args:
        model: learnt from the customers of the split.
        factors: the season's, as known on its day.
    """
    before = purchases(split)
    orders = model.expected_orders(before, days, factors)
    spent = orders * model.order_amount(before)
    later_orders, later_spent = (split[name].to_numpy(np.float64) for name in ("later_day_count", "later_net_amount"))
    share = days / np.maximum(before.age, LEAST_TENURE)
    same_orders, same_spent = (before.x + 1.0) * share, split["net_amount"].to_numpy(np.float64) * share
    what = f"the last {days} days"
    foretold = {"orders": (orders, same_orders, later_orders), "spending": (spent, same_spent, later_spent)}
    measured = [
        Metric(f"{name}_{error.__name__}", error(told, truth), "same_rate_as_so_far", error(same, truth), what)
        for name, (told, same, truth) in foretold.items()
        for error in (mae, rmse)
    ]
    low, high = order_counts(model.orders, before.x, before.t_x, before.age, exposure(factors, days))
    held = (low <= later_orders) & (later_orders <= high)
    metrics = [
        *measured,
        Metric("orders_per_customer", float(orders.mean()), "actual", float(later_orders.mean()), what),
        Metric("spending_per_customer", float(spent.mean()), "actual", float(later_spent.mean()), what),
        Metric("order_count_interval_coverage", float(held.mean()), "stated", 1.0 - 2.0 * TAIL, what),
        Metric("season_factor", exposure(factors, days) / days, "usual", 1.0, what),
        Metric("evaluated_customers", float(len(before)), split=what),
    ]
    return metrics, held_out(before.customer_id, held.astype(np.float64), **foretold)


def mae(told: Floats, truth: Floats) -> float:
    """Mean absolute error."""
    return float(np.abs(told - truth).mean())


def rmse(told: Floats, truth: Floats) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(((told - truth) ** 2).mean()))


def frequency_value_correlation(customers: Purchases) -> float:
    """Pearson's correlation of how often and for how much, over those who came back; 0 where either does not vary.

    The value of the next purchases is the product of two models that take it for 0.
    """
    x, value = customers.x[customers.is_valued], customers.value[customers.is_valued]
    if len(x) < 2 or x.std() == 0.0 or value.std() <= 1e-9 * value.mean():
        return 0.0
    return float(np.corrcoef(x, value)[0, 1])


def _unmeasured() -> Metric:
    return Metric("evaluated_customers", 0.0, split="no held-out period")
