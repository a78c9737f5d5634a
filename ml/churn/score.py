"""The chance that each buyer is lost within 90 days, when to contact them, and the curves for reports."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lakehouse.settings import Settings
from ml import registry, tables
from ml.arrays import Floats, Ints
from ml.churn.activity import Activity, read_activity
from ml.churn.features import HORIZON, can_be_learnt, covariates, silence_days
from ml.churn.model import ChurnModel, load, median_days, peak_day
from ml.coded import EPOCH

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOTICE_DAYS = 15
"""So many days before a membership ends, or the hazard peaks, a customer is contacted."""
GROUPS = ("low risk", "medium risk", "high risk")
OBSERVED = "observed"


def score(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Write `ml.churn_predictions` and `ml.churn_curves` by the champion.

    A buyer who has been silent for unusually long is lapsed: whatever the probability, nobody to contact in time.
    """
    seen = read_activity(settings, as_of)
    on = as_of.toordinal()
    if not can_be_learnt(seen, on, silence_days(seen)):
        tables.write_empty(spark, settings, "churn_predictions", "churn_curves")
        return registry.Summary("churn", registry.NO_MODEL, [])
    version, folder = registry.champion(settings, "churn")
    model = load(folder)
    user, told = covariates(seen, on)
    survival = model.survival(told)
    recency = told["recency_days"].to_numpy(dtype=np.float64)
    is_lapsed = recency >= model.silence
    low, high = model.interval(told)
    feature, effect, value = reasons(model.contributions(told), model.names, told[model.names].to_numpy(np.float64))
    contact = contact_days(survival, _expiry(seen, on)[user], on).astype(np.float64)
    contact[is_lapsed] = np.nan
    rows = tables.write(
        spark,
        settings,
        "churn_predictions",
        {
            "customer_id": seen.customers[user],
            "churn_probability": 1.0 - survival[:, -1],
            "churn_probability_low": low,
            "churn_probability_high": high,
            "median_days_to_churn": median_days(survival),
            "contact_on": [None if np.isnan(day) else date.fromordinal(int(day)) for day in contact],
            "is_lapsed": is_lapsed,
            "reason_feature": feature,
            "reason_effect": effect,
            "reason_value": value,
            "model_version": version,
        },
    )
    _write_curves(spark, settings, survival[~is_lapsed], model, version)
    return registry.Summary("churn", version, [], rows)


def reasons(
    contributions: Floats, names: list[str], values: Floats
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_], Floats]:
    """The covariate with the largest contribution of either sign, whether it raises or lowers the hazard, its value.

    None, None and NaN for all where the model has no covariates, and for who is average in all of them. The first of
    equally large ones.
    """
    rows = np.arange(len(contributions))
    if not names:
        nothing = np.full(len(rows), None, dtype=object)
        return nothing, nothing.copy(), np.full(len(rows), np.nan)
    strongest = np.abs(contributions).argmax(axis=1)
    largest, feature = contributions[rows, strongest], np.array(names, dtype=object)[strongest]
    effect = np.where(largest > 0, "raises", "lowers").astype(object)
    feature[largest == 0], effect[largest == 0] = None, None
    return feature, effect, np.where(largest == 0, np.nan, values[rows, strongest])


def contact_days(survival: Floats, expires: Ints, on: int) -> Ints:
    """The day to contact each customer: `NOTICE_DAYS` before a membership ends, else before the hazard peaks.

    Never before `on`, the day of scoring. A membership counts when it ends within `HORIZON` days.

    Args:
        survival: customers x days 0 to `HORIZON`.
        expires: the day on which the membership ends, `activity.FOREVER` without one.
    """
    critical = np.where(expires - on <= HORIZON, expires, on + peak_day(survival))
    return np.maximum(critical - NOTICE_DAYS, on)


def _expiry(seen: Activity, on: int) -> Ints:
    """The last day of each customer's current membership, the latest of several; `FOREVER` without one."""
    latest = np.full(len(seen.customers), -EPOCH, dtype=np.int64)
    is_current = (seen.started <= on) & (seen.expires >= on)
    np.maximum.at(latest, seen.member[is_current], seen.expires[is_current])
    return np.where(latest >= on, latest, date.max.toordinal())


def _write_curves(spark: SparkSession, settings: Settings, survival: Floats, model: ChurnModel, version: str) -> None:
    """The Kaplan-Meier curve of the training rows, and the mean curve of each third by risk of those at risk now."""
    order = np.argsort(-survival[:, -1], kind="stable")
    parts = {name: survival[part].mean(axis=0) for name, part in zip(GROUPS, np.array_split(order, 3)) if len(part)}
    curves = {OBSERVED: model.observed, **parts}
    days = np.arange(HORIZON + 1)
    tables.write(
        spark,
        settings,
        "churn_curves",
        {
            "risk_group": np.repeat(np.array(list(curves), dtype=object), len(days)),
            "days": np.tile(days, len(curves)),
            "survival": np.concatenate(list(curves.values())),
            "model_version": version,
        },
    )
