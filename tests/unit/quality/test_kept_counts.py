"""Counts kept per file: a gate reads what is new, and answers as if it had read everything."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.quality.file_counts import count_by_files
from lakehouse.quality.kept_counts import KeptCounts, sharing
from lakehouse.quality.outcomes import Counts
from lakehouse.quality.stored_table import StoredTable
from lakehouse.quality.suites import Rule

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
UNIQUE = Rule("expect_key_to_be_unique", "error", "o", {"columns": ["_batch_id", "_row_number"]})
SMALL = Rule("expect_rows_to_satisfy", "error", "o", {"condition": "_row_number < 100"})
PAST = Rule("expect_rows_to_satisfy", "error", "o", {"condition": "seen_at <= current_timestamp()"})


class Watched(StoredTable):
    """A stored table that remembers which files it was read from."""

    def __init__(self, path: Path) -> None:
        super().__init__(DeltaTable(path))
        self.read: set[str] = set()

    def batches(self, columns: Sequence[str], files: Collection[str] | None = None) -> Iterator[pa.RecordBatch]:
        self.read |= set(self.files if files is None else files)
        return super().batches(columns, files)


def append(path: Path, batch: str, numbers: list[int], seen_at: datetime = NOW) -> None:
    columns = {"_batch_id": [batch] * len(numbers), "_row_number": numbers, "seen_at": [seen_at] * len(numbers)}
    write_deltalake(path, pa.table(columns), mode="append")


def count(path: Path, rules: list[Rule], kept: KeptCounts | None, now: datetime = NOW) -> tuple[list[Counts], int]:
    """What the rules count, and how many files were read for it."""
    table = Watched(path)
    counts = count_by_files(table, rules, now, kept)
    if kept is not None:
        kept.save()
    return [counts[place] for place in range(len(rules))], len(table.read)


def test_only_new_files_are_read_and_all_rows_are_counted(tmp_path: Path) -> None:
    path, home = tmp_path / "t", tmp_path / "counts.json"
    append(path, "a", [1, 2, 2])
    append(path, "b", [1, 200])
    assert count(path, [UNIQUE, SMALL], KeptCounts(home, "judge")) == ([Counts(5, 1), Counts(5, 1)], 2)
    append(path, "c", [1, 2, 3, 300])
    assert count(path, [UNIQUE, SMALL], KeptCounts(home, "judge")) == ([Counts(9, 1), Counts(9, 2)], 1)
    assert count(path, [UNIQUE, SMALL], KeptCounts(home, "judge")) == ([Counts(9, 1), Counts(9, 2)], 0)


def test_a_key_that_comes_again_in_a_new_file_is_found(tmp_path: Path) -> None:
    path, home = tmp_path / "t", tmp_path / "counts.json"
    append(path, "a", [1, 2])
    append(path, "b", [1, 2])
    assert count(path, [UNIQUE], KeptCounts(home, "judge"))[0] == [Counts(4, 0)]
    append(path, "a", [2, 3])
    assert count(path, [UNIQUE], KeptCounts(home, "judge")) == ([Counts(6, 1)], 2)


def test_a_file_that_is_gone_counts_no_more_and_is_forgotten(tmp_path: Path) -> None:
    path, home = tmp_path / "t", tmp_path / "counts.json"
    append(path, "a", [1, 1])
    append(path, "b", [500])
    count(path, [UNIQUE, SMALL], KeptCounts(home, "judge"))
    many = len(home.read_text())
    DeltaTable(path).delete("_batch_id = 'a'")
    append(path, "c", [7])
    assert count(path, [UNIQUE, SMALL], KeptCounts(home, "judge"))[0] == [Counts(2, 0), Counts(2, 1)]
    append(path, "c", [8])
    count(path, [UNIQUE, SMALL], KeptCounts(home, "judge"))
    assert len(home.read_text()) < 2 * many


def test_other_code_counts_anew(tmp_path: Path) -> None:
    path, home = tmp_path / "t", tmp_path / "counts.json"
    append(path, "a", [1, 200])
    count(path, [SMALL], KeptCounts(home, "judge"))
    assert count(path, [SMALL], KeptCounts(home, "other")) == ([Counts(2, 1)], 1)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"judge": "judge"}'])
def test_counts_that_cannot_be_read_are_counted_anew(tmp_path: Path, text: str) -> None:
    path, home = tmp_path / "t", tmp_path / "counts.json"
    append(path, "a", [1, 200])
    home.write_text(text)
    assert count(path, [SMALL], KeptCounts(home, "judge")) == ([Counts(2, 1)], 1)


def test_a_rule_about_the_clock_is_kept_only_while_time_can_but_ease_it(tmp_path: Path) -> None:
    path, home = tmp_path / "t", tmp_path / "counts.json"
    hour = timedelta(hours=1)
    append(path, "a", [1], seen_at=NOW - hour)
    append(path, "b", [1], seen_at=NOW + hour)
    assert count(path, [PAST], KeptCounts(home, "judge")) == ([Counts(2, 1)], 2)
    assert count(path, [PAST], KeptCounts(home, "judge"), NOW + 2 * hour) == ([Counts(2, 0)], 1)
    assert count(path, [PAST], KeptCounts(home, "judge"), NOW - 2 * hour) == ([Counts(2, 2)], 2)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9)), min_size=1), min_size=1, max_size=4))
def test_repeated_keys_add_up_however_rows_lie_in_files(files: list[list[tuple[str, int]]]) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path, kept = Path(folder) / "t", KeptCounts()
        rows: list[tuple[str, int]] = []
        for file in files:
            rows += file
            table = pa.table({"_batch_id": [b for b, _ in file], "_row_number": [n for _, n in file]})
            write_deltalake(path, table, mode="append")
            assert count(path, [UNIQUE], kept)[0] == [Counts(len(rows), len(rows) - len(set(rows)))]


def test_files_that_share_by_way_of_a_third_are_one_group() -> None:
    held = {"one": {1, 2}, "two": {5}, "three": {2, 3}, "four": {3, 5}}
    groups = sharing([*held, "five"], lambda a, b: not held.get(a, set()).isdisjoint(held.get(b, set())))
    assert sorted(map(sorted, groups)) == [["five"], ["four", "one", "three", "two"]]


def test_a_gate_keeps_the_counts_of_a_large_table_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lakehouse.quality import table_check
    from lakehouse.quality.suites import Suite
    from lakehouse.settings import Settings

    home = Settings(home=tmp_path / "home")
    suite = Suite("bronze", "bronze.events", tmp_path / "events.yml", (UNIQUE, SMALL))
    home.table_path("bronze", "events").mkdir(parents=True)
    append(home.table_path("bronze", "events"), "a", [1, 2])

    def no_spark() -> NoReturn:
        raise AssertionError("files tell all that is asked")

    def check() -> list[int]:
        return [outcome.unexpected_count for outcome in table_check.check_table(no_spark, home, suite).outcomes]

    assert check() == [0, 0]
    assert not (home.home / "file_counts").exists()
    monkeypatch.setattr(table_check, "WORTH_KEEPING", 2)
    assert check() == [0, 0]
    assert (home.home / "file_counts" / "bronze.events.json").stat().st_size > 0
    assert check() == [0, 0]
