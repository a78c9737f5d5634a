"""What a page shows: a query, how to draw its rows, and a sentence on how to read them."""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse.report.charts import Draw, bars, beside_diagonal


@dataclass(frozen=True)
class Exhibit:
    """A chart with its numbers.

    Args:
        reads: the tables (`schema.table`) without which there is nothing to show.
        sql: one row per mark of the chart, in the order in which the numbers are listed.
        draw: makes the picture; none where the numbers are all.
    """

    title: str
    about: str
    reads: tuple[str, ...]
    sql: str
    draw: Draw | None


@dataclass(frozen=True)
class Section:
    title: str
    exhibits: tuple[Exhibit, ...]


def metrics(title: str, task: str, about: str, shown: str = "true") -> Exhibit:
    """The measures of a task's model that serves, beside their baselines.

    Args:
        shown: a condition on the rows of `ml.model_metrics`.
    """
    return Exhibit(
        title,
        about,
        ("ml.model_metrics",),
        f"select metric, value, interval_low, interval_high, baseline, baseline_value, lead_low, lead_high, split, "
        f"model_version from ml.model_metrics where task = '{task}' and {shown} order by metric",
        None,
    )


def effects(title: str, about: str, table: str, name: str, value: str, shown: str = "true") -> Exhibit:
    return Exhibit(
        title,
        about,
        (table,),
        f"select {name}, {value} from {table} where {shown} order by abs({value}) desc, {name} limit 20",
        bars(name, value),
    )


def reliability(task: str, rate: str) -> Exhibit:
    """Foretold chances beside what came.

    Args:
        rate: what the share of those is called where it came.
    """
    return Exhibit(
        "Reliability",
        "Rows by what was foretold, a tenth of them each: of those with 30 % foretold, it should have come for 30 %.",
        ("ml.model_curves",),
        f"select x as foretold, y as {rate}, row_count from ml.model_curves "
        f"where task = '{task}' and curve = 'reliability' order by x",
        beside_diagonal("foretold", rate),
    )


def gains(task: str, share: str) -> Exhibit:
    """How much is found among those with the highest predictions."""
    return Exhibit(
        "Gains",
        "Which share of all was among those with the highest predictions; on the dashed line if picked at random.",
        ("ml.model_curves",),
        f"select x as share_of_customers, y as {share}, row_count from ml.model_curves "
        f"where task = '{task}' and curve = 'gains' order by x",
        beside_diagonal("share_of_customers", share, "picked at random"),
    )
