"""Parquet and Delta: typed values become the text that the contract of bronze says."""

from __future__ import annotations

from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from lakehouse.bronze.columnar_records import DeltaFolder, ParquetFile, as_text

NOON = datetime(2024, 2, 29, 12, 0, 0, 5)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([1, None]), ["1", None]),
        (pa.array([0.1, 17850.0]), ["0.1", "17850"]),
        (pa.array([Decimal("12.30")]), ["12.30"]),
        (pa.array([True, False]), ["true", "false"]),
        (pa.array([date(2024, 2, 29)]), ["2024-02-29"]),
        (pa.array([NOON], pa.timestamp("us")), ["2024-02-29T12:00:00.000005"]),
        (pa.array([NOON.replace(microsecond=0)], pa.timestamp("s")), ["2024-02-29T12:00:00.000000"]),
        (
            pa.array([NOON.replace(tzinfo=timezone.utc)], pa.timestamp("ns", "Asia/Shanghai")),
            ["2024-02-29T12:00:00.000005Z"],
        ),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        (pa.array([b"ab", b"\xff"]), ["ab", "\\xff"]),
        (pa.array([{"x": 1, "y": [NOON]}]), ['{"x":1,"y":["2024-02-29 12:00:00.000005"]}']),
        (pa.array([[1, None], None]), ["[1,null]", None]),
        (pa.nulls(2), [None, None]),
    ],
)
def test_values_become_text(array: pa.Array, expected: list[str | None]) -> None:
    assert as_text(array).to_pylist() == expected


def test_a_parquet_file_is_numbered_from_one(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"id": range(150_000)}), path, row_group_size=70_000)
    blocks = list(ParquetFile(path).blocks())
    numbers = [number for block in blocks for number in block.row_numbers.to_pylist()]
    assert numbers == list(range(1, 150_001))
    assert blocks[-1].columns["id"][-1].as_py() == "149999"
    assert sum(block.seen for block in blocks) == pq.read_metadata(path).num_rows


def test_a_delta_folder_gives_the_rows_of_its_newest_version(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "t", pa.table({"id": ["1", "2"], "n": [1.5, None]}))
    write_deltalake(tmp_path / "t", pa.table({"id": ["3"], "n": [2.5]}), mode="append")
    table = DeltaFolder(tmp_path / "t")
    assert table.columns() == ["id", "n"]
    rows = {
        block.columns["id"][i].as_py(): block.columns["n"][i].as_py()
        for block in table.blocks()
        for i in range(len(block.row_numbers))
    }
    assert rows == {"1": "1.5", "2": None, "3": "2.5"}
