"""`lakehouse evaluate TASK --on NAME`: what is measured on which data, and what is said where it cannot be."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest

from benchmarks.evaluations import DataSet, measured, of_all
from benchmarks.movielens import NotThere
from lakehouse import evaluations
from lakehouse.cli import main
from lakehouse.errors import InputError, LakehouseError
from lakehouse.settings import load_settings
from ml.tasks import TASKS

ROW = ("a figure", "1", "at least 1", True)


def lakehouse(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["lakehouse", *arguments])
    return main()


def test_every_task_has_an_evaluation_with_named_data_sets() -> None:
    there = evaluations.evaluated_tasks()
    assert set(TASKS) <= set(there)
    for name in there:
        sets = importlib.import_module(f"benchmarks.evaluations.{name}").ON
        assert sets, name
        assert all(isinstance(one, DataSet) and callable(one.rows) for one in sets.values())


def test_each_file_of_a_data_set_is_one_that_the_data_folder_may_have() -> None:
    data = load_settings().data_dir
    if not data.exists():
        pytest.skip(f"no {data}: set LAKEHOUSE_DATA_DIR")
    for name in evaluations.evaluated_tasks():
        for one in importlib.import_module(f"benchmarks.evaluations.{name}").ON.values():
            assert [file for file in one.files if not (data / file).exists()] == []


def test_a_data_set_of_another_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(InputError, match="'value' is not evaluated on 'moon': it is on cdnow, rossi"):
        measured("value", "moon", {"rossi": DataSet(lambda: [ROW]), "cdnow": DataSet(lambda: [ROW])})


def test_a_data_set_that_is_not_on_this_machine_names_the_setting_that_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_DATA_DIR", str(tmp_path))
    there = {"rossi": DataSet(lambda: [ROW], ("rossi.csv.gz",))}
    with pytest.raises(InputError, match=rf"no rossi.csv.gz in {tmp_path}; set LAKEHOUSE_DATA_DIR"):
        measured("churn", "rossi", there)
    (tmp_path / "rossi.csv.gz").touch()
    assert measured("churn", "rossi", there) == [ROW]


def test_of_all_data_sets_one_that_is_not_there_is_told_as_not_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_DATA_DIR", str(tmp_path))
    (told,) = of_all("purchase")
    assert told[:2] == ("purchase, online-shoppers", "not measured")
    assert f"no online_shoppers_intention.csv.gz in {tmp_path}" in told[2]
    assert told[3] is False


def test_a_data_set_that_cannot_be_downloaded_is_the_same_kind_of_answer() -> None:
    def absent() -> list[tuple[str, str, str, bool]]:
        raise NotThere("the package index does not answer")

    with pytest.raises(InputError, match="'ml-100k' is not on this machine: the package index does not answer"):
        measured("recommend", "ml-100k", {"ml-100k": DataSet(absent)})


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with evaluations of its own."""
    folder = tmp_path / "benchmarks" / "evaluations"
    folder.mkdir(parents=True)
    (folder / "__main__.py").write_text("import sys, tea\nsys.exit(tea.answer(sys.argv[1:]))\n")
    (folder / "__init__.py").touch()
    (folder / "tea.py").touch()
    (tmp_path / "tea.py").write_text(
        "import json\n"
        "def answer(given):\n"
        "    if given[-1] == 'broken':\n"
        "        raise ZeroDivisionError\n"
        "    if given[-1] == 'far':\n"
        "        print('it is far away')\n"
        "        return 2\n"
        "    print('a table of it')\n"
        "    print(json.dumps([['strength ' + given[-1], '3', '>= 4', given[-1] == 'green']]))\n"
    )
    monkeypatch.setattr(evaluations, "CHECKOUT", tmp_path)
    monkeypatch.setattr(evaluations, "FOLDER", folder)
    monkeypatch.setattr(evaluations.evaluated_tasks, "__defaults__", (folder,))
    return tmp_path


def test_figures_are_printed_as_json_and_nothing_else(
    room: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert lakehouse(monkeypatch, "evaluate", "tea", "--on", "green", "--json") == 0
    said = capfd.readouterr()
    assert json.loads(said.out) == [{"what": "strength green", "ours": "3", "reference": ">= 4", "passed": True}]
    assert "a table of it" in said.err


def test_a_figure_that_is_not_reached_is_shown_and_told_by_the_exit_code(
    room: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert lakehouse(monkeypatch, "evaluate", "tea", "--on", "black") == 1
    head, row = capfd.readouterr().out.splitlines()
    assert head.split() == ["what", "ours", "reference", "passed"]
    assert row.split() == ["strength", "black", "3", ">=", "4", "no"]


def test_what_the_evaluation_says_is_not_there_is_wrong_input(
    room: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert lakehouse(monkeypatch, "evaluate", "tea", "--on", "far") == 2
    assert "error: it is far away" in capfd.readouterr().err
    assert lakehouse(monkeypatch, "evaluate", "horoscope", "--on", "far") == 2
    assert "no evaluation of 'horoscope': there are those of tea" in capfd.readouterr().err


def test_an_evaluation_that_breaks_has_failed(room: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LakehouseError, match="the evaluation of 'tea' failed") as failed:
        evaluations.figures("tea", "broken")
    assert not isinstance(failed.value, InputError)
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_without_a_checkout_it_is_said_where_evaluations_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="part of the checkout"):
        evaluations.evaluated_tasks(tmp_path)
