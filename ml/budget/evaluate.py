"""What a plan is worth beside doing as in the last 30 days: as expected, and as it would have turned out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lakehouse.settings import Settings
from ml import registry
from ml.budget.features import before_and_after, recent_cost
from ml.budget.plan import Plan, plan, shares_of, standard_error

BASELINE = "contacts of the last 30 days"


def evaluate(found: Sequence[Plan], settings: Settings) -> list[registry.Metric]:
    """Measures of the plan of the currency in which most is spent.

    `expected_return` believes the returns it was planned with. `later_return` does not: it is planned with the returns
    of 31 to 90 days ago and the money and bounds of the last 30 days, and worth what a contact brought in these; its
    baseline is what they really brought. Both take it that a contact brings the same however many there are.
    """
    largest = max(found, key=lambda one: recent_cost(one.returns))
    told = [registry.Metric("channels", float(len(largest.channels)), split="all channels")]
    if largest.allocation is None:
        return [*told, registry.Metric("feasible", 0.0, split="all channels")]
    as_before = math.fsum(largest.returns["contact_count_30d"] * largest.returns["return_per_contact"])
    told += [
        registry.Metric("feasible", 1.0, split="all channels"),
        registry.Metric("budget", largest.budget, BASELINE, recent_cost(largest.returns), "all channels"),
        registry.Metric(
            "expected_return", largest.allocation.total_return, BASELINE, as_before, "returns of the last 90 days"
        ),
        registry.Metric("expected_return_error", standard_error(largest), split="returns of the last 90 days"),
        registry.Metric("budget_shadow_price", largest.allocation.shadow_price, split="returns of the last 90 days"),
    ]
    return told + _in_hindsight(largest, settings)


def _in_hindsight(largest: Plan, settings: Settings) -> list[registry.Metric]:
    rows, since = before_and_after(largest.returns)
    if rows.empty:
        return []
    earlier = plan(largest.currency, rows, recent_cost(rows), shares_of(settings))
    if earlier.allocation is None:
        return []
    reached = math.fsum(one.units * brought for one, brought in zip(earlier.allocation.allotments, since, strict=True))
    done = math.fsum(rows["contact_count_30d"] * since)
    return [registry.Metric("later_return", reached, BASELINE, done, "held out by time: the last 30 days")]
