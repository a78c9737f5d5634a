"""MLflow tracking and registry: an experiment per task, a run per training, the newest good model as `champion`.

The client is used instead of the fluent API: it has no global state, and one batch call writes a whole run. A model is
a folder of plain arrays and JSON with a loader in its room (MLflow's `python_function` flavour): it loads in
milliseconds without Java, in a notebook as in the serving process, and holds no pickled code.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse.errors import LakehouseError
from lakehouse.profiling import span
from lakehouse.settings import Settings

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

CHAMPION = "champion"
NO_MODEL = "none"
"""The model version in metrics of a task that had nothing to learn from."""


@dataclass(frozen=True)
class Metric:
    """One measured value with the value that a simple method reaches on the same rows."""

    name: str
    value: float
    baseline: str | None = None
    baseline_value: float | None = None
    split: str = "held out by time"


@dataclass(frozen=True)
class Training:
    """What a training leaves behind.

    Args:
        task: experiment and registered model name.
        loader: module with `_load_pyfunc(path)`.
        save: writes the model's files into an empty folder.
        inputs: the columns that the model's `predict` takes, name to MLflow type; none where they vary with the source.
        parameters: hyperparameters and anything else needed to repeat the training.
        data_versions: Delta version per table read.
    """

    task: str
    loader: str
    save: Callable[[Path], None]
    inputs: Mapping[str, str]
    parameters: Mapping[str, Any]
    data_versions: Mapping[str, int]
    metrics: Sequence[Metric]


@dataclass(frozen=True)
class Summary:
    """What a door did, for the person who ran it."""

    task: str
    model_version: str
    metrics: Sequence[Metric]
    rows: int = 0


def nothing_to_learn(task: str) -> Summary:
    """The summary of a task whose entities are absent."""
    return Summary(task, NO_MODEL, [Metric("training_rows", 0.0, split="no data")])


def register(settings: Settings, training: Training) -> str:
    """Log a run, register its model, give it the alias `champion`; returns the registry's version."""
    with span("register in MLflow"):
        return _registered(settings, training)


def _registered(settings: Settings, training: Training) -> str:
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
        tags=[RunTag("task", training.task)],
    )
    with tempfile.TemporaryDirectory() as scratch:
        data, model = Path(scratch) / training.task, Path(scratch) / "model"
        data.mkdir()
        training.save(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an input example would be run through the model, and prove nothing
            mlflow.pyfunc.save_model(
                str(model),
                loader_module=training.loader,
                data_path=str(data),
                pip_requirements=["numpy", "pandas", "scipy"],
                signature=_signature(training.inputs),
            )
        client.log_artifacts(run.info.run_id, str(model), "model")
    _ensure_registered(client, training.task)
    version = client.create_model_version(
        training.task, source=f"{run.info.artifact_uri}/model", run_id=run.info.run_id
    )
    client.set_registered_model_alias(training.task, CHAMPION, version.version)
    client.set_terminated(run.info.run_id)
    return str(version.version)


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


@dataclass(frozen=True)
class Trained:
    """What a champion was trained from, written down once all that its training leaves is there."""

    as_of: date
    rows: int
    code: str
    seed: int


def mark_trained(settings: Settings, task: str, version: str, trained: Trained) -> None:
    """Write beside a model version what it was trained from."""
    client = open_store(settings)
    for name, value in asdict(trained).items():
        client.set_model_version_tag(task, version, f"trained.{name}", str(value))


def trained(settings: Settings, task: str) -> Trained | None:
    """What the champion was trained from; None where there is no champion, or its training was killed."""
    client = open_store(settings)
    from mlflow.exceptions import MlflowException

    try:
        tags = client.get_model_version_by_alias(task, CHAMPION).tags
        return Trained(
            as_of=date.fromisoformat(tags["trained.as_of"]),
            rows=int(tags["trained.rows"]),
            code=tags["trained.code"],
            seed=int(tags["trained.seed"]),
        )
    except (MlflowException, KeyError):
        return None


def open_store(settings: Settings) -> MlflowClient:
    """The tracking client, silent. Importing MLflow costs about 3 CPU s and a new store 4 more, once."""
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_CONFIGURE_LOGGING", "false")
    for name in ("mlflow", "alembic", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.ERROR)
    import mlflow
    from mlflow.tracking import MlflowClient

    _make_store(settings)
    mlflow.set_tracking_uri(settings.mlflow_uri)
    mlflow.set_registry_uri(settings.mlflow_uri)
    return MlflowClient(settings.mlflow_uri, settings.mlflow_uri)


def _make_store(settings: Settings) -> None:
    """Make the file of a home's own store, where there is none, under another name first.

    MLflow makes it by dozens of migrations, and refuses for ever one that a kill left half made (see `make crash`).
    """
    from mlflow.tracking import MlflowClient

    store = settings.mlflow_dir / "mlflow.db"
    if settings.mlflow_tracking_uri is not None or store.exists():
        return
    settings.mlflow_dir.mkdir(parents=True, exist_ok=True)
    for left in settings.mlflow_dir.glob("*.new*"):
        left.unlink()
    fresh = settings.mlflow_dir / f"{os.getpid()}.new"
    MlflowClient(f"sqlite:///{fresh}", f"sqlite:///{fresh}").search_experiments(max_results=1)
    os.replace(fresh, store)


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
    from mlflow.types import ColSpec, Schema

    return ModelSignature(inputs=Schema([ColSpec(kind, name, required=False) for name, kind in inputs.items()]))


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
        for name, text in files.items():
            client.log_text(run_id, text, name)
        client.set_terminated(run_id)
    return str(run_id)
