"""Verbs on models, where there are none yet; and what a choice by hand does to the next run."""

from __future__ import annotations

import json
import sys
from datetime import date, datetime, timezone
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lakehouse import by_hand
from lakehouse.cli import main
from lakehouse.pipeline import fingerprint
from lakehouse.settings import Settings, load_settings
from ml import tables
from ml.tasks import TASKS


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return load_settings()


def lakehouse(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["lakehouse", *arguments])
    return main()


def test_tasks_are_listed_with_their_measure_and_rule(
    home: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lakehouse(monkeypatch, "tasks", "--json") == 0
    told = {row["task"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(told) == list(TASKS)
    assert told["click"]["reads"][0] == "gold.feat_impressions"
    assert (told["click"]["metric"], told["click"]["direction"]) == ("log_loss", "lower")
    assert "10%" in told["click"]["refresh"]


def test_a_home_without_models_is_listed_as_such_and_no_store_is_made(
    home: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lakehouse(monkeypatch, "models", "--json") == 0
    told = {row["task"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(told) == list(TASKS)
    assert told["segment"]["champion_version"] is None
    assert list(home.home.iterdir()) == []


def test_a_task_that_keeps_no_model_tells_what_its_last_training_measured(
    home: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = {"task": "budget", "model_version": "none", "metric": "later_return", "value": 9.0, "split": "later"}
    measured |= {"baseline": "so far", "baseline_value": 7.0}
    write_deltalake(
        home.table_uri("ml", "model_metrics"), pa.Table.from_pylist([measured], tables.ML_SCHEMAS["model_metrics"])
    )
    assert lakehouse(monkeypatch, "evaluate", "budget", "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["metric"], told["value"], told["baseline_value"], told["version"]) == ("later_return", 9.0, 7.0, None)
    assert lakehouse(monkeypatch, "models", "--json") == 0
    listed = {row["task"]: row for row in json.loads(capsys.readouterr().out)}
    assert (listed["budget"]["value"], listed["budget"]["baseline_value"]) == (9.0, 7.0)
    assert listed["segment"]["value"] is None


def test_the_tables_of_a_training_are_there_once_it_was_compared_whatever_was_scored(home: Settings) -> None:
    assert not TASKS["churn"].has_left_tables(home)
    told = {
        "task": "churn",
        "as_of_on": date(2025, 1, 1),
        "challenger_version": "1",
        "is_promoted": True,
        "why": "first",
    }
    rows = pa.Table.from_pylist([told], tables.ML_SCHEMAS["model_comparisons"])
    write_deltalake(home.table_uri("ml", "model_comparisons"), rows)
    assert (TASKS["churn"].has_left_tables(home), TASKS["click"].has_left_tables(home)) == (True, False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("evaluate", "segment"), "no model of 'segment'"),
        (("models", "card", "segment"), "there is no card of 'segment'"),
        (("models", "card", "segment", "--version", "3"), "there is no card of version 3 of 'segment'"),
        (("models", "card", "horoscope"), "there is no task 'horoscope'"),
        (("models", "promote", "segment"), "has no models yet"),
        (("models", "rollback", "segment"), "has no models yet"),
        (("models", "rollback", "horoscope"), "there is no task 'horoscope': it is one of segment"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    home: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    assert lakehouse(monkeypatch, *arguments) == 2
    assert said in capsys.readouterr().err
    assert by_hand.read(home) == {}


def test_a_choice_by_hand_makes_the_next_run_do_something(home: Settings) -> None:
    before = fingerprint(home, None)
    assert fingerprint(home, None) == before
    by_hand.note(home, "segment", "rollback", datetime(2025, 1, 1, tzinfo=timezone.utc))
    after = fingerprint(home, None)
    assert after != before
    by_hand.note(home, "segment", "rollback", datetime(2025, 1, 2, tzinfo=timezone.utc))  # to the one before that
    assert fingerprint(home, None) not in (before, after)
    assert list(by_hand.read(home)) == ["segment"]
