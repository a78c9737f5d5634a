"""Verbs on models: train, score and evaluate a task; see, promote and roll back its models."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from lakehouse import by_hand, ops
from lakehouse.cli.cards import card
from lakehouse.cli.data import AsJson
from lakehouse.errors import InputError
from lakehouse.settings import Settings, load_settings
from lakehouse.storage import has_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from ml.champions import Standing, Throne

Task = Annotated[str, typer.Argument(metavar="TASK", help="a task that `lakehouse tasks` lists, such as segment")]


def add_to(app: typer.Typer) -> None:
    for verb in (train, score, evaluate, tasks):
        app.command(name=verb.__name__)(verb)
    of_models = typer.Typer(help=models.__doc__, rich_markup_mode=None)
    of_models.callback(invoke_without_command=True)(models)
    of_models.command(name="card")(card)
    of_models.command(name="promote")(promote)
    of_models.command(name="rollback")(rollback)
    app.add_typer(of_models, name="models")


def train(task: Task) -> None:
    """Train a task's model on gold features and log it to MLflow; it serves if it beats the champion."""
    _do(task, "train")


def score(task: Task) -> None:
    """Score with a task's champion into the ml tables; `lakehouse run` brings them to gold."""
    _do(task, "score")


def evaluate(
    task: Task,
    on: Annotated[
        Optional[str],
        typer.Option(metavar="NAME", help="a data set, such as cdnow or sample; an unknown name lists the task's own"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print what a task's champion, and its challenger, reached on held-out data beside their baselines.

    With --on: what the task reaches on a public or generated data set, beside what is known of it; nothing of this
    home is read or changed.
    """
    from lakehouse.cli.screen import console, print_rows

    if on is not None:
        _print_figures(task, on, as_json)
        return
    _known(task)
    settings = load_settings()
    rows = _measures(settings, task)
    if not rows:
        raise InputError(f"there is no model of {task!r} in {settings.home}: run `lakehouse train {task}` first")
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    names = (
        "model",
        "version",
        "metric",
        "value",
        "interval_low",
        "interval_high",
        "baseline",
        "baseline_value",
        "split",
    )
    told = [[_rounded(row[name]) for name in names] for row in rows]
    print_rows(console(), [name.replace("_", " ") for name in names], told)


def _print_figures(task: str, on: str, as_json: bool) -> None:
    """Exit code 1 where a figure is not reached, as `make evaluate`."""
    from dataclasses import asdict

    from lakehouse.cli.screen import console, print_rows
    from lakehouse.evaluations import figures

    told = figures(task, on)
    if as_json:
        print(json.dumps([asdict(figure) for figure in told], ensure_ascii=False))
    else:
        rows = [[*list(asdict(figure).values())[:3], _yes(figure.passed)] for figure in told]
        print_rows(console(), ("what", "ours", "reference", "passed"), rows)
    if not all(figure.passed for figure in told):
        raise typer.Exit(1)


def tasks(as_json: AsJson = False) -> None:
    """List what can be trained: what it reads and writes, how it is measured, when it is trained anew."""
    from lakehouse.cli.screen import console, print_rows
    from ml.tasks import TASKS

    rows = [
        {
            "task": task.name,
            "reads": [f"gold.{table}" for table in task.reads],
            "writes": [f"ml.{table}" for table in task.writes],
            "metric": task.metric,
            "direction": task.direction,
            "baseline": task.baseline,
            "is_compared": task.judge is not None,
            "refresh": task.refresh,
        }
        for task in TASKS.values()
    ]
    if as_json:
        print(json.dumps(rows))
        return
    told = [[", ".join(v) if isinstance(v, list) else _yes(v) for v in row.values()] for row in rows]
    print_rows(console(), [name.replace("_", " ") for name in rows[0]], told)


def models(context: typer.Context, as_json: AsJson = False) -> None:
    """List each task's champion and challenger: metric, age, and why the challenger serves or does not."""
    from lakehouse.cli.screen import console, print_rows
    from ml.tasks import TASKS

    if context.invoked_subcommand is not None:
        return
    settings = load_settings()
    rows = [_told(settings, name) for name in TASKS]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, default=str))
        return
    print_rows(
        console(),
        (
            "task",
            "champion",
            "metric",
            "value",
            "baseline",
            "value of it",
            "trained as of",
            "age in days",
            "challenger",
        ),
        [
            [
                row["task"],
                row["champion_version"],
                row["metric"],
                _rounded(row["value"]),
                row["baseline"],
                _rounded(row["baseline_value"]),
                row["trained_as_of"],
                row["age_days"],
                row["challenger_version"],
            ]
            for row in rows
        ],
    )
    for row in rows:
        for model in ("champion", "challenger"):
            if row[f"{model}_why"]:
                console().print(f"{row['task']} {model} {row[f'{model}_version']}: {row[f'{model}_why']}", markup=False)


def promote(
    task: Task,
    version: Annotated[Optional[str], typer.Argument(help="a model version; default: the challenger")] = None,
) -> None:
    """Make the challenger, or another version, a task's champion; the next run scores with it."""
    from lakehouse.runlock import hold
    from ml import champions

    settings = _home_with_models(task)
    with hold(settings):
        chosen = champions.promote(settings, task, version, lambda: _by_hand(settings, task, "promote"))
    _say_who_serves(task, chosen)


def rollback(task: Task) -> None:
    """Make a task's champion before this one the champion again; the next run scores with it."""
    from lakehouse.runlock import hold
    from ml import champions

    settings = _home_with_models(task)
    with hold(settings):
        chosen = champions.rollback(settings, task, lambda: _by_hand(settings, task, "rollback"))
    _say_who_serves(task, chosen)


def _say_who_serves(task: str, version: str) -> None:
    from lakehouse.cli.screen import console

    console().print(
        f"version {version} is the champion of {task}; the next `lakehouse run` scores with it", markup=False
    )


def _do(task: str, door: str) -> None:
    from lakehouse.cli.screen import console
    from lakehouse.engine import fitting_engine, frames
    from lakehouse.runlock import hold
    from ml.tasks import TASKS

    _known(task)
    settings, _ = fitting_engine(load_settings())
    day = _day_of(settings)
    with hold(settings):
        _by_hand(settings, task, door)
        summary = getattr(TASKS[task], door)(frames(settings), settings, day, settings.sample_seed)
    console().print(f"{door} {task}: {summary}", markup=False)


def _known(task: str) -> None:
    from ml.tasks import TASKS

    if task not in TASKS:
        raise InputError(f"there is no task {task!r}: it is one of {', '.join(TASKS)}")


def _by_hand(settings: Settings, task: str, what: str) -> None:
    by_hand.note(settings, task, what, datetime.now(timezone.utc))


def _home_with_models(task: str) -> Settings:
    _known(task)
    settings = load_settings()
    from ml.store import has_store

    if not has_store(settings):
        raise InputError(f"{settings.home} has no models yet: `lakehouse run` trains them")
    return settings


def _told(settings: Settings, name: str) -> dict[str, Any]:
    """What `lakehouse models` says of a task."""
    from ml import comparisons, registry
    from ml.tasks import TASKS

    task = TASKS[name]
    of = _throne(settings, name)
    champion, challenger = of.champion, of.challenger
    measures = (
        comparisons.metrics_without_model(settings, name)
        if champion is None
        else registry.evidence(settings, name, champion.version).metrics
    )
    main = next((metric for metric in measures if metric.name == task.metric), None)
    days = ops.read(settings, "as_of")
    learnt = champion.trained.as_of if champion is not None and champion.trained is not None else None
    return {
        "task": name,
        "champion_version": _version(champion),
        "challenger_version": _version(challenger),
        "metric": task.metric,
        "direction": task.direction,
        "value": None if main is None else main.value,
        "baseline": task.baseline,
        "baseline_value": None if main is None else main.baseline_value,
        "trained_as_of": learnt,
        "age_days": (days[0]["as_of_on"] - learnt).days if days and learnt is not None else None,
        "champion_why": "" if champion is None else champion.why,
        "challenger_why": "" if challenger is None else challenger.why,
        "earlier_champions": list(of.history[:-1]),
    }


def _throne(settings: Settings, task: str) -> Throne:
    """Who serves and who waits; nobody, where there is no store, and none is made."""
    from ml import champions
    from ml.store import has_store

    return champions.throne(settings, task) if has_store(settings) else champions.Throne(None, None, ())


def _version(model: Standing | None) -> str | None:
    return None if model is None else model.version


def _measures(settings: Settings, task: str) -> list[dict[str, Any]]:
    """The measures of the champion, then of the challenger, as they were taken when each was trained; of a task that
    keeps no model those of its last training."""
    from dataclasses import asdict

    from ml import comparisons, registry

    of = _throne(settings, task)
    taken: list[tuple[str, str | None, Sequence[registry.Metric]]] = [
        (name, model.version, registry.evidence(settings, task, model.version).metrics)
        for name, model in (("champion", of.champion), ("challenger", of.challenger))
        if model is not None
    ]
    return [
        {
            "model": name,
            "version": version,
            **{("metric" if key == "name" else key): value for key, value in asdict(metric).items()},
        }
        for name, version, metrics in taken or [("", None, comparisons.metrics_without_model(settings, task))]
        for metric in metrics
    ]


def _rounded(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


def _yes(value: object) -> object:
    return ("yes" if value else "no") if isinstance(value, bool) else value


def _day_of(settings: Settings) -> date:
    days = ops.read(settings, "as_of")
    if not days or not has_table(settings, "gold.feat_customer_behaviour"):
        raise InputError(f"{settings.home} has no features yet: `lakehouse run` makes them")
    day: date = days[0]["as_of_on"]
    return day
