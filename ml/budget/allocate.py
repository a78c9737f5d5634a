"""Share out a budget: the optimum, the price of every limit, or why there is none.

    maximise    sum_c return_c x_c
    subject to  sum_c cost_c x_c <= budget,   minimum_c <= x_c <= maximum_c,   x_c whole where units are

The prices are the duals of the linear program (Dantzig, "Linear Programming and Extensions", 1963, chapter 12), by
complementary slackness: with p the price of the budget, the bound that a channel is at is worth return_c - p cost_c.
Where an optimum has several duals, as where the budget pays for exactly all maxima, p is the smallest of them: that is
what one *more* unit of budget brings, while a solver returns any.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lakehouse.settings import Language
from ml.budget.channels import (
    Allocation,
    Allotment,
    Bound,
    Channel,
    InfeasibleBudget,
    UnboundedBudget,
    Units,
    check,
)
from ml.budget.conflicts import conflicting, sentence
from ml.budget.program import best_units, is_feasible

EXACT = 1e-9


def allocate(
    channels: Sequence[Channel],
    budget: float | None,
    units: Units = "whole",
    solver: Any | None = None,
    language: Language = "en",
) -> Allocation:
    """The allocation of the largest total return.

    Args:
        budget: money in all; None where only the bounds hold.
        units: whole ones (a contact cannot be split), or continuous.
        solver: one of PuLP's; its CBC unless given.
        language: in which limits that exclude each other are named.

    Raises:
        InfeasibleBudget: limits exclude each other; says which, and none too many.
        UnboundedBudget: more could always be earned; names the channels.
        InputError: a number is no sensible cost, return or bound.

    >>> sms, mail = Channel("sms", 50, 3.2, 2000, 10_000), Channel("mail", 80, 4.5, 1500, 6000)
    >>> found = allocate([sms, mail], 680_000)
    >>> [one.units for one in found.allotments], found.total_return, found.shadow_price
    ([10000.0, 2250.0], 42125.0, 0.05625)
    """
    check(channels, budget, units)
    found = best_units(channels, budget, units, solver)
    if found is None:
        raise _why_none(channels, budget, units, solver, language)
    relaxed = found if units == "continuous" else best_units(channels, budget, "continuous", solver)
    if relaxed is None:  # where whole units have an optimum, so have split ones
        raise _why_none(channels, budget, "continuous", solver, language)
    price = budget_price(channels, budget, relaxed)
    allotments = tuple(
        _allotment(one, value, one.unit_return - price * one.unit_cost, units)
        for one, value in zip(channels, found, strict=True)
    )
    solved = Allocation(allotments, budget, units, price, 0.0)
    more = None if budget is None else best_units(channels, budget + 1.0, units, solver)
    if more is None:
        return solved
    larger = math.fsum(one.unit_return * value for one, value in zip(channels, more, strict=True))
    return replace(solved, one_more=max(0.0, larger - solved.total_return))


def budget_price(channels: Sequence[Channel], budget: float | None, values: Sequence[float]) -> float:
    """The return per unit of money of the best channel that still has room; 0 where money is left over.

    Args:
        values: the units of each channel at an optimum of the linear program.
    """
    if budget is None:
        return 0.0
    spent = math.fsum(one.unit_cost * value for one, value in zip(channels, values, strict=True))
    if spent < budget - EXACT * max(1.0, budget):
        return 0.0
    has_room = [
        one
        for one, value in zip(channels, values, strict=True)
        if one.unit_cost > 0 and (one.maximum is None or value < one.maximum)
    ]
    return max([0.0, *(one.unit_return / one.unit_cost for one in has_room)])


def _allotment(channel: Channel, value: float, price: float, units: Units) -> Allotment:
    is_least = value <= (math.ceil(channel.minimum) if units == "whole" else channel.minimum)
    most = math.inf if channel.maximum is None else channel.maximum
    is_most = value >= (math.floor(most) if units == "whole" and most < math.inf else most)
    bound: Bound = "maximum" if is_most and (price > 0 or not is_least) else "minimum" if is_least else "none"
    is_nothing = abs(price) <= EXACT * max(1.0, abs(channel.unit_return))  # a difference of equal numbers
    return Allotment(channel, value, bound, 0.0 if is_nothing else price)


def _why_none(
    channels: Sequence[Channel], budget: float | None, units: Units, solver: Any | None, language: Language
) -> Exception:
    if not is_feasible(channels, budget, units, solver):
        limits = conflicting(channels, budget, units, solver)
        return InfeasibleBudget(sentence(limits, channels, budget, units, language))
    endless = [
        one.name
        for one in channels
        if one.unit_return > 0 and one.maximum is None and (budget is None or one.unit_cost == 0)
    ]
    return UnboundedBudget(
        f"the return is unbounded: {', '.join(endless)} could bring ever more, for neither a maximum nor the budget "
        "holds it back; give it a maximum" + (" or a total budget" if budget is None else "")
    )
