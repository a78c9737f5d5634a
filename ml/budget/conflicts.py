"""Which limits exclude each other: an irreducible set of them, found by the deletion filter.

Chinneck and Dravnieks, "Locating minimal infeasible constraint sets in linear programs", ORSA Journal on Computing 3
(1991): every limit is left out once, and stays out if the others still cannot be kept together. What remains is in
conflict, and would not be without any one of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from lakehouse.settings import Language
from ml.budget import sentences as S
from ml.budget.channels import Channel, Units
from ml.budget.program import is_feasible

Given = TypeVar("Given")


@dataclass(frozen=True)
class Limit:
    """A limit that may be given up: the budget, or a bound of a channel (by its place)."""

    kind: Literal["budget", "minimum", "maximum"]
    channel: int | None = None


def irreducible(limits: Sequence[Given], can_be_kept: Callable[[Sequence[Given]], bool]) -> list[Given]:
    """Of limits that cannot be kept together, some that cannot either, though any all but one of them can.

    Those that come first are given up first.
    """
    left = list(limits)
    for limit in limits:
        others = [one for one in left if one != limit]
        if not can_be_kept(others):
            left = others
    return left


def conflicting(
    channels: Sequence[Channel], budget: float | None, units: Units, solver: Any | None = None
) -> list[Limit]:
    """An irreducible set of limits in conflict; the budget is given up first, then bounds, the cheapest minima first,
    so that it is small and speaks of one channel where it can.
    """
    cheapest = sorted(range(len(channels)), key=lambda place: channels[place].unit_cost * channels[place].minimum)
    limits = [Limit("budget")] if budget is not None else []
    limits += [Limit("maximum", place) for place in range(len(channels)) if channels[place].maximum is not None]
    limits += [Limit("minimum", place) for place in cheapest]

    def can_be_kept(kept: Sequence[Limit]) -> bool:
        held = set(kept)
        relaxed = [
            replace(
                one,
                minimum=one.minimum if Limit("minimum", place) in held else 0.0,
                maximum=one.maximum if Limit("maximum", place) in held else None,
            )
            for place, one in enumerate(channels)
        ]
        return is_feasible(relaxed, budget if Limit("budget") in held else None, units, solver)

    return irreducible(limits, can_be_kept)


def sentence(
    conflict: Sequence[Limit],
    channels: Sequence[Channel],
    budget: float | None,
    units: Units,
    language: Language = "en",
) -> str:
    """What the limits are, and what would make room."""
    bounded = [channels[limit.channel] for limit in conflict if limit.channel is not None]
    if Limit("budget") not in conflict:
        one = bounded[0]
        is_ordered = one.maximum is not None and one.minimum <= one.maximum
        said = S.NOTHING_WHOLE if is_ordered else S.CROSSED
        return said.told(language, channel=one.name, minimum=one.minimum, maximum=one.maximum)
    assert budget is not None  # else it would not be among the limits
    named = [
        S.MINIMUM.told(language, channel=one.name, count=least(one, units), price=_price(one.unit_cost))
        for one in bounded
    ]
    cost = math.fsum(least(one, units) * one.unit_cost for one in bounded)
    needed = math.fsum(least(one, units) * one.unit_cost for one in channels)
    enough = math.ceil(needed * 100 - 1e-6) / 100  # to the cent, and not a cent short
    said = S.TOO_DEAR if len(named) == 1 else S.TOGETHER_TOO_DEAR
    return said.told(language, channels=_listed(named, language), cost=cost, budget=budget, enough=enough)


def least(channel: Channel, units: Units) -> float:
    """The fewest units that the minimum allows."""
    return math.ceil(channel.minimum) if units == "whole" else channel.minimum


def _listed(names: Sequence[str], language: Language) -> str:
    first = S.BETWEEN.told(language).join(names[:-1])
    return S.BEFORE_THE_LAST.told(language).join([*([first] if first else []), names[-1]])


def _price(value: float) -> str:
    """To four places, as prices are kept."""
    return f"{value:,.4f}".rstrip("0").rstrip(".")
