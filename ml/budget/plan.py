"""The plan for the next 30 days: one program per currency, for money of two kinds cannot be added up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from lakehouse.settings import Language, Settings
from ml.budget.allocate import allocate
from ml.budget.channels import MOST_WHOLE, Allocation, Channel, InfeasibleBudget, Units
from ml.budget.features import Shares, channels_of, recent_cost


@dataclass(frozen=True)
class Plan:
    """What to spend in one currency; `allocation` is None where limits conflict, and `conflict` says which.

    Args:
        returns: the rows of gold.feat_channel_returns that it is made of, as `read_returns` gives them.
        channels: the same as channels of the program, in the same order.
    """

    currency: str | None
    returns: pd.DataFrame
    channels: list[Channel]
    budget: float
    allocation: Allocation | None
    conflict: str | None = None


def shares_of(settings: Settings) -> Shares:
    return Shares(settings.budget_minimum_share, settings.budget_maximum_share)


def plans(returns: pd.DataFrame, settings: Settings) -> list[Plan]:
    """A plan per currency.

    The budget of the setting is for the currency in which most is spent; otherwise it is what was spent in the last 30
    days. A budget that does not pay for the minima leaves a plan without an allocation, not a failed run: what a month
    of more contacts costs should not keep other models from readers.
    """
    by_currency = list(_by_currency(returns))
    most = max((recent_cost(rows) for _, rows in by_currency), default=0.0)
    told = []
    for currency, rows in by_currency:
        budget = recent_cost(rows)
        if settings.budget_amount is not None and budget == most:
            budget = settings.budget_amount
        told.append(plan(currency, rows, budget, shares_of(settings), settings.language))
    return told


def plan(currency: str | None, rows: pd.DataFrame, budget: float, shares: Shares, language: Language = "en") -> Plan:
    """The plan of one currency's channels."""
    channels = channels_of(rows, shares)
    try:
        found = allocate(channels, budget, units_of(channels), language=language)
        return Plan(currency, rows, channels, budget, found)
    except InfeasibleBudget as error:
        return Plan(currency, rows, channels, budget, None, error.conflict)


def units_of(channels: list[Channel]) -> Units:
    """Whole contacts, unless there are so many that parts of one do not matter."""
    return "whole" if max((one.maximum or 0.0 for one in channels), default=0.0) <= MOST_WHOLE else "continuous"


def _by_currency(returns: pd.DataFrame) -> Iterator[tuple[str | None, pd.DataFrame]]:
    for currency, rows in returns.groupby("currency", dropna=False, sort=True):
        yield (None if pd.isna(currency) else str(currency)), rows.reset_index(drop=True)


def standard_error(found: Plan) -> float:
    """Of the plan's expected return: errors of the channels' returns add up as independent ones do."""
    assert found.allocation is not None
    errors = found.returns["return_standard_error"].fillna(0.0)
    return math.sqrt(
        math.fsum((one.units * error) ** 2 for one, error in zip(found.allocation.allotments, errors, strict=True))
    )
