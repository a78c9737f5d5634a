from __future__ import annotations

import numpy as np
import pytest

from ml.churn.activity import Activity, activity
from ml.churn.features import (
    at_risk,
    can_be_learnt,
    covariates,
    landmark,
    landmark_days,
    silence_days,
    training_rows,
)
from ml.churn.leaving import Leaving, leaving

CUSTOMERS = np.array(["ann", "bob", "cho", "dee"], dtype=object)
# (customer, day, is_bought, gross_cents, discount_cents, is_ticket)
ROWS = np.array(
    [
        (0, 10, 1, 5000, 500, 0),
        (0, 10, 0, 0, 0, 0),
        (0, 40, 0, 0, 0, 1),
        (0, 40, 1, 3000, 0, 0),
        (0, 80, 0, 0, 0, 0),
        (1, 20, 1, 1000, 0, 0),
        (2, 35, 1, 2000, 0, 0),
        (2, 45, 0, 0, 0, 0),
        (3, 30, 0, 0, 0, 0),
        (3, 70, 1, 1000, 0, 0),
    ]
)
PERIODS = np.array([(0, 5, 60), (2, 50, 400)])


def shop() -> Activity:
    return activity(CUSTOMERS, ROWS[::-1], PERIODS)


def test_covariates_of_a_day_are_what_was_known_at_its_end() -> None:
    user, told = covariates(shop(), 40)
    assert user.tolist() == [0, 1, 2]  # dee had not bought yet
    ann = told.iloc[0]
    assert (ann["recency_days"], ann["tenure_days"], ann["order_day_count"]) == (0, 30, 2)
    assert (ann["average_order_amount"], ann["ticket_count_90d"], ann["is_member"]) == (40.0, 1, 1)
    assert ann["discount_rate"] == pytest.approx(5 / 80)
    assert ann["active_days_per_month"] == pytest.approx(30 * 2 / 31)
    # bob's one active day, in the least window of 30 days, and 20 days without him since.
    assert told.iloc[1][["active_days_per_month", "missed_active_days"]].tolist() == [1.0, pytest.approx(20 / 30)]
    assert told["is_member"].tolist() == [1, 0, 0]  # cho's begins on day 50
    assert covariates(shop(), 61)[1]["is_member"].tolist() == [0, 0, 1]  # ann's has ended


def test_who_is_silent_for_long_enough_is_not_at_risk_any_more() -> None:
    assert at_risk(shop(), 40, 20)[0].tolist() == [0, 2]
    assert at_risk(shop(), 40, 21)[0].tolist() == [0, 1, 2]


def told_of(chance: list[float], day: list[int]) -> Leaving:
    return Leaving(np.array(chance), np.array(day))


def test_every_customer_ends_in_both_ways_each_weighing_as_much_as_it_is_probable() -> None:
    """Landmark 40, known until 100: ann has left with 0.25, on day 90; bob surely, before; cho hardly and late."""
    told = landmark(shop(), 40, 100, 30, told_of([0.25, 1.0, 1e-6, 0.0], [90, 25, 70, 0]))
    assert told.user.tolist() == [0, 0, 1, 2]
    assert told.weight == pytest.approx([0.25, 0.75, 1.0, 1.0], abs=1e-5)
    assert told.event_observed.tolist() == [1, 0, 1, 0]
    assert told.duration.tolist() == [50, 60, 1, 60]
    assert told.covariates["recency_days"].tolist() == [0, 0, 20, 0 - 35 + 40]


def test_who_leaves_after_the_last_known_day_is_still_there() -> None:
    told = landmark(shop(), 40, 60, 30, told_of([1.0, 1.0, 1.0, 0.0], [61, 25, 60, 0]))
    assert told.duration.tolist() == [20, 1, 20]
    assert told.event_observed.tolist() == [0, 1, 1]


def test_landmarks_are_a_third_of_a_silence_apart_over_half_a_year_with_days_before_and_after_them() -> None:
    assert landmark_days(shop(), 100, 30) == [20, 30, 40, 50, 60, 70, 80, 90]
    assert landmark_days(shop(), 25, 30) == []
    assert landmark_days(shop(), 700, 90) == [520, 550, 580, 610, 640, 670]


def test_the_silence_is_the_99th_percentile_of_gaps_within_its_bounds() -> None:
    # Days 0, 1, 2 ... of one customer: gaps of 1, but at least 14; a quarter of 400 days is 100, but at most 90.
    assert silence_days(_every(1, 400)) == 14
    assert silence_days(_every(20, 400)) == 20
    assert silence_days(_every(200, 1000)) == 90
    assert silence_days(_every(40, 120)) == 30  # 121 days // 4


def _every(gap: int, until: int) -> Activity:
    days = np.arange(0, until + 1, gap)
    rows = np.zeros((len(days), 6), dtype=np.int64)
    rows[:, 1], rows[:, 2] = days, 1
    return activity(CUSTOMERS[:1], rows, np.zeros((0, 3), dtype=np.int64))


def test_shuffling_the_future_changes_no_covariate_and_nothing_that_is_learned() -> None:
    """Leakage: days after the cut are given to others, at other times, with other amounts; all is as before."""
    rng = np.random.default_rng(2)
    rows = np.column_stack(
        [rng.integers(0, 4, 400), rng.integers(0, 300, 400), rng.random(400) < 0.4, *rng.integers(0, 900, (2, 400)),
         rng.random(400) < 0.1]
    ).astype(np.int64)  # fmt: skip
    later = rows[:, 1] > 200
    other = rows.copy()
    other[later] = np.column_stack([rng.permutation(column) for column in rows[later].T])
    other[later, 1] = rng.integers(201, 300, later.sum())
    first, second = (activity(CUSTOMERS, each, PERIODS) for each in (rows, other))
    assert not np.array_equal(first.day, second.day)
    assert covariates(first, 200)[1].equals(covariates(second, 200)[1])
    told = [training_rows(known, 200, 30, leaving(known, 200, 30)) for known in (first.by(200), second.by(200))]
    assert len(told[0].user) > 0
    assert told[0].covariates.equals(told[1].covariates)
    assert told[0].duration.tolist() == told[1].duration.tolist()
    assert told[0].weight.tolist() == told[1].weight.tolist()
    # And the test would see a leak: a landmark of a day after the cut does change.
    assert not covariates(first, 250)[1].equals(covariates(second, 250)[1])


def test_a_day_without_anybody_has_no_landmarks() -> None:
    empty = activity(CUSTOMERS[:0], np.zeros((0, 6), dtype=np.int64), np.zeros((0, 3), dtype=np.int64))
    none = told_of([], [])
    assert len(training_rows(empty, 100, 14, none).user) == 0
    assert not can_be_learnt(empty, 100, 14)
    assert can_be_learnt(shop(), 100, 30)
    assert len(landmark(shop(), 5, 100, 14, told_of([0.0] * 4, [0] * 4)).user) == 0  # nobody had bought by then
