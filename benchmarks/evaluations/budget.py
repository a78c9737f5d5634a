"""Budgets against HiGHS, another solver (scipy.optimize), on random programs, and the worked case of issue 7."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import LinearConstraint, milp

from benchmarks.evaluations import DataSet, Row
from ml.budget.allocate import allocate
from ml.budget.channels import Allocation, Channel, InfeasibleBudget, UnboundedBudget, Units
from ml.budget.conflicts import Limit, conflicting

CASES, SEED = 1000, 7
NEAR = 1e-8
"""How far apart, as a share of the optimum, two solvers may be."""
PRICE_NEAR = 1e-6
"""How far apart a shadow price and a difference of two optima by HiGHS may be."""

WORKED = (
    Channel("first", 50, 3.2, 2000, 10_000),
    Channel("second", 80, 4.5, 1500, 6000),
    Channel("third", 30, 2.8, 3000, 15_000),
)
WORKED_BUDGET = 1_130_000.0


@dataclass(frozen=True)
class Case:
    """A random program; about one of six has limits that conflict, one of twenty no upper end."""

    channels: tuple[Channel, ...]
    budget: float | None
    units: Units


@dataclass(frozen=True)
class Reached:
    """How a program ended, and its optimum."""

    status: str
    value: float = math.nan


def random_case(seed: int) -> Case:
    """Case number `seed`: one to eight channels, every second one of whole units."""
    rng = np.random.default_rng([SEED, seed])
    channels = []
    for place in range(int(rng.integers(1, 9))):
        least = float(rng.integers(0, 1000)) if rng.random() < 0.7 else 0.0
        most: float | None = least + float(rng.integers(0, 20_000))
        if rng.random() < 0.03:
            most = max(0.0, least - float(rng.integers(1, 50)))
        elif rng.random() < 0.15:
            most = None
        cost = 0.0 if rng.random() < 0.05 else round(float(rng.lognormal(1.0, 1.5)), 2)
        channels.append(Channel(f"c{place}", cost, round(float(rng.normal(3.0, 2.5)), 3), least, most))
    low = sum(one.unit_cost * one.minimum for one in channels)
    high = sum(one.unit_cost * (one.minimum + 5000 if one.maximum is None else one.maximum) for one in channels)
    budget = None if rng.random() < 0.04 else max(0.0, round(low + (high - low) * float(rng.uniform(-0.1, 1.1)), 2))
    return Case(tuple(channels), budget, "whole" if seed % 2 else "continuous")


def by_highs(channels: Sequence[Channel], budget: float | None, units: Units) -> Reached:
    """The optimum by HiGHS, with every limit as a row of its own."""
    ours = np.eye(len(channels))
    rows = [*ours, *([[one.unit_cost for one in channels]] if budget is not None else [])]
    low = [one.minimum for one in channels] + [-np.inf] * (budget is not None)
    high = [np.inf if one.maximum is None else one.maximum for one in channels]
    limits = LinearConstraint(np.array(rows), low, [*high, *([budget] if budget is not None else [])])
    returns = np.array([one.unit_return for one in channels])
    whole = np.full(len(channels), int(units == "whole"))

    def solve(objective: np.ndarray) -> tuple[int, float]:
        found = milp(objective, constraints=limits, integrality=whole, options={"mip_rel_gap": 0.0})
        return found.status, found.fun if found.status == 0 else math.nan

    if solve(np.ones(len(channels)))[0] != 0:
        return Reached("infeasible")
    status, value = solve(-returns)
    return Reached("optimal", -value) if status == 0 else Reached("unbounded")


def by_us(case: Case) -> tuple[Reached, Allocation | None]:
    """The same by `allocate`."""
    try:
        found = allocate(case.channels, case.budget, case.units)
    except InfeasibleBudget:
        return Reached("infeasible"), None
    except UnboundedBudget:
        return Reached("unbounded"), None
    return Reached("optimal", found.total_return), found


def agree(ours: Reached, theirs: Reached) -> bool:
    """The same end and, where there is one, the same optimum."""
    if ours.status != theirs.status or ours.status != "optimal":
        return ours.status == theirs.status
    return abs(ours.value - theirs.value) <= NEAR * max(1.0, abs(theirs.value))


def keeps_limits(found: Allocation) -> bool:
    """Whether an allocation keeps every limit, whole units among them."""
    is_within = all(
        one.channel.minimum <= one.units <= (math.inf if one.channel.maximum is None else one.channel.maximum)
        and (found.units == "continuous" or one.units == round(one.units))
        for one in found.allotments
    )
    return is_within and (found.budget is None or found.spent <= found.budget + NEAR * max(1.0, found.budget))


def price_is_true(case: Case, found: Allocation) -> bool:
    """Whether HiGHS, solving again with a budget larger by 1, gains the shadow price: of continuous units, exactly
    where the channel that takes it has room for it, and else less.
    """
    assert case.budget is not None
    now = by_highs(case.channels, case.budget, "continuous").value
    gain = by_highs(case.channels, case.budget + 1.0, "continuous").value - now
    rooms = [
        (math.inf if one.channel.maximum is None else one.channel.maximum - one.units) * one.channel.unit_cost
        for one in found.allotments
        if one.channel.unit_cost > 0
        and math.isclose(one.channel.unit_return / one.channel.unit_cost, found.shadow_price)
    ]
    has_room = found.shadow_price > 0 and max(rooms, default=0.0) >= 1.0
    return abs(gain - found.shadow_price) <= PRICE_NEAR if has_room else gain <= found.shadow_price + PRICE_NEAR


def is_irreducible(case: Case) -> bool:
    """Whether, by HiGHS, the limits that we name cannot be kept together, and any all but one of them can."""

    def ends(held: Sequence[Limit]) -> str:
        kept = [
            Channel(
                one.name,
                one.unit_cost,
                0.0,
                one.minimum if Limit("minimum", place) in held else 0.0,
                one.maximum if Limit("maximum", place) in held else None,
            )
            for place, one in enumerate(case.channels)
        ]
        return by_highs(kept, case.budget if Limit("budget") in held else None, case.units).status

    named = conflicting(case.channels, case.budget, case.units)
    return ends(named) == "infeasible" and all(
        ends([one for one in named if one != left_out]) == "optimal" for left_out in named
    )


def rows() -> list[Row]:
    """The worked case and the random ones: what was asked, what we reach, what is known, and whether it holds."""
    worked = allocate(WORKED, WORKED_BUDGET)
    units = "/".join(f"{one.units:,.0f}" for one in worked.allotments)
    dearer = allocate(WORKED, WORKED_BUDGET + 1.0, "continuous").total_return - worked.total_return
    told: list[Row] = [
        (
            "budget, three channels and 1.13 M: optimum",
            f"{worked.total_return:,.0f} at {units}",
            "84,125 at 10,000/2,250/15,000",
            (round(worked.total_return, 6), units) == (84_125.0, "10,000/2,250/15,000"),
        ),
        (
            "budget, three channels: what one more unit of budget brings",
            f"{worked.shadow_price:.5f}",
            f"{dearer:.5f} by solving again",
            abs(worked.shadow_price - dearer) < 1e-6,
        ),
    ]
    same: dict[str, int] = {}
    asked: dict[str, int] = {}
    kept = priced = irreducible = prices = 0
    for seed in range(CASES):
        case = random_case(seed)
        theirs = by_highs(case.channels, case.budget, case.units)
        ours, found = by_us(case)
        asked[theirs.status] = asked.get(theirs.status, 0) + 1
        same[theirs.status] = same.get(theirs.status, 0) + agree(ours, theirs)
        if found is not None:
            kept += keeps_limits(found)
        if found is not None and case.units == "continuous" and case.budget is not None:
            prices += 1
            priced += price_is_true(case, found)
        if ours.status == "infeasible":
            irreducible += is_irreducible(case)
    optimal, infeasible = asked.get("optimal", 0), asked.get("infeasible", 0)
    counted = [
        *((f"{status} ones, same as HiGHS", same[status], count) for status, count in sorted(asked.items())),
        ("same as HiGHS in all", sum(same.values()), CASES),
        ("optima that keep every limit", kept, optimal),
        ("shadow prices that HiGHS gains by a budget larger by 1", priced, prices),
        ("conflicts that HiGHS finds irreducible", irreducible, infeasible),
    ]
    told += [(f"budget, random programs: {what}", f"{ours}", f"{of}", ours == of) for what, ours, of in counted]
    return told


ON = {"random-programs": DataSet(rows)}
