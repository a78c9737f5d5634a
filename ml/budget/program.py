"""The program itself, by PuLP: maximise sum(return x units) with bounds on units and on sum(cost x units)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pulp

from ml.budget.channels import Channel, Units

CLOSE = 1e-6
"""Of a bound: CBC writes eight digits, so what is that near it is at it."""
GAP = 1e-9
"""Of the optimum, that whole units may be away from it: CBC would else search on for a return that nobody can see."""


def best_units(
    channels: Sequence[Channel], budget: float | None, units: Units, solver: Any | None = None
) -> list[float] | None:
    """Units of each channel at the optimum; None where there is none (infeasible or unbounded).

    Args:
        solver: one of PuLP's; CBC, which comes with it, unless given.
    """
    problem, variables = _stated(channels, budget, units)
    problem += pulp.lpSum(one.unit_return * variable for one, variable in zip(channels, variables, strict=True))
    if not _is_solved(problem, solver):
        return None
    found = [
        _at(one, float(variable.varValue or 0.0), units) for one, variable in zip(channels, variables, strict=True)
    ]
    return found if units == "whole" or budget is None else _to_the_last_digit(channels, found, budget)


def is_feasible(channels: Sequence[Channel], budget: float | None, units: Units, solver: Any | None = None) -> bool:
    """Whether any allocation keeps the limits."""
    problem, variables = _stated(channels, budget, units)
    problem += pulp.lpSum(variables)
    problem.sense = pulp.LpMinimize  # fewest units: bounded, whatever the returns are
    return _is_solved(problem, solver)


def _stated(channels: Sequence[Channel], budget: float | None, units: Units) -> tuple[Any, list[Any]]:
    """The limits as rows of a program without an objective. Names are numbers: PuLP spells others its own way."""
    problem = pulp.LpProblem("budget", pulp.LpMaximize)
    kind = pulp.LpInteger if units == "whole" else pulp.LpContinuous
    variables = [pulp.LpVariable(f"x{place}", 0, None, kind) for place in range(len(channels))]
    for place, (one, variable) in enumerate(zip(channels, variables, strict=True)):
        problem += variable >= one.minimum, f"minimum{place}"
        if one.maximum is not None:
            problem += variable <= one.maximum, f"maximum{place}"
    if budget is not None:
        cost = pulp.lpSum(one.unit_cost * variable for one, variable in zip(channels, variables, strict=True))
        problem += cost <= budget, "budget"
    return problem, variables


def _is_solved(problem: Any, solver: Any | None) -> bool:
    if not problem.variables():
        return True
    problem.solve(solver or pulp.PULP_CBC_CMD(msg=False, gapRel=GAP))
    return bool(problem.status == pulp.LpStatusOptimal)


def _at(channel: Channel, value: float, units: Units) -> float:
    """The value, put on the bound that it is as good as at."""
    if units == "whole":
        return float(round(value))
    for bound in (channel.minimum, channel.maximum):
        if bound is not None and abs(value - bound) <= CLOSE * max(1.0, bound):
            return bound
    return value


def _to_the_last_digit(channels: Sequence[Channel], found: list[float], budget: float) -> list[float]:
    """The digits that the solver did not write: a channel between its bounds takes exactly what is left."""
    left = budget - math.fsum(one.unit_cost * value for one, value in zip(channels, found, strict=True))
    for place, one in enumerate(channels):
        if one.unit_cost == 0 or found[place] in (one.minimum, one.maximum):
            continue
        value = found[place] + left / one.unit_cost
        most = math.inf if one.maximum is None else one.maximum
        if abs(left) <= CLOSE * max(1.0, budget) and one.minimum <= value <= most:
            return [*found[:place], value, *found[place + 1 :]]
    return found
