"""The verb `models card`: what a model learnt from, what it is for, how good and how fair it is, and where it fails."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from lakehouse.cli.data import AsJson
from lakehouse.errors import InputError
from lakehouse.settings import load_settings


def card(
    task: Annotated[str, typer.Argument(metavar="TASK", help="a task that `lakehouse tasks` lists, such as churn")],
    version: Annotated[Optional[str], typer.Option(help="a model version; default: the champion")] = None,
    as_json: AsJson = False,
) -> None:
    """Print a model's card as Markdown: data, use, settings, metrics with intervals, limits, fairness by group."""
    from ml.card_page import markdown
    from ml.card_shelf import shelved
    from ml.tasks import TASKS

    if task not in TASKS:
        raise InputError(f"there is no task {task!r}: it is one of {', '.join(TASKS)}")
    settings = load_settings()
    found = shelved(settings, task, version)
    if found is None:
        which = f"version {version} of {task!r}" if version is not None else f"{task!r}"
        raise InputError(
            f"there is no card of {which} in {settings.home}: `lakehouse run` and `lakehouse train {task}` write one"
        )
    print(found.card.as_json() if as_json else markdown(found.card, found.standing), end="")
