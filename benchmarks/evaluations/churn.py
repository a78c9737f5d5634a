"""Churn: Rossi's published coefficients, and the planted churn dates of generated shops.

The shops have seeds that nothing was developed with; their truth is read here and nowhere else. On the day of the cut
the model knows what was known by then; followed is who was at risk on that day, to the planted day of churn or the end
of the window. Two cuts: the last 90 days, which is what a training follows too, and the earlier day on which the first
edition of the model was judged (a silence of 90 days before that). Whether intervals are as wide as they should be is
asked without any truth: two models learnt from either half of the customers may differ by as much as both admit.
"""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.evaluations import DataSet, Row
from benchmarks.generated_shop import AS_OF
from benchmarks.planted import SEEDS, SHOPS, shop
from lakehouse.settings import load_settings
from ml.churn.activity import Activity, read_activity
from ml.churn.evaluate import concordance, integrated_brier_score, kaplan_meier
from ml.churn.features import HORIZON, at_risk, covariates, silence_days, training_rows
from ml.churn.fits import fit_cox, fit_weibull
from ml.churn.leaving import leaving
from ml.churn.model import ChurnModel
from ml.churn.spread import Z
from ml.churn.train import BESIDE, EVALUATED_SHARE, SERVED, evaluation_cut, fit_family

COX = {"fin": -0.379, "age": -0.057, "race": 0.314, "wexp": -0.150, "mar": -0.434, "paro": -0.085, "prio": 0.091}
"""Allison, "Survival Analysis Using SAS" (2010), and the documentation of lifelines."""
WEIBULL = {"fin": 0.272, "age": 0.041, "race": -0.225, "wexp": 0.107, "mar": 0.311, "paro": 0.059, "prio": -0.066}
"""Of log time: the documentation of lifelines."""
HALVINGS = 10
LEAST_COVERAGE = 0.9


def _shops() -> list[Row]:
    told: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="churn-") as folder:  # one for all: the engine keeps that of the first
        for customers, days in SHOPS:
            for seed in SEEDS:
                settings, truth = shop(Path(folder) / f"{days}-{seed}", customers, days, seed)
                seen = read_activity(settings, AS_OF)
                measured = against_planted(seen, truth["churned_on"]) + halves(seen, seed)
                told += [(f"{days} days, seed {seed}, {what}", *one) for what, *one in measured]
    return told


def _published() -> list[Row]:
    rossi = pd.read_csv(load_settings().data_dir / "rossi.csv.gz")
    given = rossi.drop(columns=["week", "arrest"]), rossi["week"].to_numpy(float), rossi["arrest"].to_numpy(float)
    told: list[Row] = []
    for name, found, known in (
        ("Cox", fit_cox(*given, penalty=0.0).coefficients, COX),
        ("Weibull", fit_weibull(*given, penalty=0.0).coefficients, WEIBULL),
    ):
        worst = max(abs(found[covariate] - value) for covariate, value in known.items())
        ours = ", ".join(f"{covariate} {found[covariate]:.4f}" for covariate in known)
        published = ", ".join(f"{covariate} {value:.3f}" for covariate, value in known.items())
        told.append((f"{name} coefficients of rossi", ours, published, worst < 0.0006))
    return told


def against_planted(seen: Activity, churned_on: pd.Series) -> list[Row]:
    """The figures of both cuts.

    Args:
        churned_on: the planted day by customer, null for those who stay.
    """
    until, silence = AS_OF.toordinal(), silence_days(seen)
    known = until - silence - int(seen.day.min())
    earlier = until - silence - min(HORIZON, known // EVALUATED_SHARE)
    return [row for cut in (evaluation_cut(seen, until), earlier) for row in from_cut(seen, churned_on, cut, silence)]


def from_cut(seen: Activity, churned_on: pd.Series, cut: int, silence: int) -> list[Row]:
    """Concordance and integrated Brier score on the planted days, beside simpler methods on the same customers."""
    known = seen.by(cut)
    learnt = training_rows(known, cut, silence, leaving(known, cut, silence))
    user, told = at_risk(seen, cut, silence)
    outcome = planted(seen, churned_on, user, cut)
    days = np.arange(1.0, min(float(HORIZON), float(AS_OF.toordinal() - cut)) + 1.0)
    score = integrated_brier_score
    recency = concordance(told["recency_days"].to_numpy(dtype=np.float64), *outcome)
    shape = (len(user), len(days))
    flat = kaplan_meier(learnt.duration, learnt.event_observed, days, learnt.weight)
    same, stay = (score(np.broadcast_to(curve, shape), *outcome, days) for curve in (flat, np.ones(len(days))))
    of = f"{date.fromordinal(cut)}: {len(user)} buyers, {int(outcome[1].sum())} planted"
    gone = float(((outcome[0] <= HORIZON) & (outcome[1] > 0)).mean())
    answer: list[Row] = []
    for family in (SERVED, BESIDE):
        model = fit_family(family, learnt, silence)
        survival = model.survival(told)[:, 1 : len(days) + 1]
        ranked = concordance(1.0 - survival[:, -1], *outcome)
        error, mean = score(survival, *outcome, days), float(1.0 - survival[:, -1].mean())
        brier = f"{of}; {family}: integrated Brier score"
        answer += [
            (f"{of}; {family}: concordance", f"{ranked:.3f}", f"recency {recency:.3f}", ranked > recency),
            (brier, f"{error:.4f}", f"one Kaplan-Meier curve {same:.4f}", error < same),
            (brier, f"{error:.4f}", f"nobody ever leaves {stay:.4f}", error < stay),
        ]
        if family == SERVED:
            level = f"{of}; {family}: mean probability of 90 days"
            answer.append((level, f"{mean:.3f}", f"left {gone:.3f}, within a quarter", abs(mean / gone - 1) <= 0.25))
            answer.append(_lapsed(seen, churned_on, model, cut, of))
    return answer


def planted(seen: Activity, churned_on: pd.Series, user: np.ndarray, cut: int) -> tuple[np.ndarray, np.ndarray]:
    """Days from the cut to the planted day, 1 for who had left already, and whether it came within the window."""
    gone = np.array([np.inf if pd.isna(day) else day.toordinal() for day in churned_on.loc[seen.customers[user]]])
    followed = float(AS_OF.toordinal() - cut)
    duration = np.maximum(gone - cut, 0.0) + 1.0
    return np.minimum(duration, followed), (duration <= followed).astype(np.float64)


def _lapsed(seen: Activity, churned_on: pd.Series, model: ChurnModel, cut: int, of: str) -> Row:
    """Of who has been silent for too long to be rescued: squared error, beside taking them for lost."""
    user, told = covariates(seen, cut)
    is_lapsed = told["recency_days"].to_numpy() >= model.silence
    duration, event = planted(seen, churned_on, user[is_lapsed], cut)
    gone = (duration <= HORIZON) * event
    chance = 1.0 - model.survival(told[is_lapsed])[:, -1]
    error, lost = float(((chance - gone) ** 2).mean()), float(((1.0 - gone) ** 2).mean())
    what = f"{of}; Brier score of the {int(is_lapsed.sum())} lapsed, of whom {gone.mean():.0%} left"
    return what, f"{error:.4f}", f"all of them lost {lost:.4f}", error < lost


def halves(seen: Activity, seed: int) -> list[Row]:
    """How often the log hazards that two halves of the customers teach differ by no more than 1.96 of both errors."""
    until, silence = AS_OF.toordinal(), silence_days(seen)
    user, told = at_risk(seen, until, silence)
    rng, held = np.random.default_rng(seed), []
    for _ in range(HALVINGS):
        is_first = rng.random(len(seen.customers)) < 0.5
        ends = []
        for part in (is_first, ~is_first):
            own = seen.of(part)
            learnt = training_rows(own, until, silence, leaving(own, until, silence))
            low, high = fit_family(SERVED, learnt, silence).interval(told)
            ends.append([np.log(-np.log1p(-end)) for end in (low, high)])
        (low, high), (other_low, other_high) = ends
        apart = np.abs((low + high) - (other_low + other_high)) / 2.0
        error = np.hypot(high - low, other_high - other_low) / (2.0 * Z)
        held.append(float((apart <= Z * error).mean()))
    mean = float(np.mean(held))
    what = f"95 % intervals: {len(user)} buyers, {HALVINGS} halvings of those learnt from"
    return [(what, f"{mean:.3f}", f"0.95, at least {LEAST_COVERAGE}", mean >= LEAST_COVERAGE)]


ON = {"rossi": DataSet(_published, ("rossi.csv.gz",)), "sample": DataSet(_shops)}
