"""The audit log: every way to tamper with it is found, and what only an anchor finds is found by one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from lakehouse.errors import InputError, LakehouseError
from lakehouse.privacy import audit
from lakehouse.privacy.keyring import open_keyring
from lakehouse.settings import Settings, load_settings

NOON = datetime(2025, 7, 1, 12, tzinfo=timezone.utc)


def write(settings: Settings, *reasons: str) -> None:
    with open_keyring(settings, make=True) as keyring:
        for minute, reason in enumerate(reasons):
            audit.record(
                settings, keyring, NOON + timedelta(minutes=minute), "li", "reveal", subject_id="5", reason=reason
            )


def verify(settings: Settings, anchor: str | None = None) -> audit.Verdict:
    with open_keyring(settings) as keyring:
        return audit.verify(settings, keyring, anchor)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home whose log has four lines."""
    made = load_settings(home=tmp_path / "home")
    write(made, "one", "two", "three", "four")
    return made


def test_a_line_says_who_when_and_why_and_carries_the_seal_of_the_one_before(settings: Settings) -> None:
    lines = audit.read(settings)
    assert [(line["number"], line["user"], line["action"], line["reason"]) for line in lines] == [
        (n, "li", "reveal", reason) for n, reason in enumerate(("one", "two", "three", "four"), 1)
    ]
    assert [line["at"] for line in lines[:2]] == ["2025-07-01T12:00:00+00:00", "2025-07-01T12:01:00+00:00"]
    assert [line["previous"] for line in lines] == [audit.FIRST, *(line["seal"] for line in lines[:-1])]
    verdict = verify(settings)
    assert (verdict.lines, verdict.seal, verdict.faults) == (4, lines[-1]["seal"], ())


def changed(lines: list[str]) -> list[str]:
    return [lines[0], lines[1].replace('"two"', '"too"'), *lines[2:]]


def removed(lines: list[str]) -> list[str]:
    return [lines[0], *lines[2:]]


def removed_first(lines: list[str]) -> list[str]:
    return lines[1:]


def cut(lines: list[str]) -> list[str]:
    return lines[:-1]


def emptied(lines: list[str]) -> list[str]:
    return []


def inserted(lines: list[str]) -> list[str]:
    told = json.loads(lines[1])
    told |= {"number": 3, "previous": told["seal"], "reason": "never"}
    return [*lines[:2], json.dumps(told), *lines[2:]]


def repeated(lines: list[str]) -> list[str]:
    return [*lines, lines[-1]]


def exchanged(lines: list[str]) -> list[str]:
    return [lines[0], lines[2], lines[1], lines[3]]


def appended_by_hand(lines: list[str]) -> list[str]:
    told = json.loads(lines[-1])
    return [*lines, json.dumps(told | {"number": 5, "previous": told["seal"], "user": "wang"})]


def spoilt(lines: list[str]) -> list[str]:
    return [*lines[:2], lines[2][:40], lines[3]]


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (changed, "line 2 was changed"),
        (removed, "line 2 was number 3"),
        (removed_first, "line 1 was number 2"),
        (cut, "the end is cut: 3 lines are left of 4"),
        (emptied, "the end is cut: 0 lines are left of 4"),
        (inserted, "line 3 was changed"),
        (repeated, "line 5 was number 4"),
        (exchanged, "line 2 was number 3"),
        (appended_by_hand, "line 5 was changed"),
        (spoilt, "line 3 is not one that was written here"),
    ],
)
def test_tampering_is_found(settings: Settings, tamper: Callable[[list[str]], list[str]], found: str) -> None:
    path = audit.log_path(settings)
    path.write_text("".join(f"{line}\n" for line in tamper(path.read_text().splitlines())))
    assert verify(settings).faults[0].startswith(found)


def test_a_log_that_was_removed_is_found(settings: Settings) -> None:
    audit.log_path(settings).unlink()
    assert verify(settings).faults == ("the end is cut: 0 lines are left of 4 that are noted beside the keys",)


def test_nothing_is_recorded_after_a_cut_so_that_nothing_is_shown(settings: Settings) -> None:
    path = audit.log_path(settings)
    path.write_text("".join(f"{line}\n" for line in cut(path.read_text().splitlines())))
    with pytest.raises(LakehouseError, match="was cut or changed, and nothing is shown"):
        write(settings, "five")


def test_a_history_written_anew_with_the_keys_is_found_by_an_anchor_alone(settings: Settings, tmp_path: Path) -> None:
    """Who has the keys and may write all files goes back to the morning; the log alone cannot tell."""
    early = tmp_path / "early"
    shutil.copytree(settings.home, early)
    write(settings, "what should not be known")
    kept_elsewhere = verify(settings).anchor
    shutil.rmtree(settings.home)
    shutil.copytree(early, settings.home)
    assert verify(settings).faults == ()
    write(settings, "a harmless thing")
    assert verify(settings).faults == ()
    (fault,) = verify(settings, kept_elsewhere).faults
    assert fault == "line 5 is not the one that is noted in the anchor: the log was written anew"


def test_an_anchor_of_before_still_holds_after_more_lines(settings: Settings) -> None:
    anchor = verify(settings).anchor
    write(settings, "five")
    assert verify(settings, anchor).faults == ()


def test_an_anchor_that_is_none_is_refused(settings: Settings) -> None:
    with pytest.raises(InputError, match="must be a line that `lakehouse audit verify` printed"):
        verify(settings, "4 abc")


def test_a_line_that_a_kill_left_half_written_is_no_tampering_and_is_written_over(settings: Settings) -> None:
    path = audit.log_path(settings)
    whole = path.read_text()
    path.write_text(whole + '{"number": 5, "at": "20')
    assert verify(settings).faults == ()
    write(settings, "five")
    assert [line["reason"] for line in audit.read(settings)] == ["one", "two", "three", "four", "five"]
    assert verify(settings).faults == ()


def test_a_kill_between_the_line_and_the_note_of_it_is_no_tampering(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_keyring(settings) as keyring:
        monkeypatch.setattr(keyring, "note", lambda name, value: None)
        audit.record(settings, keyring, NOON, "li", "reveal", reason="five")
    assert verify(settings).faults == ()
    write(settings, "six")
    assert verify(settings).lines == 6
