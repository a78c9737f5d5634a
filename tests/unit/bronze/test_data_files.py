"""What a commit to a bronze table writes: files of the columns there are, and what the log says of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, Field, Schema, write_deltalake
from deltalake.schema import PrimitiveType
from landing_shop import Shop

from lakehouse.bronze import data_files, tables
from lakehouse.errors import InputError, LakehouseError
from lakehouse.settings import Settings

LOADED_AT = datetime(2025, 1, 2, 3, 4, 5, 678_901, timezone.utc)


@pytest.fixture
def settings(home_settings: Settings) -> Settings:
    tables.ensure_tables(home_settings)
    return home_settings


def stored(settings: Settings) -> DeltaTable:
    return DeltaTable(settings.table_path("bronze", "products"))


def rows_of(settings: Settings, *columns: str) -> list[tuple[Any, ...]]:
    found = stored(settings).to_pyarrow_table().sort_by("_row_number").to_pylist()
    return [tuple(row[column] for column in columns) for row in found]


def columns_of_files(settings: Settings) -> list[list[str]]:
    files = sorted(Path(uri) for uri in stored(settings).file_uris())
    return sorted(pq.read_schema(file).names[4:] for file in files)


def rows(first: int, count: int, **raw: str | None) -> pa.RecordBatch:
    columns: dict[str, Any] = {
        "_file": pa.repeat("x.csv", count),
        "_batch_id": pa.repeat("b1", count),
        "_row_number": pa.array(range(first, first + count), pa.int64()),
        "_loaded_at": pa.repeat(pa.scalar(LOADED_AT, tables.UTC), count),
        **{name: pa.array([value] * count, pa.string()) for name, value in raw.items()},
    }
    return pa.RecordBatch.from_pydict(columns)


def appending(settings: Settings, *raw: str, source: str = "shop") -> tables.Append:
    schema = pa.schema([*tables.LINEAGE, *(pa.field(name, pa.string()) for name in raw)])
    return tables.Append(settings, "bronze.products", schema, {"_source": source})


def land(settings: Settings, batch: pa.RecordBatch) -> int:
    with appending(settings, *batch.schema.names[4:]) as landing:
        landing.add(batch)
        return landing.commit()


def files_on_disk(settings: Settings) -> list[Path]:
    return list(settings.table_path("bronze", "products").rglob("*.parquet"))


def test_a_file_has_only_the_columns_of_its_batch(shop: Shop) -> None:
    shop.write("a.csv", "id,name\n1,tea\n")
    shop.write("b.csv", "id,colour\n2,red\n")
    shop.land(["a.csv", "b.csv"])
    assert columns_of_files(shop.settings) == [["id", "colour"], ["id", "name"]]
    assert shop.values("id", "name", "colour") == [("1", "tea", None), ("2", None, "red")]


def test_the_table_has_all_columns_asked_for_even_where_no_row_has_them(settings: Settings) -> None:
    with appending(settings, "id", "name") as landing:
        landing.add(rows(1, 1, id="1"))
        assert landing.commit() == 1
    assert rows_of(settings, "id", "name") == [("1", None)]
    with appending(settings, "id", "late") as landing:
        assert landing.commit() == 0
    assert [field.name for field in stored(settings).schema().fields] == [*tables.LINEAGE.names, "id", "name", "late"]


def test_a_column_that_comes_later_begins_another_file_of_the_same_commit(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_files, "GROUP_BYTES", 1)
    with appending(settings, "id", "late") as landing:
        for batch in (rows(1, 2, id="a"), rows(3, 1, id="b"), rows(4, 1, late="x"), rows(5, 1, id="c")):
            landing.add(batch)
        before = stored(settings).version()
        assert landing.commit() == 5
    assert columns_of_files(settings) == [["id"], ["id", "late"]]
    assert rows_of(settings, "id", "late") == [("a", None), ("a", None), ("b", None), (None, "x"), ("c", None)]
    assert stored(settings).version() == before + 2  # the columns, the rows


def test_batches_of_different_columns_share_a_row_group(settings: Settings) -> None:
    with appending(settings, "id", "name") as landing:
        landing.add(rows(1, 2, id="a"))
        landing.add(rows(3, 1, name="b"))
        landing.commit()
    (file,) = files_on_disk(settings)
    assert pq.read_metadata(file).num_row_groups == 1
    assert rows_of(settings, "id", "name") == [("a", None), ("a", None), (None, "b")]


def test_the_log_says_of_the_lineage_what_delta_rs_says(settings: Settings, tmp_path: Path) -> None:
    batch = rows(1, 3, id="a")
    land(settings, batch)
    by_delta_rs = pa.Table.from_batches([batch]).append_column("_source", pa.array(["shop"] * 3))
    indexed = {"delta.dataSkippingNumIndexedCols": "5"}
    write_deltalake(tmp_path / "t", by_delta_rs, partition_by=["_source"], configuration=indexed)
    ours, theirs = (
        pa.table(table.get_add_actions(flatten=True)).to_pylist()[0]
        for table in (stored(settings), DeltaTable(tmp_path / "t"))
    )
    # delta-rs cuts the greatest time down to milliseconds, below the times that there are.
    assert theirs["max._loaded_at"] < LOADED_AT < ours["max._loaded_at"] == LOADED_AT + timedelta(microseconds=99)
    lineage = [f"{which}.{name}" for which in ("min", "max", "null_count") for name in tables.LINEAGE.names[1:]]
    lineage.remove("max._loaded_at")
    assert {name: ours[name] for name in lineage} == {name: theirs[name] for name in lineage}
    assert ours["num_records"] == theirs["num_records"] == 3
    assert ours["partition._source"] == theirs["partition._source"] == "shop"


def test_a_partition_folder_is_named_as_by_delta_rs(settings: Settings, tmp_path: Path) -> None:
    odd = "a b/c:ü%'=,é"
    with appending(settings, "id", source=odd) as landing:
        landing.add(rows(1, 1, id="a"))
        landing.commit()
    write_deltalake(tmp_path / "t", pa.table({"_source": [odd], "id": ["a"]}), partition_by=["_source"])
    ours, theirs = (
        pa.table(table.get_add_actions(flatten=True)).column("path")[0].as_py().rsplit("/")[0]
        for table in (stored(settings), DeltaTable(tmp_path / "t"))
    )
    assert ours == theirs
    assert rows_of(settings, "_source", "id") == [(odd, "a")]
    (file,) = tables.files_of_batches(settings, odd, "products", ["b1"])
    assert pq.read_metadata(file).num_rows == 1


def test_files_of_batches_are_found_by_the_bounds_in_the_log(shop: Shop) -> None:
    shop.write("a.csv", "id\n1\n")
    shop.write("b.csv", "id,name\n2,x\n")
    loads = shop.land(["a.csv", "b.csv"])
    for load in loads:
        (file,) = tables.files_of_batches(shop.settings, "shop", "products", [load.batch_id])
        assert set(pq.read_table(file, partitioning=None)["_file"].to_pylist()) == {load.file}


@pytest.mark.parametrize("fails", [KeyboardInterrupt, InputError])
def test_leaving_by_an_exception_leaves_no_file_and_no_commit(
    settings: Settings, fails: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_files, "GROUP_BYTES", 1)

    def fail(_: tables.Append) -> int:
        assert len(files_on_disk(settings)) == 1
        raise fails

    monkeypatch.setattr(tables.Append, "commit", fail)
    with pytest.raises(fails):
        land(settings, rows(1, 1, id="a"))
    assert files_on_disk(settings) == []
    assert stored(settings).version() == 0


def _meanwhile(monkeypatch: pytest.MonkeyPatch, before: Callable[[], Any], after: Callable[[], Any]) -> None:
    """What another does right before our commit and after it, once."""
    commit = DeltaTable.create_write_transaction

    def disturbed(table: DeltaTable, *given: Any, **named: Any) -> None:
        monkeypatch.setattr(DeltaTable, "create_write_transaction", commit)
        before()
        commit(table, *given, **named)
        after()

    monkeypatch.setattr(DeltaTable, "create_write_transaction", disturbed)


def test_two_writers_at_once_both_land(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with appending(settings, "id") as first:  # so that neither changes the columns
        first.commit()

    _meanwhile(monkeypatch, lambda: land(settings, rows(7, 1, id="other")), lambda: None)
    assert land(settings, rows(1, 2, id="own")) == 2
    assert rows_of(settings, "_row_number", "id") == [(1, "own"), (2, "own"), (7, "other")]


def test_a_commit_over_columns_that_another_adds_meanwhile_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other() -> None:
        stored(settings).alter.add_columns([Field("other", PrimitiveType("string"))])

    _meanwhile(monkeypatch, other, lambda: None)
    with pytest.raises(LakehouseError, match="Metadata changed"):
        land(settings, rows(1, 2, id="own"))
    assert rows_of(settings) == []
    assert files_on_disk(settings) == []


def test_a_failure_after_the_commit_leaves_the_files_that_the_log_names(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("no checkpoint")

    _meanwhile(monkeypatch, lambda: None, fail)
    with pytest.raises(LakehouseError, match="no checkpoint"):
        land(settings, rows(1, 2, id="a"))
    assert rows_of(settings, "id") == [("a",), ("a",)]
    tables.delete_batch(settings, "shop", "products", "b1")
    assert rows_of(settings) == []


def test_a_wide_table_costs_a_narrow_batch_nothing(settings: Settings) -> None:
    names = [f"c{i}" for i in range(3_000)]
    with appending(settings, *names) as landing:
        landing.add(rows(1, 100, c7="x"))
        before = pa.total_allocated_bytes()
        landing.commit()
        assert pa.total_allocated_bytes() <= before
    (file,) = files_on_disk(settings)
    assert file.stat().st_size < 5_000
    assert json.loads(Schema.to_json(stored(settings).schema()))["fields"][-1]["name"] == "c2999"
