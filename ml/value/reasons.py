"""What of a customer's history makes their expected value what it is: exact Shapley values.

The expected value of a year is not linear in what is known of a customer, so each feature's share is its Shapley value
against the average customer: the mean, over all orders in which the features could be told, of what telling it changes
(Lundberg and Lee 2017, section 3, with one background row). Of `FEATURES` there are few enough to ask all 2^n sets, so
the shares sum exactly to the difference between the customer's value and the average customer's.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import comb
from typing import Any

import numpy as np

from ml.arrays import Floats
from ml.value.features import Purchases
from ml.value.model import NO_SEASON, ValueModel

FEATURES = ("order_day_count", "recency_days", "tenure_days", "repeat_order_amount")
"""In the units of the table: days with an order, days since the last, days since the first, mean value of the days
with an order after the first."""
YEAR = 365.0
NOTHING = 1e-9
"""Of the largest value: a share nearer to 0 is what rounding makes of none."""


def reasons(model: ValueModel, customers: Purchases, factors: Floats = NO_SEASON) -> dict[str, Any]:
    """Columns `reason_feature`, `reason_value` and `reason_effect` (money within 365 days), one entry per customer.

    None where a customer is the average one; no value for the repeat order of who has none.
    """
    share = shapley_values(model, customers, factors)
    own = np.column_stack([customers.x + 1.0, customers.age - customers.t_x, customers.age, customers.value])
    own[customers.x == 0, 3] = np.nan
    rows, best = np.arange(len(share)), np.abs(share).argmax(axis=1)
    effect, value = share[rows, best], own[rows, best]
    feature = np.array(FEATURES, dtype=object)[best]
    is_nothing = np.abs(effect) <= NOTHING * np.abs(share).max(initial=0.0)
    feature[is_nothing], value[is_nothing], effect[is_nothing] = None, np.nan, 0.0
    return {"reason_feature": feature, "reason_value": value, "reason_effect": effect}


def shapley_values(model: ValueModel, customers: Purchases, factors: Floats = NO_SEASON) -> Floats:
    """Customers x `FEATURES`, in money, by the season's factors as in `ValueModel.told`."""
    size = len(FEATURES)
    worth = _worths(model, customers, factors)
    share = np.zeros((len(customers), size))
    for place in range(size):
        for told in (told for told in worth if not told[place]):
            weight = 1.0 / (size * comb(size - 1, sum(told)))
            more = (*told[:place], True, *told[place + 1 :])
            share[:, place] += weight * (worth[more] - worth[told])
    return share


def _worths(model: ValueModel, customers: Purchases, factors: Floats) -> dict[tuple[bool, ...], Floats]:
    """By which of `FEATURES` are told: the value of a year, the others being those of the average customer.

    How often depends on the first three, for how much on the first and the last: each is asked once.
    """
    often = {told: model.expected_orders(_known(customers, (*told, False)), YEAR, factors) for told in _sets(3)}
    much = {told: model.order_amount(_known(customers, (told[0], False, False, told[1]))) for told in _sets(2)}
    return {told: often[told[:3]] * much[told[0], told[3]] for told in _sets(len(FEATURES))}


def _sets(size: int) -> Iterator[tuple[bool, ...]]:
    return product((False, True), repeat=size)


def _known(customers: Purchases, told: tuple[bool, ...]) -> Purchases:
    """The customers with these `FEATURES` their own and the others the average customer's.

    Who has no repeat order has no value of one: there the average stands in, whatever is told.
    """
    valued = customers.is_valued
    usual = float(customers.value[valued].mean()) if valued.any() else 0.0
    own = (
        customers.x,
        customers.age - customers.t_x,
        customers.age,
        np.where(customers.x > 0, customers.value, usual),
    )
    average = (*(float(column.mean()) if len(column) else 0.0 for column in own[:3]), usual)
    x, silence, age, value = (
        column if is_told else np.full(len(customers), mean)
        for column, mean, is_told in zip(own, average, told, strict=True)
    )
    return Purchases(customers.customer_id, x, np.maximum(age - silence, 0.0), age, value)
