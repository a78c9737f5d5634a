"""The main job on a shop of 300 customers: what it leaves, what it skips, what it refuses."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from lakehouse import ops, publication
from lakehouse.engine import open_engine
from lakehouse.errors import GateFailed
from lakehouse.pipeline import AFTER_LANDING, Run, main_job
from lakehouse.reader import query
from lakehouse.settings import load_settings
from lakehouse.sources import load_source
from tests.conftest import forget_tables, use_home
from tests.crash.killing import COUNTED, killed_often
from tests.integration.conftest import Heard, Shop
from tests.integration.content import content_hash, content_hashes
from tests.integration.gold_by_dbt import run_dbt

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SEED_OF_KILLS = 20261128


def test_every_step_is_done_in_order_and_has_its_row_in_ops_runs(shop: Shop) -> None:
    steps = ["land", *(step.name for step in AFTER_LANDING)]
    assert shop.heard.done == steps
    rows = [row for row in ops.read(shop.settings, "runs") if row["run_id"] == shop.publication.run_id]
    assert sorted(row["step"] for row in rows) == sorted(steps)
    assert {row["state"] for row in rows} == {"done"}


def test_rows_read_are_rows_landed_plus_rows_quarantined_for_every_file(shop: Shop) -> None:
    loads = ops.read(shop.settings, "loads")
    for load in loads:
        assert load["rows_read"] == load["rows_landed"] + load["rows_quarantined"], load["file"]
    assert sum(load["rows_quarantined"] for load in loads) > 0


def test_everybody_who_may_be_contacted_gets_ten_different_products_with_a_reason(shop: Shop) -> None:
    gold = shop.settings.tables_dir / "gold"
    asked = DeltaTable(gold / "dim_consent").to_pyarrow_table(columns=["customer_id", "is_contactable"])
    known = {row["customer_id"] for row in asked.to_pylist() if row["is_contactable"]}
    assert 0 < len(known) < asked.num_rows
    rows = DeltaTable(gold / "act_recommendations").to_pyarrow_table().to_pylist()
    offered: dict[str, set[str]] = {}
    for row in rows:
        offered.setdefault(row["customer_id"], set()).add(row["product_id"])
        assert row["reason"], row
    assert set(offered) == known
    assert {len(products) for products in offered.values()} == {10}


def test_a_click_probability_is_a_probability(shop: Shop) -> None:
    path = shop.settings.table_path("gold", "act_click_propensity")
    column = DeltaTable(path).to_pyarrow_table(columns=["click_probability"])["click_probability"]
    bounds = pc.min_max(column).as_py()
    assert 0 < bounds["min"] < bounds["max"] < 1


def test_dbt_unit_tests_pass(shop: Shop, tmp_path: Path) -> None:
    open_engine(shop.settings)
    results = run_dbt(["test", "--select", "test_type:unit"], tmp_path)
    assert len(results) >= 8


def test_every_model_and_column_is_described_and_the_docs_are_one_page(shop: Shop) -> None:
    folder = shop.settings.reports_dir / "dbt"
    manifest = json.loads((folder / "manifest.json").read_text())
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert len(models) > 30
    bare = [node["name"] for node in models if not node["description"]]
    bare += [f"{n['name']}.{c['name']}" for n in models for c in n["columns"].values() if not c["description"]]
    assert not bare
    page = (folder / "static_index.html").read_text()
    assert all(node["unique_id"] in page for node in models)


@pytest.mark.parametrize(
    ("activation", "raw"),
    [
        ("act_segments", "order_lines"),
        ("act_recommendations", "events"),
        ("act_click_propensity", "impressions"),
        ("act_budget", "sends"),
        ("act_purchase_propensity", "events"),
    ],
)
def test_the_lineage_runs_from_the_files_to_activation(shop: Shop, activation: str, raw: str) -> None:
    manifest = json.loads((shop.settings.reports_dir / "dbt" / "manifest.json").read_text())
    parents = dict(manifest["parent_map"])
    for model in manifest["exposures"].values():
        for table in model["meta"].get("writes", []):
            parents[f"source.lakehouse.ml.{table}"] = model["depends_on"]["nodes"]
    above, found = set(), [f"model.lakehouse.{activation}"]
    while found:
        node = found.pop()
        if node not in above:
            above.add(node)
            found += parents.get(node, [])
    assert any(node.startswith("source.lakehouse.ml.") for node in above)
    assert f"source.lakehouse.bronze.{raw}" in above


def test_nothing_new_skips_all_but_landing(spark: SparkSession, shop: Shop) -> None:
    published, heard = shop.run_again(spark)
    assert heard.done == ["land"]
    assert heard.left_out == [step.name for step in AFTER_LANDING]
    assert published == publication.current(shop.settings)


def test_runs_killed_five_times_in_a_second_home_end_with_the_same_tables(
    spark: SparkSession, shop: Shop, tmp_path: Path
) -> None:
    home, source = tmp_path / "home", shop.files / "source.yml"
    kills = killed_often(home, source, tmp_path, kills=5, longest_s=9, seed=SEED_OF_KILLS)
    assert len(kills) == 5, kills
    settings = load_settings(home=home, spark_master="local[2]")
    use_home(spark, settings)
    last = Heard()
    main_job(Run(settings, [load_source(source)], None, last))
    layers = ("silver", "gold", "ml")
    assert content_hashes(settings, layers, COUNTED) == content_hashes(shop.settings, layers, COUNTED)
    states = {row["state"] for row in ops.read(settings, "runs")}
    assert "killed" in states
    assert len(last.notes) <= 1


def test_a_bad_batch_stops_at_its_gate_and_leaves_gold_as_it_was(spark: SparkSession, copy_of_shop: Shop) -> None:
    orders = sorted((copy_of_shop.files / "orders").glob("*.csv.gz"))
    with gzip.open(orders[-1], "rt", encoding="utf-8", errors="replace", newline="") as lines:
        header = next(csv.reader(lines))
    with gzip.open(orders[-1].with_name("orders-2026-01.csv.gz"), "wt", encoding="utf-8") as broken:
        broken.write(",".join(header) + "\n")
        broken.writelines(f"cut off in the middle {number}\n" for number in range(500))
    before = {
        name: content_hash(copy_of_shop.settings, *name.split("."), version=version)
        for name, version in copy_of_shop.publication.tables.items()
    }
    with pytest.raises(GateFailed, match="order_lines"):
        copy_of_shop.run_again(spark)
    assert publication.current(copy_of_shop.settings) == copy_of_shop.publication
    assert before == {
        name: content_hash(copy_of_shop.settings, *name.split("."), version=version)
        for name, version in copy_of_shop.publication.tables.items()
    }
    failed = [row for row in ops.read(copy_of_shop.settings, "runs") if row["state"] == "failed"]
    assert [row["step"] for row in failed] == ["validate_bronze"]


def test_readers_see_the_published_version_while_a_newer_one_is_built(spark: SparkSession, copy_of_shop: Shop) -> None:
    use_home(spark, copy_of_shop.settings)
    spark.sql("delete from gold.act_segments")
    statement = "select count(*) as customers from gold.act_segments"
    forget_tables(spark)
    assert query(copy_of_shop.settings, statement).collect()[0]["customers"] > 0
    forget_tables(spark)
    assert query(copy_of_shop.settings, statement, unpublished=True).collect()[0]["customers"] == 0
