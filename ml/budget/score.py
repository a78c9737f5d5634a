"""The contacts that every channel gets of the budget: `ml.budget_allocation`."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakehouse.settings import Settings
from ml import registry, tables
from ml.budget.features import read_returns
from ml.budget.plan import Plan, plans

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

VERSION = "lp"
"""There is no registered model (see train.py)."""


def score(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Write the plan: a row per channel and currency, with nulls for what it gets where limits conflict."""
    returns = read_returns(spark)
    if returns.empty:
        tables.write_empty(spark, settings, "budget_allocation")
        return registry.Summary("budget", registry.NO_MODEL, [])
    rows = [row for found in plans(returns, settings) for row in rows_of(found)]
    content = pa.Table.from_pylist(rows, schema=tables.ML_SCHEMAS["budget_allocation"])
    tables.write_table(spark, settings, "budget_allocation", content)
    return registry.Summary("budget", registry.NO_MODEL, [], len(rows))


def rows_of(found: Plan) -> list[dict[str, Any]]:
    """The rows of one currency's plan, in the order of its channels."""
    told = []
    allotments = found.allocation.allotments if found.allocation is not None else [None] * len(found.channels)
    for one, got, seen in zip(found.channels, allotments, found.returns.to_dict("records"), strict=True):
        error = seen["return_standard_error"]
        told.append(
            {
                "channel": one.name,
                "currency": found.currency,
                "unit_cost_amount": one.unit_cost,
                "unit_return_amount": one.unit_return,
                "unit_return_error": None if error != error else error,
                "recent_count": int(seen["contact_count_30d"]),
                "minimum_count": int(one.minimum),
                "maximum_count": int(one.maximum or 0.0),
                "allocated_count": None if got is None else math.floor(round(got.units, 6)),
                "allocated_amount": None if got is None else money(got.cost),
                "expected_return_amount": None if got is None else money(got.expected_return),
                "bound": None if got is None else got.bound,
                "shadow_price": None if got is None else got.shadow_price,
                "budget_amount": money(found.budget),
                "budget_shadow_price": None if found.allocation is None else found.allocation.shadow_price,
                "one_more_return_amount": None if found.allocation is None else found.allocation.one_more,
                "conflict": found.conflict,
                "model_version": VERSION,
            }
        )
    return told


def money(value: float) -> Decimal:
    """To the cent."""
    return Decimal(round(value * 100)) / 100
