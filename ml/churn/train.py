"""Fit Cox and Weibull on earlier landmarks, measure them on a later one, register Cox fitted on everything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lakehouse.settings import Settings
from ml import registry
from ml.arrays import Floats
from ml.churn.activity import Activity, read_activity
from ml.churn.evaluate import kaplan_meier, measures
from ml.churn.features import (
    COVARIATES,
    HORIZON,
    READS,
    Landmark,
    can_be_learnt,
    landmark,
    silence_days,
    training_rows,
)
from ml.churn.fits import PENALTY, fit_cox, fit_weibull
from ml.churn.held_out import held_out
from ml.churn.leaving import Leaving, leaving
from ml.churn.model import DAYS, ChurnModel, logged
from ml.churn.spread import covariance
from ml.held_out import HeldOut
from ml.training import Fit, registered

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LEAST_EVENTS = 20
"""With fewer who left, or fewer who stay, everybody is given the same curve."""
SERVED, BESIDE = "cox", "weibull"
"""Whoever left before the landmark does so on day 1: Cox's curve takes that step, all of Weibull's must bend for it."""
EVALUATED_SHARE = 4
"""The last quarter of the days, up to `HORIZON` of them, is what evaluation follows."""


@dataclass(frozen=True)
class Measured:
    """The model of an earlier day that was followed from there on; None where there was nobody to follow."""

    metrics: list[registry.Metric]
    model: ChurnModel | None
    cut: int
    held_out: HeldOut | None = None


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Register a model of `churn`; without a sale, or with too few days to look back on, there is none."""
    seen = read_activity(settings, as_of)
    until, silence = as_of.toordinal(), silence_days(seen)
    if not can_be_learnt(seen, until, silence):
        return registry.nothing_to_learn("churn")
    left = leaving(seen, until, silence)
    rows = training_rows(seen, until, silence, left)
    model = fit_family(SERVED, rows, silence)
    measured = evaluate(seen, until, silence, left)
    twin = measured.model
    fit = Fit(
        "churn",
        model.save,
        dict.fromkeys(COVARIATES, "double"),
        {
            "family": model.family,
            "silence_days": silence,
            "horizon_days": HORIZON,
            "penalty": PENALTY,
            "rows": len(rows.user),
            "events": float(rows.weight @ rows.event_observed),
        },
        READS,
        measured.metrics,
        None if twin is None else registry.Twin(twin.save, str(measured.cut)),
        measured.held_out,
    )
    return registered(settings, fit, as_of, seed)


def fit_family(family: str, rows: Landmark, silence: int) -> ChurnModel:
    """A model of this family; the Kaplan-Meier curve for all where there are too few events, or no fit converges."""
    from lifelines.exceptions import ConvergenceError

    names = [name for name in COVARIATES if float(rows.covariates[name].std()) > 1e-9]
    values = logged(rows.covariates, names)
    mean, deviation = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-12)
    observed = kaplan_meier(rows.duration, rows.event_observed, DAYS, rows.weight)
    events = float(rows.weight @ rows.event_observed)
    if names and min(events, float(rows.weight.sum()) - events) >= LEAST_EVENTS:
        scaled = rows.covariates[names].copy()
        scaled[names] = (values - mean) / deviation
        try:
            coefficients, hazard = _fitted(family, scaled, rows)
        except ConvergenceError:
            pass
        else:
            spread = _covariance(scaled.to_numpy(np.float64), coefficients, rows)
            return ChurnModel(family, silence, names, mean, deviation, coefficients, hazard, observed, spread)
    none = np.zeros(0)
    hazard = -np.log(np.maximum(observed, 1e-12))
    spread = _covariance(np.zeros((len(values), 0)), none, rows)
    return ChurnModel("kaplan_meier", silence, [], none, none, none, hazard, observed, spread)


def evaluate(seen: Activity, until: int, silence: int, left: Leaving) -> Measured:
    """The family served and the other, fitted with what was known by an earlier day and followed from there on.

    On that day nothing later is known: not the covariates, and of leaving only how likely it was by then. Only the
    silence that makes somebody lapsed is that of today, for it says of whom is asked.

    Args:
        left: who has left as it is known by `until`.
    """
    cut = evaluation_cut(seen, until)
    rows = training_rows(seen.by(cut), cut, silence, leaving(seen, cut, silence))
    later = landmark(seen, cut, until, silence, left)
    horizon = until - cut
    if horizon < 1 or len(rows.user) == 0 or len(later.user) == 0:
        return Measured([registry.Metric("evaluated_customers", 0.0, split="no held-out period")], None, cut)
    days = np.arange(1.0, horizon + 1.0)
    flat = kaplan_meier(rows.duration, rows.event_observed, days, rows.weight)
    models = {family: fit_family(family, rows, silence) for family in (SERVED, BESIDE)}
    metrics, survival = [], {}
    for name, family in (("", SERVED), (f"{BESIDE}_", BESIDE)):
        survival[family] = models[family].survival(later.covariates)[:, 1 : horizon + 1]
        metrics += measures(name, survival[family], flat, later, days)
    return Measured(
        [
            *metrics,
            registry.Metric("evaluated_customers", float(later.weight.sum())),
            registry.Metric("evaluated_days", float(horizon)),
            registry.Metric("churned_customers", float(later.weight @ later.event_observed)),
        ],
        models[SERVED],
        cut,
        held_out(seen.customers[later.user], survival[SERVED], flat, later, days, {f"{BESIDE}_": survival[BESIDE]}),
    )


def evaluation_cut(seen: Activity, until: int) -> int:
    """The day up to which evaluation knows: the rest of the days, at most `HORIZON`, is followed."""
    known = until - int(seen.day.min())
    return until - min(HORIZON, known // EVALUATED_SHARE)


def _covariance(scaled: Floats, coefficients: Floats, rows: Landmark) -> Floats:
    outcome = rows.duration, rows.event_observed, rows.weight
    return covariance(scaled, coefficients, outcome, rows.user, float(HORIZON), PENALTY)


def _fitted(family: str, scaled: pd.DataFrame, rows: Landmark) -> tuple[Floats, Floats]:
    """Log hazard ratios per standard deviation, and H0 of `DAYS`."""
    if family == "cox":
        cox = fit_cox(scaled, rows.duration, rows.event_observed, weight=rows.weight)
        return np.array(list(cox.coefficients.values())), cox.extended(DAYS)
    weibull = fit_weibull(scaled, rows.duration, rows.event_observed, weight=rows.weight)
    return np.array(list(weibull.log_hazard_ratios.values())), weibull.cumulative_hazard(DAYS)
