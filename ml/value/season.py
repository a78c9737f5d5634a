"""How much more than usual is bought at the time of year that comes next, as it was a year before.

BG/NBD has everybody buy at a rate that never changes, and a shop has a November. The purchases of each quarter of last
year are set beside what the same customers would have bought in it at their own rates: that factor is the season's.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.settings import Settings
from ml import tables
from ml.likelihood import Floats

if TYPE_CHECKING:
    from ml.value.bgnbd import BgNbd
    from ml.value.features import Purchases

Ints = npt.NDArray[np.int64]

QUARTERS = ((0, 90), (90, 180), (180, 270), (270, 365))
"""Days ahead: after the first, to the last."""
YEAR = 365
LATE_START = 7
"""So many days of the year before may be missing at its beginning."""
PRIOR_PURCHASES = 50.0
"""Purchases at the usual rate that are put beside those of a quarter: a dozen purchases make no season."""
EPOCH = date(1970, 1, 1).toordinal()
COLUMNS = {"customer_id": pa.string(), "kind": pa.string(), "is_purchase": pa.bool_(), "occurred_on": pa.date32()}


def read_repeat_days(settings: Settings, until: date) -> Ints:
    """The days (ordinals) of all purchases by known customers after their first one, up to `until`, in order.

    As everywhere in this room, a purchase is a customer's day with a sale.
    """
    parts = []
    for batch in tables.gold_rows(settings, "feat_activity", COLUMNS):
        is_sale = pc.and_(pc.equal(batch["kind"], "order_line"), batch["is_purchase"])
        is_known = pc.and_(batch["customer_id"].is_valid(), pc.less_equal(batch["occurred_on"], pa.scalar(until)))
        kept = batch.filter(pc.and_(is_sale, is_known).fill_null(False))
        parts.append(pa.Table.from_batches([kept.select(["customer_id", "occurred_on"])]))
    days = pa.concat_tables(parts).group_by(["customer_id", "occurred_on"]).aggregate([])
    first = days.group_by("customer_id").aggregate([("occurred_on", "min")])
    told = days.join(first, "customer_id")
    later = told.filter(pc.greater(told["occurred_on"], told["occurred_on_min"]))["occurred_on"]
    return np.sort(later.cast(pa.int32()).to_numpy().astype(np.int64) + EPOCH)


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
