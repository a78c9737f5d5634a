"""What a budget is shared out among, and what comes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lakehouse.errors import InputError

Units = Literal["whole", "continuous"]
Bound = Literal["minimum", "maximum", "none"]
MOST_WHOLE = 10_000_000
"""CBC writes eight digits of a solution: above so many units of a channel its whole numbers are not to the unit."""


@dataclass(frozen=True)
class Channel:
    """A way to spend money: a message, an ad, a call.

    Args:
        unit_cost: money for one unit (a contact); 0 where it is free.
        unit_return: money that one unit brings; negative where it does harm.
        minimum: units at least.
        maximum: units at most; None where nothing holds them back.
    """

    name: str
    unit_cost: float
    unit_return: float
    minimum: float = 0.0
    maximum: float | None = None


@dataclass(frozen=True)
class Allotment:
    """What a channel gets.

    Args:
        units: how many.
        bound: which of its bounds it is at.
        shadow_price: by how much the total return would grow if that bound were one unit higher; negative at a minimum
            that the channel is not worth.
    """

    channel: Channel
    units: float
    bound: Bound
    shadow_price: float

    @property
    def cost(self) -> float:
        return self.units * self.channel.unit_cost

    @property
    def expected_return(self) -> float:
        return self.units * self.channel.unit_return


@dataclass(frozen=True)
class Allocation:
    """The best way to share out a budget.

    Args:
        allotments: one per channel, in the order in which they were given.
        budget: the total; None where there is none.
        shadow_price: the return of one more unit of budget at the margin; 0 where money is left over. Of whole units it
            is that of the relaxation, in which units may be split.
        one_more: what a budget larger by 1 would really bring, by solving again.
    """

    allotments: tuple[Allotment, ...]
    budget: float | None
    units: Units
    shadow_price: float
    one_more: float

    @property
    def spent(self) -> float:
        return math.fsum(one.cost for one in self.allotments)

    @property
    def total_return(self) -> float:
        return math.fsum(one.expected_return for one in self.allotments)


class InfeasibleBudget(InputError):
    """No allocation keeps all limits; `conflict` says which of them exclude each other."""

    def __init__(self, conflict: str) -> None:
        super().__init__(f"no allocation keeps all limits: {conflict}")
        self.conflict = conflict


class UnboundedBudget(InputError):
    """The return has no upper end."""


def check(channels: Sequence[Channel], budget: float | None, units: Units) -> None:
    """Refuse what is no sensible input, whatever the limits are.

    Raises:
        InputError: names the channel and what is wrong with it.
    """
    if budget is not None and not (math.isfinite(budget) and budget >= 0):
        raise InputError(f"the budget must be a number of 0 or more, not {budget:g}")
    twins = sorted({one.name for one in channels if sum(one.name == other.name for other in channels) > 1})
    if twins:
        raise InputError(f"channel {twins[0]} is given twice")
    for one in channels:
        if not math.isfinite(one.unit_return):
            raise InputError(f"channel {one.name}: the return must be a number, not {one.unit_return:g}")
        bounds = {"cost": one.unit_cost, "minimum": one.minimum, "maximum": one.maximum}
        for what, value in bounds.items():
            if value is None:
                continue
            if not (math.isfinite(value) and value >= 0):
                raise InputError(f"channel {one.name}: the {what} must be a number of 0 or more, not {value:g}")
            if units == "whole" and what != "cost" and value > MOST_WHOLE:
                raise InputError(
                    f"channel {one.name}: a {what} of {value:,.0f} is too large for whole units (at most "
                    f"{MOST_WHOLE:,}): count in thousands, or take continuous units"
                )
