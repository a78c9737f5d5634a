"""A model card as a page of Markdown, and its numbers as rows of text for whoever shows them otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml.cards import Card
from ml.fairness import LEAST_CUSTOMERS, Fairness, GroupMeasure


def markdown(told: Card, standing: Sequence[str] = ()) -> str:
    """The card as a page of Markdown.

    Args:
        standing: lines on the version that it is shown for, put under the title.
    """
    parts = [
        f"# Model card: {told.task}",
        *standing,
        f"Learnt up to {told.as_of}." if told.as_of else "",
        f"## Task\n\n{told.facts.purpose}",
        f"## Intended use\n\n{told.facts.use}\n\nNot for: {told.facts.not_for}",
        "## Data\n\n" + table(DATA_NAMES, data_rows(told)),
        f"Columns of these that tell gender, age or region: {group_columns(told)}.",
        f"## Method and settings\n\n{told.facts.method}\n\n" + table(SETTING_NAMES, setting_rows(told)),
        "## Metrics\n\n" + table(METRIC_NAMES, [metric_row(one) for one in told.metrics]),
        METRICS_NOTE,
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in told.facts.limits),
        f"## Fairness by group\n\n{told.facts.fairness}",
        *_fairness(told.fairness),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


DATA_NAMES = ("table", "Delta version", "rows", "customers", "period")
SETTING_NAMES = ("setting", "value")
METRIC_NAMES = ("metric", "value", "95 % interval", "baseline", "its value", "lead over it, 95 %", "measured on")
METRICS_NOTE = (
    "Intervals: 200 resamples of the customers of the held-out rows, plus and minus 1.96 standard deviations. The lead "
    "is the value less the baseline's on the same resamples; where it contains 0, the two cannot be told apart."
)
GAP_NAMES = ("attribute", "measure", "highest", "lowest", "gap", "95 % interval", "chance")
GAPS_NOTE = (
    "Chance: that groups of these sizes differ so much while all are alike (Cochran's Q). Of twenty such, one is below "
    "0.05 where nothing is wrong."
)


def data_rows(told: Card) -> list[tuple[object, ...]]:
    """Tables that were learnt from, in the columns of `DATA_NAMES`."""
    return [
        (one.table, one.version, f"{one.rows:,}", _count(one.customers), _period(one.first_on, one.last_on))
        for one in told.data
    ]


def group_columns(told: Card) -> str:
    """The columns of these that tell which group somebody is of, as a list to read."""
    return ", ".join(f"{one.table}.{name}" for one in told.data for name in one.group_columns) or "none"


def setting_rows(told: Card) -> list[tuple[object, ...]]:
    """Settings in the columns of `SETTING_NAMES`; of long fractions six digits."""
    return [(name, _short(value)) for name, value in told.settings.items()]


def metric_row(one: Mapping[str, Any]) -> tuple[object, ...]:
    """A metric in the columns of `METRIC_NAMES`."""
    return (
        one["name"],
        number(one["value"]),
        interval(one.get("interval_low"), one.get("interval_high")),
        one["baseline"] or "",
        number(one["baseline_value"]),
        interval(one.get("lead_low"), one.get("lead_high")),
        one["split"],
    )


def gap_rows(told: Fairness) -> list[tuple[object, ...]]:
    """Gaps in the columns of `GAP_NAMES`."""
    return [
        (
            one.attribute,
            one.measure,
            one.highest_group,
            one.lowest_group,
            number(one.gap),
            interval(one.interval_low, one.interval_high),
            number(one.chance),
        )
        for one in told.gaps
    ]


def group_table(told: Fairness) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Names and rows of a table with a row per group, its customers and rows, and a column per measure.

    A group that measures are taken of different rows of has a row for each number of them.
    """
    measures = list(dict.fromkeys(one.measure for one in told.groups))
    by_group: dict[tuple[str, str, int, int], dict[str, GroupMeasure]] = {}
    for one in told.groups:
        key = (one.attribute, one.group_name, one.customer_count, one.row_count)
        by_group.setdefault(key, {})[one.measure] = one
    rows: list[tuple[object, ...]] = []
    for (attribute, name, customers, row_count), of in by_group.items():
        told_of = [
            "" if measure not in of else "too few" if customers < LEAST_CUSTOMERS else _measured(of[measure])
            for measure in measures
        ]
        rows.append((attribute, name, customers, row_count, *told_of))
    return ("attribute", "group", "customers", "rows", *measures), rows


def _measured(one: GroupMeasure) -> str:
    if one.value is None:
        return "too few of an outcome"
    low, high = (number(end, 3) for end in (one.interval_low, one.interval_high))
    return f"{number(one.value, 3)} ({low} to {high})"


def _fairness(told: Fairness) -> list[str]:
    if not told.groups:
        return []
    return [
        f"Groups of fewer than {LEAST_CUSTOMERS} customers are too few to be measured.",
        "### Largest gaps\n\n" + table(GAP_NAMES, gap_rows(told)),
        GAPS_NOTE,
        "### Groups\n\n" + table(*group_table(told)),
    ]


def table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of Markdown."""

    def line(values: Sequence[object]) -> str:
        return "| " + " | ".join(str(value).replace("|", "\\|").replace("\n", " ") for value in values) + " |"

    return "\n".join([line(names), line(["---"] * len(names)), *map(line, rows)])


def number(value: float | None, digits: int = 4) -> str:
    """So many significant digits; empty for None."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:,.{digits}g}"


def interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{number(low)} to {number(high)}"


def _short(value: str) -> str:
    try:
        return f"{float(value):.6g}" if "." in value and len(value) > 8 else value
    except ValueError:
        return value


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _period(first_on: str | None, last_on: str | None) -> str:
    return "" if first_on is None else first_on if first_on == last_on else f"{first_on} to {last_on}"
