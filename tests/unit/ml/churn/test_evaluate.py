from __future__ import annotations

import numpy as np
import pytest
from lifelines import KaplanMeierFitter

from ml.churn.evaluate import brier_scores, calibration_error, concordance, integrated_brier_score, kaplan_meier

# Four customers: gone on day 1, censored on day 2, gone on day 3, still there on day 4.
DURATION = np.array([1.0, 2.0, 3.0, 4.0])
EVENT = np.array([1.0, 0.0, 1.0, 0.0])


def test_kaplan_meier_is_that_of_lifelines_with_ties_and_censoring() -> None:
    rng = np.random.default_rng(3)
    duration, event = rng.integers(1, 12, 80).astype(float), (rng.random(80) < 0.6).astype(float)
    days = np.array([0.0, 1.0, 3.5, 7.0, 40.0])
    told = KaplanMeierFitter().fit(duration, event).survival_function_at_times(days).to_numpy()
    assert kaplan_meier(duration, event, days) == pytest.approx(told)


def test_the_brier_score_weighs_in_who_was_censored() -> None:
    """Everybody is predicted to stay with 0.6 on day 1, 0.5 on day 2 and 0.4 on day 3.

    Censoring: one of three on day 2, so G = 1, 2/3, 2/3 on days 1 to 3.
    Day 1: (0.6^2 + 3 x 0.4^2) / 4 = 0.21. Day 2: (0.5^2 + 0 + 2 x 0.5^2 / (2/3)) / 4 = 0.25.
    Day 3: (0.4^2 + 0 + 0.4^2 / (2/3) + 0.6^2 / (2/3)) / 4 = 0.235.
    """
    days = np.array([1.0, 2.0, 3.0])
    survival = np.tile([0.6, 0.5, 0.4], (4, 1))
    assert brier_scores(survival, DURATION, EVENT, days) == pytest.approx([0.21, 0.25, 0.235])
    # Trapezoids: (0.21 + 0.25) / 2 + (0.25 + 0.235) / 2, over two days.
    assert integrated_brier_score(survival, DURATION, EVENT, days) == pytest.approx((0.23 + 0.2425) / 2)


def test_who_is_censored_on_the_day_of_an_event_was_still_followed_before_it() -> None:
    """One goes on day 1 and one is censored: G(1-) = 1 for the first, G(1) = 2/3 for the third, who stays."""
    scores = brier_scores(np.full((3, 1), 0.6), np.array([1.0, 1.0, 9.0]), np.array([1.0, 0.0, 0.0]), np.array([1.0]))
    assert scores == pytest.approx([(0.36 + 0.16 / (2 / 3)) / 3])


def test_a_prophet_has_an_integrated_brier_score_of_0() -> None:
    days = np.array([1.0, 2.0, 3.0])
    survival = (DURATION[:, None] > days).astype(float)
    assert integrated_brier_score(survival, DURATION, EVENT, days) == 0.0


def test_without_censoring_the_brier_score_is_the_mean_squared_error() -> None:
    rng = np.random.default_rng(5)
    duration, days = rng.integers(1, 30, 50).astype(float), np.arange(1.0, 20.0)
    survival = rng.random((50, len(days)))
    told = ((survival - (duration[:, None] > days)) ** 2).mean(axis=0)
    assert brier_scores(survival, duration, np.ones(50), days) == pytest.approx(told)


def test_concordance_counts_the_pairs_of_which_the_order_is_known() -> None:
    # Known pairs: 1 before 2, 3, 4 and 3 before 4. Of these 1 before 2 is wrong and 3 before 4 is a tie.
    risk = np.array([0.5, 0.9, 0.1, 0.1])
    assert concordance(risk, DURATION, EVENT) == pytest.approx((0 + 1 + 1 + 0.5) / 4)
    assert concordance(risk, DURATION, np.zeros(4)) == 0.5


def test_calibration_compares_each_fifth_with_its_own_kaplan_meier() -> None:
    """Ten customers in five pairs, half of each gone on day 1; predicted 0.5 but for one pair with 0.7: 0.2 / 5."""
    duration, event = np.tile([1.0, 9.0], 5), np.tile([1.0, 0.0], 5)
    survival = np.array([0.5] * 8 + [0.7] * 2)
    assert calibration_error(survival, duration, event, 1.0) == pytest.approx(0.04)


def test_a_weight_of_two_is_a_customer_twice() -> None:
    rng = np.random.default_rng(6)
    duration, event = rng.integers(1, 9, 40).astype(float), (rng.random(40) < 0.5).astype(float)
    days, survival = np.arange(1.0, 9.0), np.sort(rng.random((40, 8)))[:, ::-1]
    weight, twice = np.r_[np.full(10, 2.0), np.ones(30)], np.r_[np.arange(10), np.arange(40)]
    assert kaplan_meier(duration, event, days, weight) == pytest.approx(
        kaplan_meier(duration[twice], event[twice], days)
    )
    assert brier_scores(survival, duration, event, days, weight) == pytest.approx(
        brier_scores(survival[twice], duration[twice], event[twice], days)
    )
