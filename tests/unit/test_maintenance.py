"""Maintenance: what it removes, what it must not, and that no row changes."""

from __future__ import annotations

import os
import time
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from lakehouse import ops, publication
from lakehouse.builds import Ledger
from lakehouse.maintenance import FEW_FILES, OPS_FILES, bound_ops_files, maintain
from lakehouse.settings import Settings

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
A_MONTH_S = 30 * 86_400


def _overwrite(settings: Settings, value: int) -> None:
    write_deltalake(settings.table_path("gold", "a"), pa.table({"x": [value]}), mode="overwrite")


def _publish(settings: Settings) -> None:
    publication.publish(settings, "run", NOW, "2025-12-31", "f")


def _rows(settings: Settings, version: int) -> list[int]:
    path = settings.table_path("gold", "a")
    return list(DeltaTable(path, version=version).to_pyarrow_table()["x"].to_pylist())


def test_vacuum_keeps_every_version_that_a_kept_set_names_and_no_other(home_settings: Settings) -> None:
    settings = home_settings.model_copy(update={"retention_hours": 0, "retained_publications": 2})
    for value in range(6):
        _overwrite(settings, value)
        if value in (0, 1, 3):
            _publish(settings)
    time.sleep(0.01)
    done = {one.table: one for one in maintain(settings)}
    assert done["gold.a"].kept_versions == (1, 3, 5)
    assert done["gold.a"].removed_files == 3
    assert [_rows(settings, version) for version in (1, 3, 5)] == [[1], [3], [5]]
    assert publication.rollback(settings, 2).tables == {"gold.a": 1}
    assert len(list(settings.table_path("gold", "a").glob("*.parquet"))) == 3


def test_a_file_replaced_within_the_retention_stays(home_settings: Settings) -> None:
    for value in range(3):
        _overwrite(home_settings, value)
    assert not [one for one in maintain(home_settings) if one.removed_files]
    assert _rows(home_settings, 0) == [0]


def test_a_dry_run_tells_and_touches_nothing(home_settings: Settings) -> None:
    settings = home_settings.model_copy(update={"retention_hours": 0})
    for value in range(3):
        _overwrite(settings, value)
    time.sleep(0.01)
    done = {one.table: one for one in maintain(settings, dry_run=True)}
    assert done["gold.a"].removed_files == 2
    assert _rows(settings, 0) == [0]


def test_many_small_files_become_few_with_the_same_rows_and_the_build_stays_fresh(home_settings: Settings) -> None:
    path = home_settings.table_path("silver", "a")
    for value in range(FEW_FILES + 2):
        write_deltalake(path, pa.table({"x": [value]}), mode="append")
    ledger = Ledger(home_settings)
    ledger.record("stg_a", "s", ["silver.a"])
    done = {one.table: one for one in maintain(home_settings)}
    assert (done["silver.a"].files_before, done["silver.a"].files_after) == (FEW_FILES + 2, 1)
    assert sorted(DeltaTable(path).to_pyarrow_table()["x"].to_pylist()) == list(range(FEW_FILES + 2))
    assert Ledger(home_settings).is_fresh("stg_a", "s")


def test_a_dry_run_tells_of_files_that_would_be_joined(home_settings: Settings) -> None:
    path = home_settings.table_path("silver", "a")
    for value in range(FEW_FILES + 2):
        write_deltalake(path, pa.table({"x": [value]}), mode="append")
    (told,) = maintain(home_settings, dry_run=True)
    assert (told.files_before, told.files_after) == (FEW_FILES + 2, None)
    assert len(DeltaTable(path).file_uris()) == FEW_FILES + 2


def test_a_log_of_many_commits_gets_a_checkpoint(home_settings: Settings) -> None:
    for value in range(25):
        _overwrite(home_settings, value)
    assert {one.table for one in maintain(home_settings) if one.is_checkpointed} == {"gold.a"}
    assert list((home_settings.table_path("gold", "a") / "_delta_log").glob("*.checkpoint.parquet"))


def test_files_that_no_log_names_go_once_they_are_old(home_settings: Settings) -> None:
    _overwrite(home_settings, 1)
    left_behind = home_settings.table_path("gold", "a") / "part-of-a-killed-write.parquet"
    left_behind.write_bytes(b"half")
    month_ago = time.time() - A_MONTH_S
    os.utime(left_behind, (month_ago, month_ago))
    maintain(home_settings)
    assert not left_behind.exists()


def test_the_files_of_ops_are_bounded(home_settings: Settings) -> None:
    for number in range(OPS_FILES + 1):
        ops.append(home_settings, "runs", [{"run_id": str(number), "step": "land", "state": "done"}])
    bound_ops_files(home_settings)
    files = DeltaTable(home_settings.table_path("ops", "runs")).file_uris()
    assert len([Path(file) for file in files]) == 1
    assert len(ops.read(home_settings, "runs")) == OPS_FILES + 1
