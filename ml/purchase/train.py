"""Grow a forest on the month before last, calibrate and judge it on the last one, register it.

Three days, thirty apart: features of the evening of `as_of` - 60 with who bought in the 30 days after teach the forest;
features of `as_of` - 30 with who bought since then calibrate and judge it; features of `as_of` are
scored. The twin by which a challenger is judged is the forest before its calibration: it has seen nothing after
`as_of` - 30.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lakehouse.settings import Settings
from ml import registry, tables
from ml.arrays import Floats
from ml.happenings import Happenings, read_happenings
from ml.purchase.evaluate import evaluate, halves, permutation_importances
from ml.purchase.features import CHANNEL, PLAIN, READS, Cuts, common_channels, customers_at, cuts, is_enough, outcomes
from ml.purchase.fits import DEPTH, FEATURES_AT_A_NODE, LEAST_IN_LEAF, TREES, fit
from ml.purchase.held_out import held_out
from ml.purchase.model import PurchaseModel
from ml.training import Fit, registered

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Slice:
    """Customers of one day with what they did after it: `customer` ids, `rows` x features, `bought` 0 or 1."""

    customer: npt.NDArray[np.object_]
    rows: Floats
    bought: Floats


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Register a model of `purchase` and write its importances to `ml.purchase_importances`."""
    activity = read_happenings(settings)
    days = cuts(activity, as_of)
    slices = None if days is None else learnable(activity, days)
    if days is None or slices is None:
        tables.write_empty(spark, settings, "purchase_importances")
        return registry.nothing_to_learn("purchase")
    past, later, channels = slices
    plain = PurchaseModel(fit(spark, past.rows, past.bought, seed), channels, days.lookback)
    raw = plain.forest.probability(later.rows)
    model = plain.calibrated_on(raw, later.bought)
    across = halves(raw, later.bought, lambda of, did, others: plain.calibrated_on(of, did).calibrate(others))
    recency = later.rows[:, plain.names.index("days_since_last_order")]
    judged = raw, across, recency, later.bought, float(past.bought.mean())
    learnt = Fit(
        "purchase",
        model.save,
        {**dict.fromkeys(PLAIN, "double"), CHANNEL: "string"},
        {
            "trees": TREES,
            "depth": DEPTH,
            "least_in_leaf": LEAST_IN_LEAF,
            "features_at_a_node": round(FEATURES_AT_A_NODE, 4),
            "lookback_days": days.lookback,
            "learnt_from": days.learn,
            "judged_on": days.judge,
            "customers": len(past.bought),
            "buyers": int(past.bought.sum()),
        },
        READS,
        evaluate(*judged),
        registry.Twin(plain.save, str(days.judge)),
        held_out(later.customer, *judged),
    )
    summary = registered(settings, learnt, as_of, seed)
    lost = permutation_importances(model.forest, later.rows, later.bought, seed)
    tables.write(
        spark,
        settings,
        "purchase_importances",
        {
            "feature": model.names,
            "importance_mean": lost.mean(axis=1),
            "importance_std": lost.std(axis=1),
            "model_version": summary.model_version,
        },
    )
    return summary


def learnable(activity: Happenings, days: Cuts) -> tuple[Slice, Slice, list[str]] | None:
    """The slice to learn from, the one to judge by, channels with a column; None where too few bought or did not."""
    told = outcomes(activity, days.score, days.learn, days.judge)
    if not all(map(is_enough, told)):
        return None
    known = [customers_at(activity, day, days.lookback) for day in (days.learn, days.judge)]
    channels = common_channels(known[0])
    past, later = (
        Slice(
            customers.ids,
            customers.matrix(channels, days.lookback),
            bought.astype(np.float64),
        )
        for customers, bought in zip(known, told, strict=True)
    )
    return past, later, channels
