"""A challenger beside the champion: both twins loaded, judged by the task's own measure, and told in `ml` tables.

`ml.model_comparisons`: one row per task and day of training. `ml.model_metrics`, `ml.model_fairness`,
`ml.model_fairness_gaps`, `ml.model_curves`: the model that serves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakehouse.settings import Settings
from lakehouse.storage import has_table
from ml import cards, registry, tables
from ml.promotion import Judged, Verdict, verdict

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MOST_NAMED = 3


@dataclass(frozen=True)
class Rivals:
    """What a comparison is made of: the home, the day, the seed of its resampling, the task and the challenger."""

    spark: SparkSession
    settings: Settings
    as_of: date
    seed: int
    task: str
    challenger: str


@dataclass(frozen=True)
class Twins:
    """The loaded twins of both, and where the rows begin that each has not seen."""

    champion: Any
    challenger: Any
    champion_until: str
    challenger_until: str


@dataclass(frozen=True)
class Judge:
    """How a task compares two models.

    Args:
        load: a twin from its folder.
        measure: what both twins achieve on the same units that neither has seen; or why there is nothing to compare.
    """

    load: Callable[[Path], Any]
    measure: Callable[[Rivals, Twins], Judged | str]


def judged(rivals: Rivals, champion: str, judge: Judge) -> Verdict:
    """The verdict on the challenger; a champion that cannot be judged is replaced, with the reason."""
    old = registry.evidence(rivals.settings, rivals.task, champion)
    new = registry.evidence(rivals.settings, rivals.task, rivals.challenger)
    lost = sorted(name for name, kind in old.columns.items() if new.columns.get(name) != kind)
    if lost:
        more = f" and {len(lost) - MOST_NAMED} more" if len(lost) > MOST_NAMED else ""
        named = ", ".join(lost[:MOST_NAMED])
        return Verdict(True, f"features of the champion are gone or have another type: {named}{more}")
    if old.twin is None:
        return Verdict(True, "the champion cannot be judged: it was registered without a model of its past")
    try:
        before = judge.load(old.twin)
    except Exception as error:  # whatever other code makes of a file that it did not write
        return Verdict(True, f"the champion cannot be loaded any more ({type(error).__name__}: {str(error)[:200]})")
    if new.twin is None:
        return Verdict(False, "too little to judge the new model by: no rows could be held out")
    found = judge.measure(rivals, Twins(before, judge.load(new.twin), old.until, new.until))
    return Verdict(False, found) if isinstance(found, str) else verdict(found, rivals.seed)


def row(task: str, as_of: date, challenger: str, champion: str | None, judged: Verdict) -> dict[str, Any]:
    """A row of `ml.model_comparisons`."""
    return {
        "task": task,
        "as_of_on": as_of,
        "challenger_version": challenger,
        "champion_version": champion,
        **asdict(judged),
    }


def record(spark: SparkSession, settings: Settings, rows: Sequence[dict[str, Any]]) -> None:
    """Put comparisons into `ml.model_comparisons`; those of other tasks and days stay."""
    replaced = {(one["task"], one["as_of_on"]) for one in rows}
    kept = tables.read(settings, "model_comparisons").to_pylist()
    told = [one for one in kept if (one["task"], one["as_of_on"]) not in replaced]
    told = sorted([*told, *rows], key=lambda one: (one["task"], one["as_of_on"]))
    schema = tables.ML_SCHEMAS["model_comparisons"]
    tables.write_table(spark, settings, "model_comparisons", pa.Table.from_pylist(told, schema))


ABOUT = ("model_metrics", "model_fairness", "model_fairness_gaps", "model_curves")
"""What is told of the models that serve, a task's rows beside the others'."""


def record_metrics(
    spark: SparkSession, settings: Settings, task: str, version: str, metrics: Sequence[registry.Metric]
) -> None:
    """Make these the task's rows of `ml.model_metrics`, and what its card says those of the other tables of `ABOUT`.

    Other tasks' rows stay. A table that has none of the task's rows, and is to have none, is left as it is.
    """
    card = None if version == registry.NO_MODEL else cards.read(settings, task, version)
    of = {"task": task, "model_version": version}
    groups, gaps = ([], []) if card is None else card.fairness.as_rows(task, version)
    points = [] if card is None else [{**of, **asdict(point)} for point in card.curves]
    told = [{**of, "metric": metric.name, **asdict(metric)} for metric in metrics]
    for table, rows in zip(ABOUT, (told, groups, gaps, points), strict=True):
        _replace(spark, settings, table, task, rows)


def metrics_without_model(settings: Settings, task: str) -> list[registry.Metric]:
    """What `ml.model_metrics` tells of a task that keeps no model; nothing of one that does."""
    told = tables.read(settings, "model_metrics").to_pylist()
    mine = [one for one in told if (one["task"], one["model_version"]) == (task, registry.NO_MODEL)]
    names = [field.name for field in fields(registry.Metric) if field.name != "name"]
    return [registry.Metric(one["metric"], **{name: one[name] for name in names}) for one in mine]


def _replace(spark: SparkSession, settings: Settings, table: str, task: str, rows: Sequence[Mapping[str, Any]]) -> None:
    schema = tables.ML_SCHEMAS[table]
    before = tables.read(settings, table).to_pylist()
    kept = [one for one in before if one["task"] != task]
    if not rows and len(kept) == len(before) and has_table(settings, f"ml.{table}"):
        return
    told = [*kept, *({field.name: row[field.name] for field in schema} for row in rows)]
    told.sort(key=lambda one: (one["task"], str(one.get("metric", "")), str(one.get("split", ""))))
    tables.write_table(spark, settings, table, pa.Table.from_pylist(told, schema))


def tell_of(spark: SparkSession, settings: Settings, task: str, version: str) -> None:
    """Let the tables of `ABOUT` tell of this version, where `ml.model_metrics` tells of another."""
    told = {one["model_version"] for one in tables.read(settings, "model_metrics").to_pylist() if one["task"] == task}
    if version == registry.NO_MODEL or told == {version}:
        return
    metrics = registry.evidence(settings, task, version).metrics
    if metrics:
        record_metrics(spark, settings, task, version, metrics)
