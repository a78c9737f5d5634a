"""Cox proportional hazards and Weibull accelerated failure time, by lifelines, as plain numbers.

Both are models of proportional hazards, H(t | z) = H0(t) exp(gamma z). For Weibull H0(t) = (t / exp(b0))^rho and
gamma = -rho b, b the coefficients of log time: of accelerated failure times it is the only such one (Kalbfleisch and
Prentice 2002, 2.3.4). So one form serves either.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.arrays import Floats

PENALTY = 0.01
"""Per row, of half the squared coefficients: keeps covariates that go together from cancelling each other."""
DURATION, EVENT, WEIGHT = "duration", "event_observed", "weight"


@dataclass(frozen=True)
class Cox:
    """Coefficients per unit of each covariate (log hazard ratios), and the cumulative hazard where all of them are 0.

    Args:
        times: days on which somebody had the event or was censored, rising; `cumulative`: Breslow's estimate on each.
        log_likelihood: the partial one (Efron's for ties).
    """

    coefficients: dict[str, float]
    times: Floats
    cumulative: Floats
    log_likelihood: float

    def cumulative_hazard(self, days: Floats) -> Floats:
        """H0 of these days; nobody was followed for longer than the last of `times`, and none is added after it."""
        padded = np.concatenate([[0.0], self.cumulative])
        return np.asarray(padded[np.searchsorted(self.times, days, side="right")])

    def extended(self, days: Floats) -> Floats:
        """`cumulative_hazard`, going on after the last of `times` at the mean rate from the first of them on."""
        first, last = float(self.times[0]), float(self.times[-1])
        rate = (float(self.cumulative[-1]) - float(self.cumulative[0])) / max(1.0, last - first)
        return self.cumulative_hazard(days) + rate * np.maximum(days - last, 0.0)


@dataclass(frozen=True)
class Weibull:
    """S(t | x) = exp(-(t / exp(intercept + b x))^rho): coefficients b of log time per unit of each covariate."""

    coefficients: dict[str, float]
    intercept: float
    log_rho: float
    log_likelihood: float

    @property
    def log_hazard_ratios(self) -> dict[str, float]:
        """-rho b: what a unit of each covariate adds to the log hazard."""
        return {name: -float(np.exp(self.log_rho)) * value for name, value in self.coefficients.items()}

    def cumulative_hazard(self, days: Floats) -> Floats:
        """H0 of these days, all covariates 0."""
        return np.asarray((days / np.exp(self.intercept)) ** np.exp(self.log_rho))


def fit_cox(
    covariates: pd.DataFrame,
    duration: Floats,
    event_observed: Floats,
    penalty: float = PENALTY,
    weight: Floats | None = None,
) -> Cox:
    """Maximum partial likelihood (Cox, JRSS B 34, 1972), ties by Efron's way.

    Args:
        covariates: one row per subject, each column with some variance.
        duration: days to the event, or to the end of follow-up, above 0.
        event_observed: 1 for an event, 0 for right-censored.
        weight: how many subjects each row stands for; one without it.

    Raises:
        lifelines.exceptions.ConvergenceError: the covariates separate events from others, or repeat each other.
    """
    from lifelines import CoxPHFitter

    rows = _rows(covariates, duration, event_observed, weight)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = CoxPHFitter(penalizer=penalty).fit(rows, DURATION, EVENT, weights_col=WEIGHT)
    coefficients = fitted.params_[list(covariates.columns)]
    at_mean = fitted.baseline_cumulative_hazard_.iloc[:, 0]
    at_zero = at_mean.to_numpy() * np.exp(-float(covariates.mean().to_numpy() @ coefficients.to_numpy()))
    return Cox(
        {str(name): float(value) for name, value in coefficients.items()},
        at_mean.index.to_numpy(dtype=np.float64),
        np.asarray(at_zero, dtype=np.float64),
        float(fitted.log_likelihood_),
    )


def fit_weibull(
    covariates: pd.DataFrame,
    duration: Floats,
    event_observed: Floats,
    penalty: float = PENALTY,
    weight: Floats | None = None,
) -> Weibull:
    """Maximum likelihood of a Weibull whose scale depends on the covariates; arguments and errors as of `fit_cox`."""
    from lifelines import WeibullAFTFitter

    rows = _rows(covariates, duration, event_observed, weight)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = WeibullAFTFitter(penalizer=penalty).fit(rows, DURATION, EVENT, weights_col=WEIGHT)
    scale = fitted.params_["lambda_"]
    return Weibull(
        {str(name): float(scale[name]) for name in covariates.columns},
        float(scale["Intercept"]),
        float(fitted.params_["rho_"]["Intercept"]),
        float(fitted.log_likelihood_),
    )


def _rows(covariates: pd.DataFrame, duration: Floats, event_observed: Floats, weight: Floats | None) -> pd.DataFrame:
    told = {DURATION: duration, EVENT: event_observed, WEIGHT: np.ones(len(duration)) if weight is None else weight}
    return covariates.reset_index(drop=True).assign(**told)
