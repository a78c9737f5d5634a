from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from ml.calibration import offset, sigmoid, slope


def overconfident(rows: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds twice as far from their mean (-3) as the truth."""
    rng = np.random.default_rng(2)
    truth = rng.normal(-3.0, 0.8, rows)
    return -3.0 + 2.0 * (truth + 3.0), (rng.random(rows) < sigmoid(truth)).astype(float)


def test_the_slope_undoes_overconfidence_as_an_unpenalised_logistic_regression_does() -> None:
    logit, clicked = overconfident()
    platt = LogisticRegression(C=np.inf, tol=1e-8).fit(logit[:, None], clicked)

    assert slope(logit, clicked) == pytest.approx(0.5, abs=0.06)
    assert slope(logit, clicked) == pytest.approx(platt.coef_[0, 0], abs=0.01)
    assert offset(logit, clicked, slope(logit, clicked)) == pytest.approx(platt.intercept_[0], abs=0.02)


def test_after_the_offset_the_mean_prediction_is_the_click_rate() -> None:
    logit, clicked = overconfident()
    moved = sigmoid(0.5 * logit + offset(logit, clicked, 0.5))
    assert moved.mean() == pytest.approx(clicked.mean(), rel=0.01)


def test_without_rows_nothing_changes() -> None:
    empty = np.empty(0)
    assert (slope(empty, empty), offset(empty, empty, 1.0)) == (1.0, 0.0)


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(0, 1000), st.sampled_from([0.0, 0.5, 1.0]))
def test_few_or_one_sided_clicks_keep_the_calibration_finite_and_in_order(rows: int, seed: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    logit, clicked = rng.normal(-4, 3, rows), (rng.random(rows) < rate).astype(float)
    stretch = slope(logit, clicked)
    assert stretch >= 0
    assert np.isfinite(offset(logit, clicked, stretch))
