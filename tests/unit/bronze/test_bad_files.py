"""Files that cannot be landed: one sentence that names the file and the fault, and nothing half landed."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from landing_shop import Shop

from lakehouse.bronze import data_files, tables
from lakehouse.errors import InputError, LakehouseError


def parquet() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": [str(i) for i in range(10_000)]}), sink)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def zstd() -> bytes:
    return pa.compress(b"id\n" + os.urandom(4000).hex().encode(), codec="zstd", asbytes=True)[:-100]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("name", "content", "options", "said"),
    [
        ("x.csv", b"", {}, "x.csv is empty"),
        ("x.csv", b"\n \n", {}, "x.csv is empty"),
        ("x.csv.gz", gzip.compress(b""), {}, "x.csv.gz is empty"),
        ("x.csv.gz", gzip.compress(os.urandom(9000).hex().encode())[:-900], {}, "x.csv.gz is cut short"),
        ("x.csv.gz", gzip.compress(b"id\n1\n") + b"rest", {}, "x.csv.gz is damaged"),
        ("x.csv.gz", b"id\n1\n", {}, "is not gzip as its name says (its content is not compressed)"),
        ("x.csv", b"id\n1\n", {"compression": "bz2"}, "is not bz2 as `compression:` says"),
        ("x.csv.zst", zstd(), {}, "x.csv.zst is cut short|x.csv.zst is damaged"),
        ("x.csv", b"PK\x03\x04rest", {}, "x.csv is a zip or Excel file, not CSV"),
        ("x.csv", b"\x7fELF" + b"\0\1" * 900, {}, "x.csv is binary, not CSV text"),
        ("x.csv", b'{"id": 1}\n', {}, "x.csv is JSON, not CSV; state `format: json`"),
        ("x.csv", "编号\n1\n".encode("gb18030"), {}, "is not utf-8 text: its first line cannot be decoded"),
        ("x.csv", b'"id\n1\n', {}, "the quotes of its first line do not match"),
        ("x.parquet", b"id\n1\n", {}, "x.parquet is not a Parquet file"),
        ("x.parquet", parquet()[:-100], {}, "x.parquet is damaged"),
        ("x.csv", parquet(), {}, "x.csv is a Parquet file, not CSV"),
        ("x.json", b'[{"id": 1}]', {}, "x.json is a JSON array; write it as JSON lines"),
        ("x.json", b'{\n "id": 1\n}\n', {}, "is one JSON document"),
        ("x.json", b"id\n1\n", {}, "is not JSON lines: its first line begins 'id'"),
        ("x.csv", b"id\n1\n", {"format": "delta"}, "x.csv is a file, not the folder of a Delta table"),
        ("x.csv", b"ident\n1\n", {}, "column product_id: `id`: the file has no column `id`"),
        ("x.csv", b"id;name\n1;a\n", {"delimiter": ","}, "it has id;name"),
    ],
)
def test_a_file_that_cannot_be_landed_says_why(
    shop: Shop, name: str, content: bytes, options: dict[str, Any], said: str
) -> None:
    shop.write(name, content)
    with pytest.raises(InputError) as caught:
        shop.land(name, **options)
    message = str(caught.value)
    assert any(part in message for part in said.split("|"))
    assert name in message
    assert "\n" not in message
    assert shop.rows() == []
    assert shop.loads() == []


def test_a_column_that_the_file_lacks_is_named_with_its_likeness(shop: Shop) -> None:
    shop.write("x.csv", "id,CustomerID,Unit Price\n1,2,3\n")
    with pytest.raises(
        InputError,
        match=r"column title: `upper\(CustomrID\)`: .* no column `CustomrID`; did you mean `CustomerID`",
    ):
        shop.land("x.csv", {"product_id": "id", "title": "upper(CustomrID)"})
    with pytest.raises(
        InputError,
        match="attribute p: `Unit Pric`: the file has no column `Unit Pric`; did you mean `Unit Price`",
    ):
        shop.land("x.csv", attributes={"p": "Unit Pric"})


def test_a_json_key_that_no_record_has_is_named(shop: Shop) -> None:
    shop.write("x.jsonl", '{"id": 1, "price": 2}\n')
    with pytest.raises(InputError, match="no column `prices`; did you mean `price`"):
        shop.land("x.jsonl", {"product_id": "id", "unit_price": "prices"})


def test_a_file_that_may_not_be_read(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shop.write("x.csv", "id\n1\n")
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything

        def refused(*_: object, **__: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr("builtins.open", refused)
    with pytest.raises(InputError, match=r"x\.csv cannot be read: permission denied"):
        shop.land("x.csv")


@pytest.mark.parametrize("raised", [OSError(errno.ENOSPC, "No space left on device"), OSError("... (os error 28)")])
def test_a_full_disk_is_one_sentence_and_lands_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, raised: OSError
) -> None:
    shop.write("x.csv", "id\n1\n")
    shop.land("x.csv")
    shop.write("x.csv", "id\n2\n")

    def full(*_: object, **__: object) -> None:
        raise raised

    with monkeypatch.context() as patch:
        patch.setattr(data_files.pq, "ParquetWriter", full)
        with pytest.raises(LakehouseError, match="no space left on the disk of .*home"):
            shop.land("x.csv")
    assert [row["id"] for row in shop.rows()] == ["1"]
    assert len(shop.land("x.csv")) == 1


def test_a_disk_that_cannot_hold_the_file_is_told_before_it_is_written(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write("x.csv", "id\n1\n")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3 << 20))
    with pytest.raises(LakehouseError, match="no space left .*: 3 MiB are free and about 16 MiB needed"):
        shop.land("x.csv")


def test_a_file_that_changes_while_it_is_read_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shop.write("x.csv", "id\n1\n")
    committed = tables.Append.commit

    def meanwhile(append: tables.Append) -> int:
        path.write_text("id\n1\n2\n")
        return committed(append)

    monkeypatch.setattr(tables.Append, "commit", meanwhile)
    with pytest.raises(InputError, match=r"x\.csv changed while it was read"):
        shop.land("x.csv")
    assert shop.rows() == []


def test_a_home_in_a_place_that_is_a_file(shop: Shop, tmp_path: Path) -> None:
    shop.write("x.csv", "id\n1\n")
    (tmp_path / "occupied").write_text("")
    shop.settings = shop.settings.model_copy(update={"home": tmp_path / "occupied"})
    with pytest.raises(LakehouseError, match="occupied cannot be written"):
        shop.land("x.csv")
