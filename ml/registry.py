"""MLflow tracking and registry: an experiment per task, a run per training, the model that serves as `champion`.

The client is used instead of the fluent API: it has no global state, and one batch call writes a whole run. A model is
a folder of plain arrays and JSON with a loader in its room (MLflow's `python_function` flavour): it loads in
milliseconds without Java, in a notebook as in the serving process, and holds no pickled code.
"""

from __future__ import annotations

import json
import platform
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse.errors import LakehouseError
from lakehouse.profiling import span
from lakehouse.settings import Settings
from ml.appraisal import appraised, card_files
from ml.cards import card_of
from ml.fairness import Fairness
from ml.held_out import HeldOut
from ml.plots import svg
from ml.store import open_store

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow.tracking import MlflowClient

CHAMPION = "champion"
EVIDENCE = "evidence"
"""Beside a model: the twin that it is judged by, its measures with their baselines, the columns of its features."""
LIBRARIES = ("numpy", "pandas", "scipy")
"""What a saved model needs to answer."""
FITTED_BY = ("scikit-learn", "implicit", "pyspark", "pysail")
NO_MODEL = "none"
"""The model version in metrics of a task that had nothing to learn from."""


@dataclass(frozen=True)
class Metric:
    """One measured value with the value that a simple method reaches on the same rows.

    Args:
        interval_low, interval_high: 95 % of the value, lead_low and lead_high of the value less the baseline's; see
            `ml/intervals.py`. None where it is no measure of held-out rows that were kept.
    """

    name: str
    value: float
    baseline: str | None = None
    baseline_value: float | None = None
    split: str = "held out by time"
    interval_low: float | None = None
    interval_high: float | None = None
    lead_low: float | None = None
    lead_high: float | None = None


@dataclass(frozen=True)
class Twin:
    """The same recipe fitted without the held-out rows: the one that was measured, and by which a model is judged.

    Args:
        save: writes its files into an empty folder.
        until: where the rows begin that it has not seen, in the room's own words; the same for ever.
    """

    save: Callable[[Path], None]
    until: str = ""


@dataclass(frozen=True)
class Training:
    """What a training leaves behind.

    Args:
        task: experiment and registered model name.
        loader: module with `_load_pyfunc(path)`.
        save: writes the model's files into an empty folder.
        inputs: the columns that the model's `predict` takes, name to MLflow type; none where they vary with the source.
        parameters: hyperparameters and anything else needed to repeat the training, `seed` and `as_of` among them.
        data_versions: Delta version per table read.
        columns: of the features read, full name to type.
        twin: what to judge the model by; without one it can be neither judged nor beaten.
        plots: name to a function that draws it; written as SVG.
        held_out: what the metrics were taken of, for their intervals and for fairness, several where metrics are of
            different rows; without it there is neither.
    """

    task: str
    loader: str
    save: Callable[[Path], None]
    inputs: Mapping[str, str]
    parameters: Mapping[str, Any]
    data_versions: Mapping[str, int]
    metrics: Sequence[Metric]
    columns: Mapping[str, str] = field(default_factory=dict)
    twin: Twin | None = None
    plots: Mapping[str, Callable[[], Figure]] = field(default_factory=dict)
    held_out: HeldOut | Sequence[HeldOut] | None = None


@dataclass(frozen=True)
class Summary:
    """What a door did, for the person who ran it; of a training also whether its model serves, and why.

    Args:
        remark: what the person has to know of the data, such as a column that was left out.
    """

    task: str
    model_version: str
    metrics: Sequence[Metric]
    rows: int = 0
    why: str = ""
    is_challenger: bool = False
    remark: str = ""


def nothing_to_learn(task: str) -> Summary:
    """The summary of a task whose entities are absent."""
    return Summary(task, NO_MODEL, [Metric("training_rows", 0.0, split="no data")])


def register(settings: Settings, training: Training) -> str:
    """Log a run and register its model; returns the registry's version.

    The first model of a task is its champion at once; a later one has to be judged (`Task.train`, `ml/champions.py`).
    """
    with span("register in MLflow"):
        return _registered(settings, training)


def _registered(settings: Settings, training: Training) -> str:
    with span("appraise"):
        training, card = appraised(settings, training)
    client = open_store(settings)
    import mlflow.pyfunc
    from mlflow.entities import Metric as LoggedMetric
    from mlflow.entities import Param, RunTag

    run = client.create_run(_experiment(client, settings, training.task), run_name=f"train {training.task}")
    now = int(time.time() * 1000)
    versions = {f"version_of_{table}": version for table, version in training.data_versions.items()}
    client.log_batch(
        run.info.run_id,
        metrics=[LoggedMetric(name, value, now, 0) for name, value in _flat(training.metrics).items()],
        params=[Param(name, str(value)) for name, value in {**training.parameters, **versions}.items()],
        tags=[RunTag(name, value) for name, value in {"task": training.task, **_environment(settings)}.items()],
    )
    with tempfile.TemporaryDirectory() as scratch:
        data, left = Path(scratch) / training.task, Path(scratch) / "left"
        data.mkdir()
        left.mkdir()
        training.save(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an input example would be run through the model, and prove nothing
            mlflow.pyfunc.save_model(
                str(left / "model"),
                loader_module=training.loader,
                data_path=str(data),
                pip_requirements=[f"{name}=={metadata.version(name)}" for name in LIBRARIES],
                signature=_signature(training.inputs),
            )
        _leave_evidence(training, left / EVIDENCE)
        _draw(training, left / "plots")
        for name, text in card_files(card).items():
            (left / name).write_text(text, encoding="utf-8")
        client.log_artifacts(run.info.run_id, str(left))
    _ensure_registered(client, training.task)
    version = client.create_model_version(
        training.task, source=f"{run.info.artifact_uri}/model", run_id=run.info.run_id
    )
    if champion_version(client, training.task) is None:
        client.set_registered_model_alias(training.task, CHAMPION, version.version)
    client.set_terminated(run.info.run_id)
    return str(version.version)


def _leave_evidence(training: Training, folder: Path) -> None:
    folder.mkdir()
    (folder / "metrics.json").write_text(json.dumps([asdict(metric) for metric in training.metrics], indent=1))
    (folder / "columns.json").write_text(json.dumps(dict(training.columns), indent=1))
    if training.twin is not None:
        (folder / "twin").mkdir()
        training.twin.save(folder / "twin")
        (folder / "until.json").write_text(json.dumps(training.twin.until))


def _draw(training: Training, folder: Path) -> None:
    """Without pyplot, which would keep every figure; importing matplotlib costs 0.35 CPU s, a plot 0.03."""
    folder.mkdir()
    for name, draw in training.plots.items():
        (folder / f"{name}.svg").write_text(svg(draw()), encoding="utf-8")


def _environment(settings: Settings) -> dict[str, str]:
    """What the model was fitted by: Python, the engine, the versions of the libraries."""
    versions = {f"environment.{name}": metadata.version(name) for name in (*LIBRARIES, *FITTED_BY)}
    return {"environment.python": platform.python_version(), "environment.engine": settings.engine, **versions}


def champion_version(client: MlflowClient, task: str) -> str | None:
    """The version that serves; None where the task has no champion."""
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_model_version_by_alias(task, CHAMPION).version)
    except MlflowException:
        return None


@dataclass(frozen=True)
class Evidence:
    """What a training left beside its model.

    Args:
        twin: the folder of its twin, with `until`; None where it has none.
        columns: of the features it was trained on, full name to type.
    """

    metrics: Sequence[Metric]
    columns: Mapping[str, str]
    twin: Path | None
    until: str


def evidence(settings: Settings, task: str, version: str) -> Evidence:
    """The evidence of a version; empty for one that was registered before there was any."""
    client = open_store(settings)
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    root = client.get_model_version(task, version).source.removesuffix("/model")
    try:
        folder = Path(download_artifacts(artifact_uri=f"{root}/{EVIDENCE}", tracking_uri=settings.mlflow_uri))
        metrics = [Metric(**one) for one in json.loads((folder / "metrics.json").read_text())]
    except (OSError, MlflowException):  # a folder, or a store that says so
        return Evidence([], {}, None, "")
    twin = folder / "twin"
    until = json.loads((folder / "until.json").read_text()) if twin.exists() else ""
    return Evidence(metrics, json.loads((folder / "columns.json").read_text()), twin if twin.exists() else None, until)


def champion(settings: Settings, task: str) -> tuple[str, Path]:
    """Version and data folder of the champion of a task.

    Raises:
        LakehouseError: the task was never trained in this home.
    """
    client = open_store(settings)
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    try:
        version = client.get_model_version_by_alias(task, CHAMPION)
    except MlflowException:
        raise LakehouseError(
            f"there is no champion model of {task!r} in {settings.home}: run `lakehouse train {task}` first"
        ) from None
    folder = download_artifacts(artifact_uri=version.source, tracking_uri=settings.mlflow_uri)
    return str(version.version), Path(folder) / "data" / task


def _experiment(client: MlflowClient, settings: Settings, task: str) -> str:
    found = client.get_experiment_by_name(task)
    if found is not None:
        return str(found.experiment_id)
    is_local = settings.mlflow_uri.startswith("sqlite:")
    place = (settings.mlflow_dir / "artifacts" / task).as_uri() if is_local else None
    return str(client.create_experiment(task, artifact_location=place))


def _ensure_registered(client: MlflowClient, task: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.get_registered_model(task)
    except MlflowException:
        client.create_registered_model(task)


def _signature(inputs: Mapping[str, str]) -> Any:
    if not inputs:
        return None
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import Map

    of_texts = {"map<string>": Map(DataType.string)}
    columns = [ColSpec(of_texts.get(kind, kind), name, required=False) for name, kind in inputs.items()]
    return ModelSignature(inputs=Schema(columns))


def _flat(metrics: Sequence[Metric]) -> dict[str, float]:
    values = {metric.name: metric.value for metric in metrics}
    for metric in metrics:
        if metric.baseline is not None and metric.baseline_value is not None:
            values[f"{metric.name}.{metric.baseline}"] = metric.baseline_value
    return values


def log_run(
    settings: Settings,
    task: str,
    parameters: Mapping[str, Any],
    data_versions: Mapping[str, int],
    metrics: Sequence[Metric],
    files: Mapping[str, str],
) -> str:
    """Log a run of a task that leaves no model; returns the run's id.

    Args:
        files: name to text, kept as artifacts of the run.
    """
    with span("log in MLflow"):
        client = open_store(settings)
        from mlflow.entities import Metric as LoggedMetric
        from mlflow.entities import Param, RunTag

        run_id = client.create_run(_experiment(client, settings, task), run_name=f"run {task}").info.run_id
        now = int(time.time() * 1000)
        versions = {f"version_of_{table}": version for table, version in data_versions.items()}
        client.log_batch(
            run_id,
            metrics=[LoggedMetric(name, value, now, 0) for name, value in _flat(metrics).items()],
            params=[Param(name, str(value)) for name, value in {**parameters, **versions}.items()],
            tags=[RunTag("task", task)],
        )
        card = card_of(settings, task, parameters, data_versions, metrics, Fairness())
        for name, text in {**files, **card_files(card)}.items():
            client.log_text(run_id, text, name)
        client.set_terminated(run_id)
    return str(run_id)
