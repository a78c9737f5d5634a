"""Traces: what of a person is found in which kind of value and file, and what is not taken for it."""

from __future__ import annotations

import gzip
import json
import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse.privacy.pseudonyms import Pseudonyms
from lakehouse.privacy.traces import Traces, is_telling

NAMES = Pseudonyms(b"k" * 32)
TRACES = Traces.of(NAMES, ["C0000012", "13812345678", "Ann@Example.com", "17"])


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("C0000012", "***"),
        ("order of c0000012, twice", "order of ***, twice"),
        ("sample/C0000012|2025-01-01", "sample/***|2025-01-01"),
        ("cust_C0000012_x", "cust_***_x"),
        ("mail ann@example.com!", "mail ***!"),
        ("tel:+13812345678", "tel:+***"),
        ("C00000123 xC0000012 138123456789", "C00000123 xC0000012 138123456789"),
        ("17 of 17", "17 of 17"),
    ],
)
def test_whole_words_are_found_and_hidden_whatever_joins_them(text: str, hidden: str) -> None:
    assert TRACES.hidden_in(text) == hidden
    assert TRACES.are_in(text) == (text != hidden)


def test_short_values_are_told_apart_where_every_key_counts() -> None:
    assert [is_telling(value) for value in ("C12", "C00012", "1234567", "12345678")] == [False, True, False, True]
    assert Traces.of(NAMES, ["17"], every=True).is_one("17")
    assert not TRACES.is_one("17")


def test_what_is_kept_of_them_tells_nothing_and_finds_the_same() -> None:
    kept = json.loads(json.dumps([sorted(TRACES.marks), sorted(TRACES.lengths)]))
    again = Traces(NAMES, *kept)
    assert again.are_in("by C0000012")
    assert not Traces(Pseudonyms(b"x" * 32), *kept).are_in("by C0000012"), "another house finds nothing by it"
    assert not {NAMES.pseudonym("C0000012"), NAMES.pseudonym("c0000012")} & TRACES.marks


def test_every_kind_of_file_is_opened(tmp_path: Path) -> None:
    def parquet(path: Path, column: pa.Array) -> None:
        pq.write_table(pa.table({"id": [1, 2], "x": column}), path, compression="zstd")

    nested = pa.array([[("k", "C0000012")], None], pa.map_(pa.string(), pa.string()))
    parquet(tmp_path / "text.parquet", pa.array(["a", "C0000012"]))
    parquet(tmp_path / "map.parquet", nested)
    parquet(tmp_path / "list.parquet", pa.array([["a"], ["b", "by ann@example.com"]]))
    parquet(tmp_path / "struct.parquet", pa.array([{"n": {"m": "13812345678"}}, None]))
    (tmp_path / "lines.csv.gz").write_bytes(gzip.compress(b"no,name\nC0000012,Ann\n"))
    with zipfile.ZipFile(tmp_path / "pages.zip", "w") as archive:
        archive.writestr("in/deep.txt", "C0000012")
    np.savez(tmp_path / "rows.npz", ids=np.array(["a", "C0000012"]), n=np.arange(3))
    with sqlite3.connect(tmp_path / "runs.db") as db:
        db.execute("create table params (name text, value text)")
        db.execute("insert into params values ('of', 'C0000012')")
    (tmp_path / "long.log").write_bytes(b"x" * ((1 << 24) - 4) + b" C0000012 ")
    found = {path.name: TRACES.are_in_file(path) for path in sorted(tmp_path.iterdir())}
    assert found == dict.fromkeys(found, True)
    assert len(found) == 9


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": ["C0000013"], "n": [13812345678]}), tmp_path / "a.parquet")
    np.save(tmp_path / "a.npy", np.array([13812345678]))
    (tmp_path / "a.json").write_text('{"of": "C00000120"}')
    assert not any(TRACES.are_in_file(path) for path in tmp_path.iterdir())


def test_rows_are_told_by_any_text_and_every_value_of_them_is_hidden() -> None:
    batch = pa.RecordBatch.from_pydict(
        {"a": ["x", "C0000012", None], "m": pa.array([None, None, {"k": ["C0000012 "]}])}
    )
    hit = TRACES.rows_with(batch)
    assert hit is not None
    assert hit.to_pylist() == [False, True, True]
    assert TRACES.hidden_in_value(batch.to_pylist()[2]) == {"a": None, "m": {"k": ["*** "]}}
    assert TRACES.rows_with(batch.slice(0, 1)) is None
