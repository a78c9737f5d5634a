"""Fit Cox and Weibull on earlier landmarks, measure them on a later one, register the better fitted on everything."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from lifelines.exceptions import ConvergenceError

from lakehouse.settings import Settings
from ml import registry, tables
from ml.churn.activity import Activity, Floats, read_activity
from ml.churn.evaluate import integrated_brier_score, kaplan_meier, measures
from ml.churn.features import COVARIATES, HORIZON, READS, Landmark, landmark, silence_days, training_rows
from ml.churn.fits import PENALTY, fit_cox, fit_weibull
from ml.churn.model import DAYS, ChurnModel, logged

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LEAST_EVENTS = 20
"""With fewer, or fewer customers who stay, everybody is given the same curve."""
FAMILIES = ("cox", "weibull")
EVALUATED_SHARE = 4
"""The last quarter of the days with a known outcome, up to `HORIZON`, is what evaluation follows."""


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Register a champion for `churn`; without a sale, or with days too few to see anybody stay away, there is none."""
    seen = read_activity(settings, as_of)
    until, silence = as_of.toordinal(), silence_days(seen)
    rows = training_rows(seen, until, silence)
    if len(rows.user) == 0:
        return registry.nothing_to_learn("churn")
    model = fit(rows, silence)
    metrics = evaluate(seen, until, silence)
    version = registry.register(
        settings,
        registry.Training(
            task="churn",
            loader="ml.churn.model",
            save=model.save,
            inputs=dict.fromkeys(COVARIATES, "double"),
            parameters={
                "family": model.family,
                "silence_days": silence,
                "horizon_days": HORIZON,
                "penalty": PENALTY,
                "rows": len(rows.user),
                "events": int(rows.event_observed.sum()),
                "seed": seed,
                "as_of": as_of,
            },
            data_versions=tables.gold_versions(settings, READS),
            metrics=metrics,
        ),
    )
    return registry.Summary("churn", version, metrics)


def fit(rows: Landmark, silence: int) -> ChurnModel:
    """The family that comes closer on a fifth of the customers, fitted without them; then fitted on all of them.

    Cox is in the choice only where somebody was followed for `HORIZON` days: it says nothing of longer times.
    """
    is_tried = rows.user % 5 == 0
    families = [family for family in FAMILIES if family != "cox" or rows.duration.max() >= HORIZON]
    if len(families) > 1 and 0 < is_tried.sum() < len(is_tried):
        families.sort(key=lambda family: _error(fit_family(family, _part(rows, ~is_tried), silence), rows, is_tried))
    return fit_family(families[0], rows, silence)


def fit_family(family: str, rows: Landmark, silence: int) -> ChurnModel:
    """A model of this family; the Kaplan-Meier curve for all where there are too few events, or no fit converges."""
    names = [name for name in COVARIATES if float(rows.covariates[name].std()) > 1e-9]
    values = logged(rows.covariates, names)
    mean, deviation = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-12)
    observed = kaplan_meier(rows.duration, rows.event_observed, DAYS)
    events = float(rows.event_observed.sum())
    if names and min(events, len(rows.user) - events) >= LEAST_EVENTS:
        scaled = rows.covariates[names].copy()
        scaled[names] = (values - mean) / deviation
        try:
            fitted = _fitted(family, scaled, rows)
        except ConvergenceError:
            pass
        else:
            return ChurnModel(family, silence, names, mean, deviation, *fitted, observed)
    none = np.zeros(0)
    return ChurnModel("kaplan_meier", silence, [], none, none, none, -np.log(np.maximum(observed, 1e-12)), observed)


def evaluate(seen: Activity, until: int, silence: int) -> list[registry.Metric]:
    """Both families and the one served, fitted with what was known by an earlier day and followed from there on.

    On that day nothing later is known: not the covariates, and of churn only what `silence` days without activity had
    told by then. Only how long a silence has to be is that of today, for it says what is asked.
    """
    known = until - silence - int(seen.day.min())
    horizon = min(HORIZON, known // EVALUATED_SHARE)
    cut = until - silence - horizon
    rows = training_rows(seen.by(cut), cut, silence)
    later = landmark(seen, cut, until, silence)
    if horizon < 1 or len(rows.user) == 0 or len(later.user) == 0:
        return [registry.Metric("evaluated_customers", 0.0, split="no held-out period")]
    days = np.arange(1.0, horizon + 1.0)
    flat = kaplan_meier(rows.duration, rows.event_observed, days)
    recency = later.covariates["recency_days"].to_numpy(dtype=np.float64)
    outcome = (later.duration, later.event_observed)
    served = fit(rows, silence)
    models = {"": served} | {f"{family}_": fit_family(family, rows, silence) for family in FAMILIES}
    metrics = []
    for name, model in models.items():
        survival = model.survival(later.covariates)[:, 1 : horizon + 1]
        metrics += measures(name, survival, flat, recency, outcome, days)
    return [
        *metrics,
        registry.Metric("evaluated_customers", float(len(later.user))),
        registry.Metric("evaluated_days", float(horizon)),
        registry.Metric("churned_customers", float(later.event_observed.sum())),
    ]


def _fitted(family: str, scaled: pd.DataFrame, rows: Landmark) -> tuple[Floats, Floats]:
    """Log hazard ratios per standard deviation, and H0 of `DAYS`."""
    if family == "cox":
        cox = fit_cox(scaled, rows.duration, rows.event_observed)
        return np.array(list(cox.coefficients.values())), cox.cumulative_hazard(DAYS)
    weibull = fit_weibull(scaled, rows.duration, rows.event_observed)
    return np.array(list(weibull.log_hazard_ratios.values())), weibull.cumulative_hazard(DAYS)


def _error(model: ChurnModel, rows: Landmark, is_tried: npt.NDArray[np.bool_]) -> float:
    tried = _part(rows, is_tried)
    followed = int(min(HORIZON, tried.duration.max()))
    survival = model.survival(tried.covariates)[:, 1 : followed + 1]
    return integrated_brier_score(survival, tried.duration, tried.event_observed, DAYS[1 : followed + 1])


def _part(rows: Landmark, chosen: npt.NDArray[np.bool_]) -> Landmark:
    return Landmark(
        rows.user[chosen],
        rows.covariates[chosen].reset_index(drop=True),
        rows.duration[chosen],
        rows.event_observed[chosen],
    )
