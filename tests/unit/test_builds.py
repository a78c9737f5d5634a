"""What counts as built, and what a change of any input does to it."""

from __future__ import annotations

import shutil
from collections.abc import Set
from dataclasses import replace
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.builds import CHANGE_DATA, LARGEST_INCREMENT, LEDGER, Build, Ledger, signatures, table_state
from lakehouse.settings import Settings

PARENTS = {"orders": ["bronze"], "profile": ["orders", "day"], "offers": ["profile"], "bronze": [], "day": []}
OWN = {"bronze": "batch 1", "day": "2025-12-31", "orders": "select 1", "profile": "select 2", "offers": "select 3"}


def _write(settings: Settings, rows: int) -> None:
    write_deltalake(settings.table_path("silver", "a"), pa.table({"x": list(range(rows))}), mode="overwrite")


def test_a_node_is_fresh_after_it_was_recorded_and_in_a_later_process(home_settings: Settings) -> None:
    _write(home_settings, 1)
    Ledger(home_settings).record("a", "s", ["silver.a"])
    assert Ledger(home_settings).is_fresh("a", "s")
    assert not Ledger(home_settings).is_fresh("a", "another signature")
    assert not Ledger(home_settings).is_fresh("b", "s")


def test_a_table_that_was_written_since_is_not_fresh(home_settings: Settings) -> None:
    _write(home_settings, 1)
    ledger = Ledger(home_settings)
    ledger.record("a", "s", ["silver.a"])
    _write(home_settings, 2)
    assert not ledger.is_fresh("a", "s")


def test_a_table_that_was_only_compacted_stays_fresh(home_settings: Settings) -> None:
    for _ in range(3):
        write_deltalake(home_settings.table_path("silver", "a"), pa.table({"x": [1]}), mode="append")
    ledger = Ledger(home_settings)
    ledger.record("a", "s", ["silver.a"])
    before = table_state(home_settings, "silver.a")
    DeltaTable(home_settings.table_path("silver", "a")).optimize.compact()
    assert not ledger.is_fresh("a", "s")
    ledger.moved("silver.a", before)
    assert ledger.is_fresh("a", "s")


def test_a_damaged_ledger_means_build_all_again(home_settings: Settings) -> None:
    Ledger(home_settings).record("a", "s")
    (home_settings.home / LEDGER).write_text('{"a": {"sign')
    assert not Ledger(home_settings).is_fresh("a", "s")


@given(st.sampled_from(sorted(OWN)))
def test_a_change_reaches_the_node_and_all_below_it_and_nothing_else(changed: str) -> None:
    before, after = signatures(PARENTS, OWN), signatures(PARENTS, {**OWN, changed: "changed"})
    below = {changed}
    for _ in PARENTS:
        below |= {node for node, parents in PARENTS.items() if below & set(parents)}
    assert {node for node in PARENTS if before[node] != after[node]} == below


def test_what_a_killed_run_had_committed_and_not_written_down_is_taken_up(home_settings: Settings) -> None:
    Ledger(home_settings).intend("token-1", {"a": Build("s", {"silver.a": ""}), "b": Build("s", {"silver.b": ""})})
    path = home_settings.table_path("silver", "a")
    write_deltalake(
        path, pa.table({"x": [1]}), commit_properties=CommitProperties(custom_metadata={"userMetadata": "token-1"})
    )
    next_run = Ledger(home_settings)
    assert next_run.is_fresh("a", "s")
    assert not next_run.is_fresh("b", "s")


def test_a_commit_of_another_build_is_not_taken_for_it(home_settings: Settings) -> None:
    Ledger(home_settings).intend("token-1", {"a": Build("s", {"silver.a": ""})})
    _write(home_settings, 1)
    assert not Ledger(home_settings).is_fresh("a", "s")


def _grown(settings: Settings) -> Ledger:
    """A ledger whose node `a` is made of two batches of 900,000 rows, and reads the model `c`."""
    _write(settings, 1)
    ledger = Ledger(settings)
    ledger.intend("token", {"a": replace(_wanted(b1=900_000, b2=900_000), tables={"silver.a": ""})})
    ledger.finished("a")
    return Ledger(settings)


def _wanted(rest: str = "rest", read: str = "c1", **batches: int) -> Build:
    return Build("s", batches=batches, rest=rest, read={"c": read})


def test_a_small_new_batch_is_an_increment(home_settings: Settings) -> None:
    found = _grown(home_settings).increment("a", _wanted(b1=900_000, b2=900_000, b3=10_000))
    assert found == {"new": ["b3"], "gone": [], "changed": []}


def test_an_increment_says_which_of_the_models_it_reads_have_changed(home_settings: Settings) -> None:
    found = _grown(home_settings).increment("a", _wanted(read="c2", b1=900_000, b2=900_000))
    assert found == {"new": [], "gone": [], "changed": ["c"]}


def test_a_changed_text_a_large_batch_and_a_table_written_since_are_no_increments(home_settings: Settings) -> None:
    ledger = _grown(home_settings)
    assert ledger.increment("a", _wanted("another text", b1=900_000, b2=900_000)) is None
    assert ledger.increment("a", _wanted(b1=900_000, b2=900_000, b3=990_000)) is None
    assert ledger.increment("unknown", _wanted()) is None
    _write(home_settings, 2)
    assert ledger.increment("a", _wanted(b1=900_000, b2=900_000)) is None


def test_a_batch_that_has_gone_is_let_go_only_by_a_node_that_can(home_settings: Settings) -> None:
    ledger = _grown(home_settings)
    assert ledger.increment("a", _wanted(b2=1_800_000)) is None
    found = ledger.increment("a", _wanted(b2=1_800_000), may_lose=True)
    assert found == {"new": [], "gone": ["b1"], "changed": []}


def test_a_compacted_table_still_takes_increments(home_settings: Settings) -> None:
    ledger = _grown(home_settings)
    before = table_state(home_settings, "silver.a")
    _write(home_settings, 1)
    ledger.moved("silver.a", before)
    found = ledger.increment("a", _wanted(b1=900_000, b2=900_000, b3=1))
    assert found == {"new": ["b3"], "gone": [], "changed": []}


def test_a_small_table_is_made_whole(home_settings: Settings) -> None:
    _write(home_settings, 1)
    ledger = Ledger(home_settings)
    ledger.intend("token", {"a": replace(_wanted(b1=900), tables={"silver.a": ""})})
    ledger.finished("a")
    assert ledger.increment("a", _wanted(b1=900, b2=1)) is None


def _followed(settings: Settings) -> Ledger:
    """A home where `g` was built from `silver.a` and `silver.b`, both of version 0, as of 1 May."""
    for name in ("a", "b", "g"):
        _append(settings, name)
    ledger = Ledger(settings)
    ledger.intend("token", {"g": _following()})
    ledger.finished("g")
    return ledger


def _following(day: str = "2026-05-01", rest: str = "r") -> Build:
    tables, followed = {"silver.g": ""}, {"silver.a": "", "silver.b": ""}
    return Build("s", tables, {"b1": 900_000}, rest, followed=followed, as_of_on=day)


def _changes(ledger: Ledger, wanted: Build, rebuilt: Set[str] = frozenset()) -> dict[str, Any]:
    found = ledger.changes("g", wanted, rebuilt)
    assert found is not None
    return {name: found[name] for name in ("since", "may_move")}


def _append(settings: Settings, name: str, told: str = "true") -> None:
    path, rows = settings.table_path("silver", name), pa.table({"x": [2]})
    write_deltalake(path, rows, mode="append", configuration={CHANGE_DATA: told})


def test_a_table_without_change_data_is_not_followed(home_settings: Settings) -> None:
    ledger = _followed(home_settings)
    shutil.rmtree(home_settings.table_path("silver", "b"))
    _append(home_settings, "b", told="false")
    ledger.intend("token", {"g": _following()})
    ledger.finished("g")
    _append(home_settings, "b")
    assert ledger.changes("g", _following(), set()) is None


def test_changes_are_looked_for_in_tables_that_moved_since_the_version_that_was_read(home_settings: Settings) -> None:
    ledger = _followed(home_settings)
    assert _changes(ledger, _following()) == {"since": {}, "may_move": []}
    _append(home_settings, "b")
    found = ledger.changes("g", _following("2026-05-02"), set())
    assert found == {"since": {"silver.b": 0}, "may_move": [], "day": "2026-05-01", "much": LARGEST_INCREMENT}
    found = _changes(ledger, _following(), {"silver.a", "silver.g"})
    assert found == {"since": {"silver.a": 0, "silver.b": 0}, "may_move": ["silver.a"]}


def test_an_earlier_day_another_text_and_a_table_written_by_others_are_made_whole(home_settings: Settings) -> None:
    ledger = _followed(home_settings)
    assert ledger.changes("g", _following("2026-04-30"), set()) is None
    assert ledger.changes("g", _following(rest="other"), set()) is None
    _append(home_settings, "g")
    assert ledger.changes("g", _following(), set()) is None


def test_changes_that_vacuum_may_have_taken_are_not_relied_on(home_settings: Settings) -> None:
    _followed(home_settings)
    _append(home_settings, "b")
    forgetful = home_settings.model_copy(update={"retention_hours": 0})
    assert Ledger(home_settings).changes("g", _following(), set()) is not None
    assert Ledger(forgetful).changes("g", _following(), set()) is None


def test_a_table_put_in_the_place_of_another_is_not_followed(home_settings: Settings) -> None:
    ledger = _followed(home_settings)
    shutil.rmtree(home_settings.table_path("silver", "b"))
    for _ in range(2):
        _append(home_settings, "b")
    assert ledger.changes("g", _following(), set()) is None


def test_a_followed_table_that_was_only_compacted_has_not_moved(home_settings: Settings) -> None:
    ledger = _followed(home_settings)
    before = table_state(home_settings, "silver.b")
    _append(home_settings, "b")
    ledger.moved("silver.b", before)
    assert _changes(ledger, _following()) == {"since": {}, "may_move": []}


def test_after_an_erasure_rows_that_stand_for_themselves_stay_and_all_else_is_built_anew(
    home_settings: Settings,
) -> None:
    _grown(home_settings)
    ledger = Ledger(home_settings)
    ledger.record("counted", "s")
    ledger.forget_all_but_merged()
    again = Ledger(home_settings)
    assert (again.is_fresh("a", "s"), again.is_fresh("counted", "s")) == (True, False)
    assert again.increment("a", _wanted(b1=900_000, b2=900_000, b3=1)) == {"new": ["b3"], "gone": [], "changed": []}
