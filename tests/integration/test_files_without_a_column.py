"""A bronze table whose files have different columns: every reader takes what a file lacks for null."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from lakehouse.bronze import land
from lakehouse.engine.sail import close_sail, open_sail
from lakehouse.maintenance import FEW_FILES, maintain
from lakehouse.quality import run_gate
from lakehouse.quality.stored_table import Bounds, open_table
from lakehouse.settings import Settings
from lakehouse.sources import parse_source
from tests.conftest import use_home

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOON = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
FIGURES = """select count(*) as n, count(name) as names, count(distinct name) as kinds, min(name) as least,
    max(name) as greatest, count(distinct id) as ids, count_if(name is null and price is null) as bare,
    sum(cast(price as int)) as total from bronze.products"""
BY_HAND = {"n": 6, "names": 2, "kinds": 2, "least": "milk", "greatest": "tea", "ids": 6, "bare": 2, "total": 12}
SUITE = """
table: bronze.products
about: six rows of three files
key: [id]
rules:
  - {type: expect_column_values_to_not_be_null, kwargs: {column: name}, severity: warn, owner: nameless}
  - {type: expect_column_values_to_be_in_set, kwargs: {column: name, value_set: [tea]}, severity: warn, owner: other}
  - {type: expect_rows_to_satisfy, kwargs: {condition: "name is not null or price > 5"}, severity: warn, owner: bare}
  - {type: expect_column_values_to_be_unique, kwargs: {column: name}, severity: warn, owner: twice}
"""


def landed(settings: Settings, folder: Path, **files: str) -> None:
    for name, content in files.items():
        (folder / f"{name}.csv").write_text(content)
    products = {"path": "*.csv", "columns": {"product_id": "id"}}
    land(settings, [parse_source({"name": "shop", "entities": {"products": products}}, folder)], "run", NOON)


@pytest.fixture
def settings(home_settings: Settings, tmp_path: Path) -> Settings:
    """Three files: one of names, one of prices, one of neither."""
    landed(home_settings, tmp_path, a="id,name\n1,tea\n2,milk\n", b="id,price\n3,5\n4,7\n", c="id\n5\n6\n")
    files = DeltaTable(home_settings.table_path("bronze", "products")).file_uris()
    assert sorted(pq.read_schema(file).names[4:] for file in files) == [["id"], ["id", "name"], ["id", "price"]]
    return home_settings


def rows(settings: Settings) -> list[tuple[Any, ...]]:
    table = DeltaTable(settings.table_path("bronze", "products")).to_pyarrow_table()
    return sorted(tuple(row[name] for name in ("id", "name", "price")) for row in table.to_pylist())


def test_sail_and_spark_take_it_for_null(settings: Settings, spark: SparkSession) -> None:
    assert open_sail(settings).rows(FIGURES).to_pylist() == [BY_HAND]
    close_sail()
    use_home(spark, settings)
    assert [row.asDict() for row in spark.sql(FIGURES).collect()] == [BY_HAND]


def test_footers_count_it_as_nulls(settings: Settings) -> None:
    table = open_table(settings, "bronze.products")
    assert table is not None
    assert table.row_count == 6
    assert [table.null_count(name) for name in ("id", "name", "price", "_source")] == [0, 4, 4, 0]
    assert table.bounds("name") == Bounds("milk", "tea")
    assert table.bounds("price") == Bounds("5", "7")
    names = [name for batch in table.batches(["name"]) for name in batch.column("name").to_pylist()]
    assert sorted(names, key=str) == [None] * 4 + ["milk", "tea"]


def test_a_gate_judges_it_as_null(settings: Settings, spark: SparkSession, tmp_path: Path) -> None:
    use_home(spark, settings)
    (tmp_path / "suites" / "bronze").mkdir(parents=True)
    (tmp_path / "suites" / "bronze" / "products.yml").write_text(SUITE)
    report = run_gate(spark, settings, "bronze", "run", NOON, folder=tmp_path / "suites")
    # `name is not null or price > 5` is null where both are null (rows 5 and 6), which is no fault: row 3 breaks it.
    told = [(outcome.element_count, outcome.unexpected_count) for outcome in report.outcomes]
    assert told == [(6, 4), (6, 1), (6, 1), (6, 0)]
    by_rule = {outcome.rule.type: outcome.sample_keys for outcome in report.outcomes}
    assert by_rule["expect_column_values_to_not_be_null"] == ("id=3", "id=4", "id=5", "id=6")


def test_delta_rs_rewrites_such_files_without_losing_a_value(settings: Settings) -> None:
    kept = [("1", "tea", None), ("2", "milk", None), ("3", None, "5"), ("4", None, "7"), ("5", None, None)]
    table = DeltaTable(settings.table_path("bronze", "products"))
    table.delete("id = '6'")
    assert rows(settings) == kept
    table.delete("name is null and price = '7'")
    assert rows(settings) == kept[:3] + kept[4:]
    table.update(updates={"price": "'9'"}, predicate="id = '2'")
    assert rows(settings)[1] == ("2", "milk", "9")


def test_small_files_of_different_columns_are_joined(home_settings: Settings, tmp_path: Path) -> None:
    many = {f"f{n:02}": f"id,c{n}\n{n},x{n}\n" for n in range(FEW_FILES + 2)}
    landed(home_settings, tmp_path, **many)
    path = home_settings.table_path("bronze", "products")
    (done,) = (one for one in maintain(home_settings) if one.table == "bronze.products")
    assert (done.files_before, done.files_after) == (FEW_FILES + 2, 1)
    for row in DeltaTable(path).to_pyarrow_table().to_pylist():
        assert {name: row[name] for name in row if name.startswith("c") and row[name] is not None} == {
            f"c{row['id']}": f"x{row['id']}"
        }
