"""Verbs on models: train and score one task on the features of the home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse import ops
from lakehouse.errors import InputError
from lakehouse.settings import Settings, load_settings

if TYPE_CHECKING:
    from datetime import date

Task = Annotated[
    str, typer.Argument(metavar="TASK", help="segment, recommend, click, value, budget, purchase, churn or text")
]


def add_to(app: typer.Typer) -> None:
    app.command(name="train")(train)
    app.command(name="score")(score)


def train(task: Task) -> None:
    """Train a task's model on gold features, log it to MLflow and make it the champion."""
    _do(task, "train")


def score(task: Task) -> None:
    """Score with a task's champion into the ml tables; `lakehouse run` brings them to gold."""
    _do(task, "score")


def _do(task: str, door: str) -> None:
    from lakehouse.cli.screen import console
    from lakehouse.engine import fitting_engine, frames
    from lakehouse.runlock import hold
    from ml.tasks import TASKS

    if task not in TASKS:
        raise InputError(f"there is no task {task!r}: it is one of {', '.join(TASKS)}")
    settings, _ = fitting_engine(load_settings())
    day = _day_of(settings)
    with hold(settings.home):
        summary = getattr(TASKS[task], door)(frames(settings), settings, day, settings.sample_seed)
    console().print(f"{door} {task}: {summary}", markup=False)


def _day_of(settings: Settings) -> date:
    days = ops.read(settings, "as_of")
    if not days or not settings.table_path("gold", "feat_customer_behaviour").exists():
        raise InputError(f"{settings.home} has no features yet: `lakehouse run` makes them")
    day: date = days[0]["as_of_on"]
    return day
