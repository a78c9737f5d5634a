"""Which of two value models foretells purchases better: squared errors per customer after both cuts."""

from __future__ import annotations

from datetime import date

import numpy as np

from ml.comparisons import Judge, Rivals, Twins
from ml.promotion import Judged
from ml.value.features import purchases, read_split
from ml.value.model import load
from ml.value.season import read_repeat_days, season_factors


def measure(rivals: Rivals, twins: Twins) -> Judged | str:
    """The squared error of the expected purchase days of everybody who had bought by the later cut.

    Squared, for both tell an expectation: the absolute error is least for a median, which is too low.
    """
    cut = max(date.fromisoformat(twins.champion_until), date.fromisoformat(twins.challenger_until))
    days = (rivals.as_of - cut).days
    if days <= 0:
        return "no day is later than what the champion was measured on"
    split = read_split(rivals.spark, cut)
    before, bought = purchases(split), read_repeat_days(rivals.settings, cut)
    came = split["later_day_count"].to_numpy(np.float64)
    errors = []
    for model in (twins.champion, twins.challenger):
        factors = season_factors(model.orders, before, bought, cut.toordinal())
        errors.append((model.expected_orders(before, days, factors) - came) ** 2)
    return Judged("orders_squared_error", "lower", "customers", errors[0], errors[1])


JUDGE = Judge(load, measure)
