"""The pointer that readers follow, the sets that it can go back to, and what a kill leaves of it."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from lakehouse import atomic_file, publication
from lakehouse.errors import InputError
from lakehouse.publication import Publication
from lakehouse.settings import Settings

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc)


def _write(settings: Settings, table: str, value: int) -> None:
    write_deltalake(settings.table_path("gold", table), pa.table({"x": [value]}), mode="overwrite")


def _publish(settings: Settings, run_id: str) -> Publication:
    return publication.publish(settings, run_id, NOW, "2025-12-31", f"made of {run_id}", {"shop": 3}, {"passed": 5})


def test_before_the_first_run_nothing_is_published(home_settings: Settings) -> None:
    assert publication.current(home_settings) is None


def test_a_publication_names_the_newest_version_of_every_gold_table(home_settings: Settings) -> None:
    _write(home_settings, "a", 1)
    _write(home_settings, "a", 2)
    _write(home_settings, "b", 1)
    done = _publish(home_settings, "run-1")
    assert done.tables == {"gold.a": 1, "gold.b": 0}
    assert (done.version, done.sources, done.rules) == (1, {"shop": 3}, {"passed": 5})
    assert publication.current(home_settings) == done


def test_a_table_written_later_does_not_move_the_publication(home_settings: Settings) -> None:
    _write(home_settings, "a", 1)
    _publish(home_settings, "run-1")
    _write(home_settings, "a", 2)
    published = publication.current(home_settings)
    assert published is not None
    assert published.tables == {"gold.a": 0}


def test_a_rollback_makes_an_older_set_current_and_the_next_publication_goes_on_counting(
    home_settings: Settings,
) -> None:
    for value, run_id in enumerate(("run-1", "run-2")):
        _write(home_settings, "a", value)
        _publish(home_settings, run_id)
    assert publication.rollback(home_settings, 1).tables == {"gold.a": 0}
    current = publication.current(home_settings)
    assert current is not None
    assert current.run_id == "run-1"
    assert publication.shelf(home_settings).held_back == "made of run-2"
    assert _publish(home_settings, "run-3").version == 3
    assert [one.version for one in publication.shelf(home_settings).sets] == [1, 2, 3]
    assert publication.shelf(home_settings).held_back == ""


def test_going_forward_again_holds_nothing_back(home_settings: Settings) -> None:
    for run_id in ("run-1", "run-2"):
        _write(home_settings, "a", 1)
        _publish(home_settings, run_id)
    publication.rollback(home_settings, 1)
    publication.rollback(home_settings, 2)
    assert publication.shelf(home_settings).held_back == ""


def test_only_the_last_sets_stay_on_the_shelf(home_settings: Settings) -> None:
    settings = home_settings.model_copy(update={"retained_publications": 2})
    _write(settings, "a", 1)
    for run_id in ("run-1", "run-2", "run-3"):
        _publish(settings, run_id)
    assert [one.run_id for one in publication.shelf(settings).sets] == ["run-2", "run-3"]
    with pytest.raises(InputError, match=r"no published set 1; kept are 2, 3"):
        publication.rollback(settings, 1)


def test_a_set_whose_files_are_gone_is_not_made_current(home_settings: Settings) -> None:
    for value, run_id in enumerate(("run-1", "run-2")):
        _write(home_settings, "a", value)
        _publish(home_settings, run_id)
    for file in DeltaTable(home_settings.table_path("gold", "a"), version=0).file_uris():
        Path(file).unlink()
    with pytest.raises(InputError, match=r"files of gold.a version 0 are gone"):
        publication.rollback(home_settings, 1)
    current = publication.current(home_settings)
    assert current is not None
    assert current.version == 2


def test_a_process_killed_while_it_publishes_leaves_the_old_set(
    home_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(home_settings, "a", 1)
    before = _publish(home_settings, "run-1")

    def killed(*names: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic_file.os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        _publish(home_settings, "run-2")
    monkeypatch.undo()
    assert publication.current(home_settings) == before
    assert _publish(home_settings, "run-3").version == 2


def test_the_pointer_of_an_earlier_release_is_read_as_the_first_set(home_settings: Settings) -> None:
    old = {"run_id": "r", "published_at": "t", "as_of_on": "d", "fingerprint": "f", "tables": {"gold.a": 3}}
    (home_settings.home / publication.POINTER).write_text(json.dumps(old))
    current = publication.current(home_settings)
    assert current is not None
    assert (current.version, current.tables) == (1, {"gold.a": 3})
    assert os.listdir(home_settings.home).count(publication.POINTER) == 1


def test_tables_without_the_erased_take_the_place_of_all_sets_that_had_them(home_settings: Settings) -> None:
    for value in (1, 2):
        _write(home_settings, "people", value)
        _publish(home_settings, f"run-{value}")
    _write(home_settings, "products", 1)
    assert publication.replace_tables(home_settings, {"gold.people": 7}, NOW) is not None
    kept = publication.shelf(home_settings)
    assert [(one.version, one.run_id, one.tables) for one in kept.sets] == [(3, "run-2", {"gold.people": 7})]
    assert (kept.current, kept.sets[0].fingerprint) == (3, "made of run-2")
    publication.replace_tables(home_settings, {"gold.people": 7}, NOW)
    assert publication.shelf(home_settings) == kept, "again is the same"


def test_where_nothing_is_published_nothing_takes_its_place(home_settings: Settings) -> None:
    _write(home_settings, "people", 1)
    assert publication.replace_tables(home_settings, {"gold.people": 0}, NOW) is None
    assert publication.current(home_settings) is None
