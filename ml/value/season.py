"""How much more than usual is bought at the time of year that comes next, as it was a year before.

BG/NBD has everybody buy at a rate that never changes, and a shop has a November. The purchases of each quarter of last
year are set beside what the same customers would have bought in it at their own rates: that factor is the season's.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from lakehouse.settings import Settings
from ml.arrays import Floats, Ints
from ml.coded import NO_DAY
from ml.happenings import read_happenings

if TYPE_CHECKING:
    from ml.value.bgnbd import BgNbd
    from ml.value.features import Purchases


QUARTERS = ((0, 90), (90, 180), (180, 270), (270, 365))
"""Days ahead: after the first, to the last."""
YEAR = 365
LATE_START = 7
"""So many days of the year before may be missing at its beginning."""
PRIOR_PURCHASES = 50.0
"""Purchases at the usual rate that are put beside those of a quarter: a dozen purchases make no season."""
DAY_BITS = 22
"""Low bits of a number that is of a customer and a day."""


def read_repeat_days(settings: Settings, until: date) -> Ints:
    """The days (ordinals) of all purchases by known customers after their first one, up to `until`, in order.

    As everywhere in this room, a purchase is a customer's day with a sale.
    """
    told = read_happenings(settings)
    is_sale = told.named("kind").is_in("order_line") & told.flags("is_purchase")
    kept = is_sale & (told.day != NO_DAY) & (told.day <= until.toordinal())
    days = np.unique((told.customer[kept].astype(np.int64) << DAY_BITS) + told.day[kept])
    is_repeat = np.diff(days >> DAY_BITS, prepend=-1) == 0
    return np.sort(days[is_repeat] & ((1 << DAY_BITS) - 1))


def season_factors(orders: BgNbd, customers: Purchases, repeat_days: Ints, on: int) -> Floats:
    """Of each of `QUARTERS` after day `on`, how many times as much as usual is bought in it; 1 without a year before.

    A customer's rate is (r + x) / (alpha + T), what BG/NBD expects of it; they are there up to their last purchase, and
    after it with the probability to be alive.

    Args:
        customers: as of the end of day `on`.
        repeat_days: all their purchases after the first ones, up to that day (`read_repeat_days`).
    """
    if len(customers) == 0 or customers.age.max() < YEAR - LATE_START:
        return np.ones(len(QUARTERS))
    rate = (orders.r + customers.x) / (orders.alpha + customers.age)
    alive = orders.alive_probability(customers.x, customers.t_x, customers.age)
    factors = np.empty(len(QUARTERS))
    for place, (after, last) in enumerate(QUARTERS):
        # A year before, in days since each customer's first purchase.
        begins, ends = (np.clip(customers.age - YEAR + days, 0.0, None) for days in (after, last))
        known = np.maximum(np.minimum(customers.t_x, ends) - begins, 0.0)
        usual = float((rate * (known + (ends - begins - known) * alive)).sum())
        came = np.searchsorted(repeat_days, [on - YEAR + after, on - YEAR + last], side="right")
        factors[place] = (float(came[1] - came[0]) + PRIOR_PURCHASES) / (usual + PRIOR_PURCHASES)
    return factors


def seasonal(orders: BgNbd, customers: Purchases, factors: Floats, days: float) -> Floats:
    """On how many of the next `days` each customer is expected to buy: each quarter's share by its own factor."""
    total, before = np.zeros(len(customers)), np.zeros(len(customers))
    for (after, last), factor in zip(QUARTERS, factors, strict=True):
        if days > after:
            by_then = orders.expected_orders(customers.x, customers.t_x, customers.age, min(float(last), days))
            total += factor * (by_then - before)
            before = by_then
    return total


def exposure(factors: Floats, days: float) -> float:
    """The next `days` in days of the usual season."""
    return sum(factor * max(0.0, min(last, days) - after) for (after, last), factor in zip(QUARTERS, factors))
