"""Fit Cox and Weibull on earlier landmarks, measure them on a later one, register Cox fitted on everything."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lakehouse.settings import Settings
from ml import registry, tables
from ml.churn.activity import Activity, Floats, read_activity
from ml.churn.evaluate import kaplan_meier, measures
from ml.churn.features import COVARIATES, HORIZON, READS, Landmark, landmark, silence_days, training_rows
from ml.churn.fits import PENALTY, fit_cox, fit_weibull
from ml.churn.held_out import held_out as held_out_of
from ml.churn.model import DAYS, ChurnModel, logged
from ml.held_out import HeldOut

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LEAST_EVENTS = 20
"""With fewer, or fewer customers who stay, everybody is given the same curve."""
SERVED, BESIDE = "cox", "weibull"
"""Whoever left before the landmark churns on day 1: Cox's curve takes that step, all of Weibull's must bend for it."""
EVALUATED_SHARE = 4
"""The last quarter of the days with a known outcome, up to `HORIZON`, is what evaluation follows."""


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Register a champion for `churn`; without a sale, or with days too few to see anybody stay away, there is none."""
    seen = read_activity(settings, as_of)
    until, silence = as_of.toordinal(), silence_days(seen)
    rows = training_rows(seen, until, silence)
    if len(rows.user) == 0:
        return registry.nothing_to_learn("churn")
    model = fit_family(SERVED, rows, silence)
    metrics, held_out = evaluate(seen, until, silence)
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
            held_out=held_out,
        ),
    )
    return registry.Summary("churn", version, metrics)


def fit_family(family: str, rows: Landmark, silence: int) -> ChurnModel:
    """A model of this family; the Kaplan-Meier curve for all where there are too few events, or no fit converges."""
    from lifelines.exceptions import ConvergenceError

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


def evaluate(seen: Activity, until: int, silence: int) -> tuple[list[registry.Metric], HeldOut | None]:
    """The family served and the other, fitted with what was known by an earlier day and followed from there on.

    On that day nothing later is known: not the covariates, and of churn only what `silence` days without activity had
    told by then. Only how long a silence has to be is that of today, for it says what is asked.
    """
    cut = evaluation_cut(seen, until, silence)
    horizon = until - silence - cut
    rows = training_rows(seen.by(cut), cut, silence)
    later = landmark(seen, cut, until, silence)
    if horizon < 1 or len(rows.user) == 0 or len(later.user) == 0:
        return [registry.Metric("evaluated_customers", 0.0, split="no held-out period")], None
    days = np.arange(1.0, horizon + 1.0)
    flat = kaplan_meier(rows.duration, rows.event_observed, days)
    recency = later.covariates["recency_days"].to_numpy(dtype=np.float64)
    outcome = (later.duration, later.event_observed)
    metrics, survival = [], {}
    for name, family in (("", SERVED), (f"{BESIDE}_", BESIDE)):
        model = fit_family(family, rows, silence)
        survival[family] = model.survival(later.covariates)[:, 1 : horizon + 1]
        metrics += measures(name, survival[family], flat, recency, outcome, days)
    told = [
        *metrics,
        registry.Metric("evaluated_customers", float(len(later.user))),
        registry.Metric("evaluated_days", float(horizon)),
        registry.Metric("churned_customers", float(later.event_observed.sum())),
    ]
    return told, held_out_of(seen.customers[later.user], survival[SERVED], flat, recency, outcome, days)


def evaluation_cut(seen: Activity, until: int, silence: int) -> int:
    """The day up to which evaluation knows: the rest of the days with an outcome, at most `HORIZON`, is followed."""
    known = until - silence - int(seen.day.min())
    return until - silence - min(HORIZON, known // EVALUATED_SHARE)


def _fitted(family: str, scaled: pd.DataFrame, rows: Landmark) -> tuple[Floats, Floats]:
    """Log hazard ratios per standard deviation, and H0 of `DAYS`."""
    if family == "cox":
        cox = fit_cox(scaled, rows.duration, rows.event_observed)
        return np.array(list(cox.coefficients.values())), cox.extended(DAYS)
    weibull = fit_weibull(scaled, rows.duration, rows.event_observed)
    return np.array(list(weibull.log_hazard_ratios.values())), weibull.cumulative_hazard(DAYS)
