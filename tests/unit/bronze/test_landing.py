"""Landing: every record accounted for, in every format, under its stored name."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from landing_shop import LOADED_AT, Shop

from lakehouse import ops
from lakehouse.bronze import batch as batch_module
from lakehouse.bronze import land, tables
from lakehouse.bronze.csv_records import CsvFile
from lakehouse.entities import ENTITIES
from lakehouse.errors import InputError, LakehouseError
from lakehouse.sources import parse_source, remembered_sources

CSV = "id,name\n1,a\n2,b\n"


def zstd(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)  # type: ignore[no-any-return]


def counted_by_csv_module(text: str, width: int) -> tuple[int, int]:
    records = [row for row in csv.reader(io.StringIO(text, newline="")) if row][1:]
    good = sum(len(row) == width for row in records)
    return good, len(records) - good


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("x.csv", lambda content: content),
        ("x.csv.gz", gzip.compress),
        ("x.csv.bz2", bz2.compress),
        ("x.csv.zst", zstd),
        ("renamed.csv", gzip.compress),
    ],
)
def test_rows_read_are_rows_landed_plus_rows_quarantined(shop: Shop, name: str, pack: Callable[[bytes], bytes]) -> None:
    lines = [f'{i},"say ""{i}"", then",{i}.5' if i % 7 else f"{i},cut" for i in range(1, 2001)]
    text = "id,name,price\n" + "\n".join(lines) + "\n"
    shop.write(name, pack(text.encode()))
    (load,) = shop.land(name)
    assert (load.rows_landed, load.rows_quarantined) == counted_by_csv_module(text, 3) == (1715, 285)
    assert load.rows_read == 2000 == text.count("\n") - 1
    assert len(shop.rows()) == 1715
    assert len(shop.faults()) == 285
    assert load.bytes_read == (shop.folder / name).stat().st_size


def test_gzip_of_several_members_is_read_to_its_end(shop: Shop) -> None:
    shop.write("x.csv.gz", gzip.compress(b"id\n1\n") + gzip.compress(b"2\n3\n"))
    assert shop.land("x.csv.gz")[0].rows_landed == 3


def test_every_format_lands_as_text_with_its_lineage(shop: Shop) -> None:
    shop.write("a.csv", CSV)
    shop.write("b.jsonl", '{"id": 3, "name": "c"}\n')
    pq.write_table(pa.table({"id": [4], "name": ["d"]}), shop.folder / "c.parquet")
    write_deltalake(shop.folder / "d", pa.table({"id": [5], "name": ["e"]}))
    shop.land(["a.csv", "b.jsonl", "c.parquet", "d"])
    assert shop.values("_source", "_file", "_row_number", "id", "name") == [
        ("shop", "a.csv", 1, "1", "a"),
        ("shop", "a.csv", 2, "2", "b"),
        ("shop", "b.jsonl", 1, "3", "c"),
        ("shop", "c.parquet", 1, "4", "d"),
        ("shop", "d", 1, "5", "e"),
    ]
    schema = DeltaTable(shop.settings.table_path("bronze", "products")).schema()
    types = {field.name: field.type.type for field in schema.fields}
    assert (types["id"], types["name"]) == ("string", "string")
    assert (types["_row_number"], types["_loaded_at"]) == ("long", "timestamp")


def test_later_files_are_newer_so_that_the_latest_version_of_a_row_is_known(shop: Shop) -> None:
    for name in ("x-1.csv", "x-2.csv", "first.csv"):
        shop.write(name, CSV + name)
    loads = shop.land(["first.csv", "x-*.csv"])
    assert [(load.file, load.loaded_at - LOADED_AT) for load in loads] == [
        ("first.csv", timedelta(microseconds=0)),
        ("x-1.csv", timedelta(microseconds=1)),
        ("x-2.csv", timedelta(microseconds=2)),
    ]


def test_globs_reach_into_folders(shop: Shop) -> None:
    shop.write("2024/01/x.csv", CSV)
    shop.write("2024/02/deep/x.csv", CSV + "3,c\n")
    assert [load.file for load in shop.land("**/x.csv")] == ["2024/01/x.csv", "2024/02/deep/x.csv"]


def test_the_batch_id_depends_on_source_entity_and_content_only(shop: Shop) -> None:
    shop.write("x.csv", CSV)
    (load,) = shop.land("x.csv")
    # By sha256sum: of the file, and of "shop", "products" and that sum on a line each.
    assert load.content_sha256 == "3f8a135153d78d528143f8a854e4f310bff7deebe597939344b0c1747d0bb987"
    assert load.batch_id == "727203f358db6dc3"


def test_files_before_a_bad_one_stay_landed_and_the_bad_one_leaves_nothing(shop: Shop) -> None:
    shop.write("a.csv", CSV)
    whole = gzip.compress(("id,name\n" + "".join(f"{i},{i * 7919 % 1000003}\n" for i in range(200_000))).encode())
    shop.write("b.csv.gz", whole[:-5000])
    with pytest.raises(InputError, match=r"b\.csv\.gz is cut short"):
        shop.land("*.csv*")
    assert [row["file"] for row in shop.loads()] == ["a.csv"]
    assert {row["_file"] for row in shop.rows()} == {"a.csv"}
    assert shop.faults() == []
    shop.write("b.csv.gz", whole)
    assert [load.file for load in shop.land("*.csv*")] == ["b.csv.gz"]


def test_counts_that_do_not_add_up_are_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write("x.csv", CSV)
    committed = tables.Append.commit
    monkeypatch.setattr(tables.Append, "commit", lambda append: committed(append) - 1)
    with pytest.raises(LakehouseError, match="2 rows were read, but 1 landed"):
        shop.land("x.csv")
    assert shop.rows() == []


def test_all_bronze_tables_exist_from_the_first_landing(shop: Shop) -> None:
    shop.write("x.csv", CSV)
    shop.land("x.csv")
    for entity in ENTITIES:
        table = DeltaTable(shop.settings.table_path("bronze", entity))
        assert table.metadata().partition_columns == ["_source"]
        assert {field.name for field in table.schema().fields} >= set(tables.LINEAGE.names)
    assert shop.rows("quarantine") == []


def test_columns_of_all_files_are_united_and_names_differing_in_case_share_one(shop: Shop) -> None:
    shop.write("a.csv", "id,Unit Price\n1,2\n")
    shop.write("b.csv", "ID,extra\n2,x\n")
    shop.land("*.csv", {"product_id": "id", "unit_price": "Unit Price", "title": "upper(EXTRA)"})
    assert shop.values("id", "Unit_Price", "extra") == [("1", "2", None), ("2", None, "x")]
    (definition,) = ops.read(shop.settings, "sources")
    assert dict(definition["columns"]) == {
        "product_id": "`id`",
        "unit_price": "`Unit_Price`",
        "title": "upper(`extra`)",
    }
    assert dict(definition["raw_columns"]) == {
        "id": "id",
        "Unit Price": "Unit_Price",
        "ID": "id",
        "extra": "extra",
    }


def test_a_raw_column_named_like_lineage_is_kept_beside_it(shop: Shop) -> None:
    shop.write("x.jsonl", '{"id": 1, "_file": "mine"}\n')
    shop.land("x.jsonl")
    assert shop.values("_file", "_file_") == [("x.jsonl", "mine")]


def test_a_json_key_that_appears_after_the_first_block_lands_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakehouse.bronze.json_records._PEEK_BYTES", 64)
    lines = [json.dumps({"id": i}) for i in range(50)] + [json.dumps({"id": 50, "late": "x"})]
    shop.write("x.jsonl", "\n".join(lines))
    (load,) = shop.land("x.jsonl", {"product_id": "id"}, attributes={"late": "late"})
    assert load.rows_landed == 51
    assert shop.values("id", "late")[-1] == ("50", "x")


def test_the_home_remembers_its_sources_and_merges_their_definitions(shop: Shop) -> None:
    shop.write("x.csv", CSV)
    other = {"name": "other", "entities": {"stores": {"path": "x.csv", "columns": {"store_id": "id"}}}}
    shop.land("x.csv")
    land(shop.settings, [parse_source(other, shop.folder)], "run", LOADED_AT)
    assert [source.name for source in remembered_sources(shop.settings)] == ["other", "shop"]
    assert remembered_sources(shop.settings)[1] == shop.source("x.csv")
    rows = ops.read(shop.settings, "sources")
    assert [(row["source"], row["entity"]) for row in rows] == [("other", "stores"), ("shop", "products")]
    assert land(shop.settings, remembered_sources(shop.settings), "run", LOADED_AT) == []


def test_two_fresh_homes_have_the_same_rows(shop: Shop, tmp_path: Path) -> None:
    shop.write("x.csv", CSV + "3\n")
    shop.land("x.csv")
    first = (shop.rows(), shop.rows("quarantine"))
    other = Shop(shop.folder, shop.settings.model_copy(update={"home": tmp_path / "other"}))
    other.land("x.csv")
    assert (other.rows(), other.rows("quarantine")) == first


def test_more_faults_than_are_kept_in_memory(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_module, "_FAULTS_AT_ONCE", 100)
    monkeypatch.setattr("lakehouse.bronze.formats.CsvFile", partial(CsvFile, block_bytes=512))
    shop.write("x.csv", "id,name\n" + "".join(f"{i}\n" for i in range(1000)) + "1,a\n")
    (load,) = shop.land("x.csv")
    assert (load.rows_read, load.rows_landed, load.rows_quarantined) == (1001, 1, 1000)
    assert [fault[0] for fault in shop.faults()] == list(range(1, 1001))
