from __future__ import annotations

import numpy as np

from ml.churn.activity import activity
from ml.churn.leaving import LEAST_CAME_BACK, histories, leaving

NONE = np.zeros((0, 3), dtype=np.int64)


def shop(*of_customers: tuple[int, list[int]]):  # type: ignore[no-untyped-def]
    """Each customer: the day of the first purchase, and all active days."""
    rows = [
        (number, day, int(day == bought), 0, 0, 0) for number, (bought, days) in enumerate(of_customers) for day in days
    ]
    names = np.array([f"C{number:03d}" for number in range(len(of_customers))], dtype=object)
    return activity(names, np.array(rows), NONE)


def test_a_history_begins_with_the_first_purchase() -> None:
    first, last, active = histories(shop((20, [5, 20, 30, 45]), (99, [10, 12])))
    assert (first[0], last[0], active[0]) == (20, 45, 3)
    assert (first[1], last[1], active[1]) == (0, 0, 0)  # never bought


def test_with_too_few_who_came_back_a_long_silence_is_having_left() -> None:
    told = leaving(shop((10, [10]), (10, [10, 60]), (99, [10])), 80, 30)
    assert told.probability.tolist() == [1.0, 0.0, 0.0]
    assert told.day[:2].tolist() == [11, 61]


def test_the_same_silence_says_more_of_who_came_often() -> None:
    weekly = [(0, list(range(0, 150, 7))) for _ in range(LEAST_CAME_BACK)]
    monthly = [(0, list(range(0, 300, 30))) for _ in range(LEAST_CAME_BACK)]
    shy = [(0, [0, 80, 147])]
    told = leaving(shop(*weekly, *monthly, *shy), 300, 90)
    assert told.probability[0] > 0.95
    assert told.probability[LEAST_CAME_BACK] < 0.3  # last seen on day 270
    assert told.probability[LEAST_CAME_BACK] < told.probability[-1] < told.probability[0]
    assert 148 <= told.day[0] < 170  # about a week after the last visit


def test_nothing_after_the_day_is_looked_at() -> None:
    days = [(0, list(range(0, 200, 9))) for _ in range(30)]
    whole = leaving(shop(*days), 100, 90)
    cut = leaving(shop(*[(0, [day for day in own if day <= 100]) for _, own in days]), 100, 90)
    assert whole.probability.tolist() == cut.probability.tolist()
    assert whole.day.tolist() == cut.day.tolist()
