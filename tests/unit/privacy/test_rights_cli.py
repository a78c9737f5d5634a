"""The verbs on a person's rights, as a person calls them; a source's expression is worked out by the engine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from lakehouse.cli import main
from lakehouse.engine.sail import close_sail
from tests.unit.privacy.small_shop import Home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(tmp_path / "shop")
    made.land()
    monkeypatch.setenv("LAKEHOUSE_HOME", str(made.settings.home))
    close_sail()
    return made


def lakehouse(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["lakehouse", *arguments])
    return main()


def test_a_list_of_persons_is_erased_and_the_certificate_verified(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.txt").write_text("\ufeffC001\n\n C002 \n", encoding="utf-8")
    assert lakehouse(monkeypatch, "erase", "--file", str(tmp_path / "list.txt"), "--reason", "asked", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["persons"], told["keys_destroyed"]) == (2, 2)
    assert [home.rows(name) for name in ("customers", "tickets")] == [[], []], "tickets name them by an expression"
    assert lakehouse(monkeypatch, "erase", "--verify", f"{told['id']}.json") == 0
    assert "nothing of its 2 persons is there" in capsys.readouterr().out.replace("\n", " ")
    (home.settings.home / "logs").mkdir(exist_ok=True)
    (home.settings.home / "logs" / "x.log").write_text("13800138000 called\n")
    assert lakehouse(monkeypatch, "erase", "--verify", told["certificate"]) == 1
    said = capsys.readouterr().err
    assert "something of the erased is still there" in said
    assert "x.log" in said


def test_what_is_missing_is_said_in_a_sentence(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, said in (
        (["erase", "C001"], "say why"),
        (["erase", "C009", "--reason", "r"], "nothing is held of 'C009'"),
        (["erase", "--file", str(tmp_path / "none"), "--reason", "r"], "cannot be read: No such file"),
        (["erase", "--verify", "E1"], "E1 cannot be read: No such file"),
        (["subject", "rectify", "C001", "city", "--reason", "r"], "'city' is not COLUMN=VALUE"),
        (["subject", "restrict", "C001", "--reason", " "], "say why"),
    ):
        assert lakehouse(monkeypatch, *arguments) == 2, arguments
        assert said in capsys.readouterr().err
    assert lakehouse(monkeypatch, "erase", "--continue") == 0
    assert "no erasure is under way" in capsys.readouterr().out


def test_a_person_gets_all_that_is_held_and_may_be_restricted_and_put_right(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lakehouse(monkeypatch, "subject", "restrict", "C001", "--reason", "disputed") == 0
    assert lakehouse(monkeypatch, "subject", "restrict", "C001", "--reason", "disputed", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"is_restricted": True, "changed": False}
    assert lakehouse(monkeypatch, "subject", "rectify", "C001", "city=Bergen", "--reason", "moved") == 0
    assert lakehouse(monkeypatch, "subject", "export", "C001", "--out", str(tmp_path), "--json") == 0
    told = json.loads(Path(json.loads(capsys.readouterr().out.splitlines()[-1])["json"]).read_text())
    places = {one["table"]: one["rows"] for one in told["places"]}
    assert (told["customer"], told["is_restricted"]) == ("C001", True)
    assert [row["body" if "body" in row else "text"] for row in places["bronze.tickets"]] == ["it broke"]
    assert sorted(row["town"] for row in places["bronze.customers"]) == ["Bergen", "Oslo"]
    assert {one["values"]["phone"] for one in told["identifiers"]} == {"13800138000"}
    assert [line["action"] for line in told["seen_by"]] == ["restrict", "rectify", "subject export"]
    assert lakehouse(monkeypatch, "subject", "restrict", "C001", "--lift", "--reason", "settled") == 0
