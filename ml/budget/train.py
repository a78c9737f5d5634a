"""Measure the plan and log it.

A linear program has nothing to learn: its coefficients are the means that gold.feat_channel_returns holds, and its
answer is an optimum, not a prediction for new rows. So there is no model to register, to promote or to roll back, and
`model_version` is `lp`. The run is logged all the same: limits and returns in, allocation and prices out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from lakehouse.settings import Settings
from ml import registry, tables
from ml.budget.evaluate import evaluate
from ml.budget.features import READS, read_returns
from ml.budget.plan import Plan, plans
from ml.plots import bars, svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pyspark.sql import SparkSession


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Log a run of `budget` with the plan and its measures."""
    returns = read_returns(spark)
    if returns.empty:
        return registry.nothing_to_learn("budget")
    found = plans(returns, settings)
    metrics = evaluate(found, settings)
    registry.log_run(
        settings,
        "budget",
        parameters={
            "solver": "CBC",
            "as_of": as_of,
            "minimum_share": settings.budget_minimum_share,
            "maximum_share": settings.budget_maximum_share,
        },
        data_versions=tables.gold_versions(settings, READS),
        metrics=metrics,
        files={
            "plan.json": json.dumps([_told(one) for one in found], indent=1, ensure_ascii=False),
            **{f"plots/{name}.svg": svg(figure) for name, figure in _drawn(found)},
        },
    )
    return registry.Summary("budget", registry.NO_MODEL, metrics)


def _drawn(found: Sequence[Plan]) -> Iterator[tuple[str, Figure]]:
    """A plot of what goes where, for each currency with a plan."""
    for one in found:
        if one.allocation is not None:
            spent = {got.channel.name: got.units * got.channel.unit_cost for got in one.allocation.allotments}
            named = "_".join(["allocation", *([one.currency] if one.currency else [])])
            yield named, bars("Allocation", f"{one.currency or ''} to spend".strip(), spent)


def _told(found: Plan) -> dict[str, Any]:
    """A plan as JSON: what was asked, and the answer."""
    allotments = found.allocation.allotments if found.allocation is not None else [None] * len(found.channels)
    return {
        "currency": found.currency,
        "budget": found.budget,
        "conflict": found.conflict,
        "shadow_price": found.allocation.shadow_price if found.allocation is not None else None,
        "channels": [
            {
                "channel": one.name,
                "cost": one.unit_cost,
                "return": one.unit_return,
                "minimum": one.minimum,
                "maximum": one.maximum,
                "units": got.units if got is not None else None,
                "shadow_price": got.shadow_price if got is not None else None,
            }
            for one, got in zip(found.channels, allotments, strict=True)
        ],
    }
