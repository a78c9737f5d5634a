"""Churn: Rossi's published coefficients, and the planted churn dates of a generated shop.

python -m benchmarks.evaluations.churn

The shops have a seed that nothing was developed with; their truth is read here and nowhere else. One is as large as
the sample, the other has two years: of one, less than half can be learned from, for a silence of 90 days has to be
over before it tells anything. On the day of the cut the model knows what was known by then; followed is who was at
risk on that day, to the planted day of churn or the end of the window.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.evaluations import DataSet
from lakehouse.pipeline import AFTER_LANDING, LAND, Progress, Run, perform
from lakehouse.settings import load_settings
from lakehouse.sources import load_source
from lakehouse.synth import generate
from ml.churn.activity import Activity, read_activity
from ml.churn.evaluate import concordance, integrated_brier_score, kaplan_meier
from ml.churn.features import HORIZON, at_risk, silence_days, training_rows
from ml.churn.fits import fit_cox, fit_weibull
from ml.churn.train import BESIDE, SERVED, evaluation_cut, fit_family

Row = tuple[str, str, str, bool]

SHOPS = ((2500, 365), (1500, 730))
"""Customers and days."""
SEED = 20260713
AS_OF = date(2025, 12, 31)
STEPS = ("silver", "as_of", "features")
COX = {"fin": -0.379, "age": -0.057, "race": 0.314, "wexp": -0.150, "mar": -0.434, "paro": -0.085, "prio": 0.091}
"""Allison, "Survival Analysis Using SAS" (2010), and the documentation of lifelines."""
WEIBULL = {"fin": 0.272, "age": 0.041, "race": -0.225, "wexp": 0.107, "mar": 0.311, "paro": 0.059, "prio": -0.066}
"""Of log time: the documentation of lifelines."""


def rows() -> list[Row]:
    """What is measured, our figure, the reference, and whether ours will do."""
    return [*_published(), *_shops()]


def _shops() -> list[Row]:
    told: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="churn-") as folder:  # one for all: the engine keeps that of the first
        for customers, days in SHOPS:
            told += _planted(Path(folder) / str(days), customers, days)
    return told


def _published() -> list[Row]:
    path = load_settings().data_dir / "rossi.csv.gz"
    if not path.exists():
        return [("Rossi's coefficients", f"no {path.name} in {path.parent}", "LAKEHOUSE_DATA_DIR", False)]
    rossi = pd.read_csv(path)
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


def _planted(folder: Path, customers: int, days: int) -> list[Row]:
    files, settings = folder / "files", load_settings(home=folder / "home")
    settings.home.mkdir(parents=True)
    generate(files, customers=customers, days=days, seed=SEED)
    run = Run(settings, [load_source(files / "source.yml")], None, Progress())
    for step in (LAND, *(step for step in AFTER_LANDING if step.name in STEPS)):
        perform(run, step)
    truth = pd.read_parquet(files / "truth" / "customers.parquet").set_index("customer_id")
    seen = read_activity(settings, AS_OF)
    return [(f"{days} days, {what}", *told) for what, *told in against_planted(seen, truth["churned_on"])]


def against_planted(seen: Activity, churned_on: pd.Series) -> list[Row]:
    """Concordance and integrated Brier score on the planted days, beside simpler methods on the same customers.

    Args:
        churned_on: the planted day by customer, null for those who stay.
    """
    until, silence = AS_OF.toordinal(), silence_days(seen)
    cut = evaluation_cut(seen, until, silence)
    learnt = training_rows(seen.by(cut), cut, silence)
    user, told = at_risk(seen, cut, silence)
    gone = np.array([np.inf if pd.isna(day) else day.toordinal() for day in churned_on.loc[seen.customers[user]]])
    followed = float(until - cut)
    duration = np.maximum(gone - cut, 0.0) + 1.0
    outcome = np.minimum(duration, followed), (duration <= followed).astype(np.float64)
    days = np.arange(1.0, min(float(HORIZON), followed) + 1.0)
    score = integrated_brier_score
    recency = concordance(told["recency_days"].to_numpy(dtype=np.float64), *outcome)
    shape = (len(user), len(days))
    flat = kaplan_meier(learnt.duration, learnt.event_observed, days)
    same, stay = (score(np.broadcast_to(curve, shape), *outcome, days) for curve in (flat, np.ones(len(days))))
    seen_of = f"{len(user)} buyers, {int(outcome[1].sum())} planted, {date.fromordinal(cut)}"
    answer: list[Row] = []
    for family in (SERVED, BESIDE):
        survival = fit_family(family, learnt, silence).survival(told)[:, 1 : len(days) + 1]
        ranked = concordance(1.0 - survival[:, -1], *outcome)
        error = score(survival, *outcome, days)
        brier = f"{family}: integrated Brier score, {len(days)} days"
        answer += [
            (f"{family}: concordance ({seen_of})", f"{ranked:.3f}", f"recency {recency:.3f}", ranked > recency),
            (brier, f"{error:.4f}", f"one Kaplan-Meier curve {same:.4f}", error < same),
            (brier, f"{error:.4f}", f"nobody ever leaves {stay:.4f}", error < stay),
        ]
    return answer


ON = {"rossi": DataSet(_published, ("rossi.csv.gz",)), "sample": DataSet(_shops)}


if __name__ == "__main__":
    for what, ours, reference, passed in rows():
        print(f"{'pass' if passed else 'FAIL'}  {what}: {ours}; {reference}")
    sys.exit(0)
