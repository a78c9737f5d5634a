from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from ml.text.evaluate import quality
from ml.text.fits import fit_mood
from ml.text.mood import STRENGTH, Mood

TEXTS = [["good"], ["good", "slow"], ["bad"], ["bad", "slow"], ["so"], ["so", "good"], ["so", "bad"]]
SHARES = np.array([1.0, 0.75, 0.0, 0.25, 0.5, 1.0, 0.0])


def small_fit() -> Mood:
    mood = fit_mood(TEXTS, SHARES, [str(n) for n in range(7)], least_writers=1)
    assert mood is not None
    return mood


def test_the_fit_is_the_minimum_of_the_stated_loss() -> None:
    mood = small_fit()
    inside = mood.known.matrix(TEXTS).toarray()

    def loss(given: np.ndarray) -> float:
        """Half the squared norm, and STRENGTH times the cross entropy of the shares."""
        logit = inside @ given[:-1] + given[-1]
        entropy = np.logaddexp(0, logit) - SHARES * logit
        return float(0.5 * (given[:-1] ** 2).sum() + STRENGTH * entropy.sum())

    best = minimize(loss, np.zeros(inside.shape[1] + 1), method="BFGS", options={"gtol": 1e-8}).x
    assert mood.coefficients == pytest.approx(best[:-1], abs=2e-3)
    assert mood.intercept == pytest.approx(best[-1], abs=2e-3)


def test_unheard_words_leave_the_mean_of_the_intercept() -> None:
    mood = small_fit()
    assert mood.logit([["unheard"], []]).tolist() == [mood.intercept, mood.intercept]
    praise, complaint = mood.probability([["good"], ["bad"]])
    assert praise > 0.6 > 0.4 > complaint


def test_a_fit_repeats_to_the_last_bit() -> None:
    one, other = small_fit(), small_fit()
    assert one.coefficients.tolist() == other.coefficients.tolist()


def test_quality_by_hand() -> None:
    told = quality(np.array([0.9, 0.2, 0.6, 0.3]), np.array([1.0, 0.0, 0.25, 0.5]))
    # Off the middle: 0.9 above, 0.2 and 0.6 below; two of three on their side, and 0.9 above both.
    assert (told.auc, told.accuracy) == (1.0, pytest.approx(2 / 3))
    by_hand = [np.log(0.9), np.log(0.8), 0.25 * np.log(0.6) + 0.75 * np.log(0.4), 0.5 * np.log(0.3 * 0.7)]
    assert told.log_loss == pytest.approx(-np.mean(by_hand))


def test_a_constant_prediction_correlates_with_nothing() -> None:
    told = quality(np.full(3, 0.1), np.array([0.0, 1.0, 1.0]))
    assert (told.correlation, told.auc) == (0.0, 0.5)
