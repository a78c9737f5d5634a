"""Model cards: what a model learnt from, what it is for, how good and how fair it is, and where it fails.

After Mitchell et al., "Model Cards for Model Reporting" (FAT* 2019). What only a person knows (task, use, limits) is
declared in `ml/<task>/card.yml`; everything else is taken from the training itself, once, when it is registered. The
card is the artifact `model_card.json` of the training's run in MLflow, and `model_card.md` for who reads it there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import yaml
from deltalake import DeltaTable

from lakehouse.errors import LakehouseError
from lakehouse.settings import Settings
from ml.curves import Point
from ml.fairness import Fairness, Gap, GroupMeasure
from ml.groups import OF_A_GROUP
from ml.store import open_store

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from ml.registry import Metric

ROOM = Path(__file__).parent
AS_JSON, AS_MARKDOWN = "model_card.json", "model_card.md"
CUSTOMER = "customer_id"
MOST_COUNTED = 5_000_000
"""Rows of which customers are counted: half a CPU second."""
PERIOD = ("occurred_on", "interacted_on", "shown_on", "opened_on", "first_ordered_on", "started_on", "as_of_on")
"""The column that says when: the first of these that a table has."""


@dataclass(frozen=True)
class Facts:
    """What is declared of a task.

    Args:
        purpose: what is foretold or made, of whom.
        use, not_for: what to do with it, and what not.
        method: how, in a sentence or two; the settings are the training's parameters.
        limits: what to know before relying on it.
        fairness: what is compared between groups, or why nothing is.
    """

    purpose: str
    use: str
    not_for: str
    method: str
    limits: Sequence[str]
    fairness: str


@dataclass(frozen=True)
class Read:
    """A table that was learnt from, as it was then.

    Args:
        first_on, last_on: ISO days; None where its rows have none.
        customers: different ones; None where it tells of none, or has too many rows to count them.
    """

    table: str
    version: int
    rows: int
    customers: int | None
    first_on: str | None
    last_on: str | None
    group_columns: Sequence[str]


@dataclass(frozen=True)
class Card:
    """Everything that a card says of a training; a registered version and its standing are the registry's to tell.

    Args:
        metrics: as `registry.Metric` has them.
        settings: hyperparameters and whatever else the training logged.
    """

    task: str
    as_of: str
    facts: Facts
    settings: Mapping[str, str]
    data: Sequence[Read]
    metrics: Sequence[Mapping[str, Any]]
    fairness: Fairness = field(default_factory=Fairness)
    curves: Sequence[Point] = ()

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Card:
        """A card that was written by `as_json`."""
        told = json.loads(text)
        return cls(
            told["task"],
            told["as_of"],
            Facts(**told["facts"]),
            told["settings"],
            [Read(**one) for one in told["data"]],
            told["metrics"],
            Fairness(
                [GroupMeasure(**one) for one in told["fairness"]["groups"]],
                [Gap(**one) for one in told["fairness"]["gaps"]],
            ),
            [Point(**one) for one in told["curves"]],
        )


def facts(task: str) -> Facts | None:
    """What `ml/<task>/card.yml` declares; None for a task without one (a test sees to it that each of ours has it).

    Raises:
        LakehouseError: a statement is missing, or one is there that a card has no place for.
    """
    path = ROOM / task / "card.yml"
    if not path.exists():
        return None
    try:
        return Facts(**yaml.safe_load(path.read_text(encoding="utf-8")))
    except TypeError as error:
        raise LakehouseError(f"{path}: not a card ({error})") from None


def card_of(
    settings: Settings,
    task: str,
    parameters: Mapping[str, Any],
    data_versions: Mapping[str, int],
    metrics: Sequence[Metric],
    fairness: Fairness,
    curves: Sequence[Point] = (),
) -> Card | None:
    """The card of a training; None for a task that declares none.

    Args:
        data_versions: Delta version by full name of table.
    """
    declared = facts(task)
    if declared is None:
        return None
    told = {name: str(value) for name, value in parameters.items()}
    return Card(
        task,
        told.pop("as_of", ""),
        declared,
        told,
        [_read(settings, name, version) for name, version in data_versions.items()],
        [asdict(metric) for metric in metrics],
        fairness,
        curves,
    )


def read(settings: Settings, task: str, version: str | None) -> Card | None:
    """The card of a version, or of a task that registers no model (`version` None) that of its last run.

    None where there was no such training, or no card at its time.
    """
    client = open_store(settings)
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    try:
        root = _last_run(client, task) if version is None else client.get_model_version(task, version).source
        if root is None:
            return None
        uri = f"{root.removesuffix('/model')}/{AS_JSON}"
        text = Path(download_artifacts(artifact_uri=uri, tracking_uri=settings.mlflow_uri)).read_text(encoding="utf-8")
    except (OSError, MlflowException):  # a folder, or a store that says so
        return None
    return Card.from_json(text)


def _last_run(client: MlflowClient, task: str) -> str | None:
    """Where the artifacts of a task's last finished run are."""
    found = client.get_experiment_by_name(task)
    if found is None:
        return None
    runs = client.search_runs([found.experiment_id], "attributes.status = 'FINISHED'", max_results=1)
    return str(runs[0].info.artifact_uri) if runs else None


def _read(settings: Settings, table: str, version: int) -> Read:
    schema, name = table.split(".")
    rows, customers, first_on, last_on, columns = _counted(settings.table_uri(schema, name), version)
    return Read(table, version, rows, customers, first_on, last_on, columns)


@lru_cache(maxsize=64)
def _counted(uri: str, version: int) -> tuple[int, int | None, str | None, str | None, tuple[str, ...]]:
    """Rows, customers, first and last day, and columns that tell of a group; several tasks read the same tables."""
    stored = DeltaTable(uri, version=version)
    names = [column.name for column in stored.schema().fields]
    day = next((name for name in PERIOD if name in names), None)
    rows, rows_of = stored.count(), stored.to_pyarrow_dataset()
    span = {"min": None, "max": None}
    if day is not None:
        span = pc.min_max(rows_of.to_table(columns=[day])[day]).as_py()
    customers = None
    if CUSTOMER in names and rows <= MOST_COUNTED:
        customers = pc.count_distinct(rows_of.to_table(columns=[CUSTOMER])[CUSTOMER]).as_py()
    return rows, customers, _day(span["min"]), _day(span["max"]), tuple(name for name in names if name in OF_A_GROUP)


def _day(value: date | datetime | None) -> str | None:
    return None if value is None else value.isoformat()[:10]
