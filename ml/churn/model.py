"""The churn model: a cumulative hazard by day and what each covariate does to it, as one JSON file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.arrays import Floats, Ints
from ml.churn.features import HORIZON, LOGGED
from ml.churn.spread import interval

DAYS = np.arange(HORIZON + 1, dtype=np.float64)


@dataclass(frozen=True)
class ChurnModel:
    """H(t | z) = H0(t) exp(gamma z), z the covariates (logged where `LOGGED`) in standard deviations from their means.

    Args:
        family: what was fitted: cox, weibull, or kaplan_meier where there was too little to tell customers apart.
        silence: days without activity after which a buyer is lapsed.
        names: the covariates that vary; `mean`, `deviation` and `coefficients` (gamma) go with them.
        cumulative_hazard: H0 of the days 0 to `HORIZON` after the landmark.
        observed: Kaplan-Meier survival of the training rows on the same days.
        covariance: of the coefficients and, last, of log H0(`HORIZON`), over customers (`spread.covariance`).
    """

    family: str
    silence: int
    names: list[str]
    mean: Floats
    deviation: Floats
    coefficients: Floats
    cumulative_hazard: Floats
    observed: Floats
    covariance: Floats

    def contributions(self, covariates: pd.DataFrame) -> Floats:
        """Customers x `names`: what each covariate adds to the log hazard, beside a customer who is average in it."""
        return (logged(covariates, self.names) - self.mean) / self.deviation * self.coefficients

    def survival(self, covariates: pd.DataFrame) -> Floats:
        """Customers x days 0 to `HORIZON`: the chance of not having churned by the end of each day."""
        hazard = np.exp(np.clip(self.contributions(covariates).sum(axis=1), -30.0, 30.0))
        return np.asarray(np.exp(-hazard[:, None] * self.cumulative_hazard))

    def interval(self, covariates: pd.DataFrame) -> tuple[Floats, Floats]:
        """95 % intervals of the probability to leave within `HORIZON` days: how far another sample of customers might
        have moved it. Not where one customer will end: that is the probability's own matter.
        """
        scaled = (logged(covariates, self.names) - self.mean) / self.deviation
        level = np.log(max(1e-300, float(self.cumulative_hazard[-1])))
        gradient = np.column_stack([scaled, np.ones(len(scaled))])
        return interval(scaled @ self.coefficients + level, gradient, self.covariance)

    def predict(self, covariates: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """`churn_probability` within `HORIZON` days, its interval, `median_days_to_churn` for rows of `COVARIATES`."""
        survival = self.survival(covariates)
        low, high = self.interval(covariates)
        return pd.DataFrame(
            {
                "churn_probability": 1.0 - survival[:, -1],
                "churn_probability_low": low,
                "churn_probability_high": high,
                "median_days_to_churn": median_days(survival),
            }
        )

    def save(self, folder: Path) -> None:
        """Write `churn.json`."""
        content = {
            name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(self).items()
        }
        (folder / "churn.json").write_text(json.dumps(content, indent=1))


def load(folder: Path) -> ChurnModel:
    """The model that `save` wrote."""
    content = json.loads((folder / "churn.json").read_text())
    return ChurnModel(
        family=content["family"],
        silence=content["silence"],
        names=content["names"],
        mean=np.array(content["mean"]),
        deviation=np.array(content["deviation"]),
        coefficients=np.array(content["coefficients"]),
        cumulative_hazard=np.array(content["cumulative_hazard"]),
        observed=np.array(content["observed"]),
        covariance=np.array(content["covariance"]),
    )


def logged(covariates: pd.DataFrame, names: list[str]) -> Floats:
    """Customers x `names`, log1p of days, counts and amounts."""
    values = covariates[names].to_numpy(dtype=np.float64)
    is_logged = np.array([name in LOGGED for name in names], dtype=np.bool_)
    return np.where(is_logged, np.log1p(np.maximum(values, 0.0)), values)


def median_days(survival: Floats) -> Floats:
    """The first day on which half are gone, of each row; NaN where that is beyond the last day.

    Args:
        survival: customers x days, from day 0.
    """
    is_gone = survival <= 0.5
    return np.where(is_gone.any(axis=1), is_gone.argmax(axis=1), np.nan)


def peak_day(survival: Floats) -> Ints:
    """The day, from 1, on which the chance to churn is highest for who is still there; the first of equal ones.

    The discrete hazard 1 - S(t) / S(t - 1), customers x days.
    """
    hazard = 1.0 - survival[:, 1:] / np.maximum(survival[:, :-1], 1e-300)
    return np.asarray(np.round(hazard, 12).argmax(axis=1) + 1, dtype=np.int64)


def _load_pyfunc(path: str) -> ChurnModel:
    """MLflow's entry point."""
    return load(Path(path))
