"""The fits: on a row per customer, so by scikit-learn and SciPy in this process, whichever engine answers the SQL."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ml.arrays import Floats, Ints
from ml.calibration import PRIOR_DEVIATION
from ml.traits.spending import BANDS, SpendingModel, softmax

STRENGTH_OF_HABITS, STRENGTH_OF_SPENDING = 1.0, 0.03
"""scikit-learn's C. Of .1, 1 and 10 and of .003, .01, .03 and .1 those with the best log loss, to two places, on the
sample (seed 7): in five folds and on the later days."""


def fit_habits(shares: Floats, is_female: Floats) -> tuple[Floats, float]:
    """Coefficients and intercept of the log-odds of a woman by shares; both genders must be there."""
    from sklearn.linear_model import LogisticRegression

    # Newton's method: with few columns it takes a handful of steps to the last digits.
    fitted = LogisticRegression(C=STRENGTH_OF_HABITS, solver="newton-cholesky", tol=1e-8).fit(shares, is_female > 0)
    return np.asarray(fitted.coef_[0], dtype=np.float64), float(fitted.intercept_[0])


def fit_spending(columns: Floats, band: Ints, tokens: Sequence[str], lookback: int, horizon: int) -> SpendingModel:
    """The bands by these columns (`spending.columns_of`); all bands must be there."""
    from sklearn.linear_model import LogisticRegression

    is_told = ~np.isnan(columns)
    rows = np.maximum(is_told.sum(axis=0), 1)
    mean = np.where(is_told, columns, 0.0).sum(axis=0) / rows
    spread = np.sqrt(np.where(is_told, (columns - mean) ** 2, 0.0).sum(axis=0) / rows)
    unfitted = SpendingModel(
        tokens,
        mean,
        np.where(spread > 1e-9, spread, 1.0),
        np.zeros((columns.shape[1], len(BANDS))),
        np.zeros(len(BANDS)),
        lookback,
        horizon,
    )
    fitted = LogisticRegression(C=STRENGTH_OF_SPENDING, solver="newton-cholesky", tol=1e-8).fit(
        unfitted.scaled(columns), band
    )
    return SpendingModel(
        tokens, unfitted.mean, unfitted.deviation, fitted.coef_.T, fitted.intercept_, lookback, horizon
    )


def inverse_temperature(scores: Floats, band: Ints) -> float:
    """The slope that makes these scores of rows not learnt from most likely, with a normal prior of its logarithm."""
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(band))

    def loss(log_slope: float) -> float:
        told = softmax(np.exp(log_slope) * scores)[rows, band]
        return float(-np.log(np.maximum(told, 1e-300)).sum() + 0.5 * (log_slope / PRIOR_DEVIATION) ** 2)

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 2.0), method="bounded").x))
