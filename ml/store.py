"""MLflow's store: a SQLite file of the home, or a server's."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from lakehouse.settings import Settings

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


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


def has_store(settings: Settings) -> bool:
    """Whether there is anything to look at; looking must not make a store."""
    return settings.mlflow_tracking_uri is not None or (settings.mlflow_dir / "mlflow.db").exists()


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
