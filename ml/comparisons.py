"""A challenger beside the champion: both twins loaded, judged by the task's own measure, and told in `ml` tables.

`ml.model_comparisons`: one row per task and day of training. `ml.model_metrics`: the measures of the model that serves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakehouse.settings import Settings
from ml import registry, tables
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


def record_metrics(
    spark: SparkSession, settings: Settings, task: str, version: str, metrics: Sequence[registry.Metric]
) -> None:
    """Make these the task's rows of `ml.model_metrics`; other tasks' rows stay."""
    kept = [one for one in tables.read(settings, "model_metrics").to_pylist() if one["task"] != task]
    new = [
        {
            "task": task,
            "model_version": version,
            "metric": metric.name,
            "value": metric.value,
            "baseline": metric.baseline,
            "baseline_value": metric.baseline_value,
            "split": metric.split,
        }
        for metric in metrics
    ]
    told = sorted(kept + new, key=lambda one: (str(one["task"]), str(one["metric"]), str(one["split"])))
    schema = tables.ML_SCHEMAS["model_metrics"]
    tables.write_table(spark, settings, "model_metrics", pa.Table.from_pylist(told, schema))


def tell_of(spark: SparkSession, settings: Settings, task: str, version: str) -> None:
    """Let `ml.model_metrics` tell of this version, where it tells of another."""
    told = {one["model_version"] for one in tables.read(settings, "model_metrics").to_pylist() if one["task"] == task}
    if version == registry.NO_MODEL or told == {version}:
        return
    metrics = registry.evidence(settings, task, version).metrics
    if metrics:
        record_metrics(spark, settings, task, version, metrics)
