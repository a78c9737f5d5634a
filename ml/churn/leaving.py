"""Who has left by a day, and when: a chance, for nobody says so (decision 15).

A history is that of a buyer's active days from the first purchase on; before it there is no customer who could leave.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.arrays import Floats, Ints
from ml.churn import paretonbd
from ml.churn.activity import Activity
from ml.churn.paretonbd import ParetoNbd

LEAST_CAME_BACK = 20
"""With fewer buyers who were active on a second day four parameters are not fitted."""
AT_ONCE = 100_000
"""Customers whose chances are worked out together: 16 nodes of each are in memory several times."""


@dataclass(frozen=True)
class Leaving:
    """One entry per customer of `Activity.customers`, as known by a day; nothing of those who had not bought by then.

    Args:
        probability: of having left.
        day: on which they left, as expected, if they did; at the earliest the one after the last active day.
    """

    probability: Floats
    day: Ints


def leaving(seen: Activity, until: int, silence: int) -> Leaving:
    """By a Pareto/NBD of all histories up to the end of day `until`.

    Where too few came back to fit one, who has been silent for `silence` days has left after the last active one.
    """
    known = seen.by(until)
    first, last, active = histories(known)
    has_bought = active > 0
    x, t_x, age = (active - 1.0)[has_bought], (last - first)[has_bought], (until - first)[has_bought]
    probability, delay = np.zeros(len(first)), np.zeros(len(first))
    if int((x > 0).sum()) < LEAST_CAME_BACK:
        probability[has_bought] = (age - t_x >= silence).astype(np.float64)
    else:
        probability[has_bought], delay[has_bought] = _by(paretonbd.fit(x, t_x, age), x, t_x, age)
    return Leaving(probability, (last + np.floor(delay) + 1).astype(np.int64))


def histories(known: Activity) -> tuple[Floats, Floats, Floats]:
    """First purchase, last active day, active days of the two and between; by customer, 0 where nothing is bought."""
    count = len(known.customers)
    first = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(first, known.user[known.is_bought], known.day[known.is_bought])
    is_after = known.day >= first[known.user]
    user, day = known.user[is_after], known.day[is_after]
    last = np.zeros(count, dtype=np.int64)
    np.maximum.at(last, user, day)
    active = np.bincount(user, minlength=count)
    return np.where(active > 0, first, 0).astype(np.float64), last.astype(np.float64), active.astype(np.float64)


def _by(model: ParetoNbd, x: Floats, t_x: Floats, age: Floats) -> tuple[Floats, Floats]:
    probability, delay = np.empty(len(x)), np.empty(len(x))
    for start in range(0, len(x), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        probability[some] = 1.0 - model.alive_probability(x[some], t_x[some], age[some])
        delay[some] = model.expected_leaving(x[some], t_x[some], age[some])
    return probability, delay
