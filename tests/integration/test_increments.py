"""A batch of new, late and corrected rows, brought into a shop's silver and gold, leaves the rows that their SQL gives
over everything.

Random splits and orders, sources without a key among them, are `make increments` (tests/increments).
"""

from __future__ import annotations

import gzip
import json
import random
from typing import TYPE_CHECKING

from deltalake import DeltaTable

from lakehouse import builds
from lakehouse.engine import execute
from lakehouse.pipeline import AFTER_LANDING, LAND, Progress, Run, perform
from tests.conftest import use_home
from tests.increments.arrivals import Row, corrected, read_rows, write_csv
from tests.integration.conftest import Shop
from tests.integration.gold_by_dbt import run_dbt

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pytest
    from pyspark.sql import SparkSession

    from lakehouse.settings import Settings

SILVER = {
    "stg_order_lines": "order_lines",
    "stg_events": "events",
    "outlier_bounds": "outlier_bounds",
    "quarantine": "quarantine",
}
STEPS = ("silver", "as_of", "features")
GOLD = {
    name: name
    for name in (
        "feat_activity",
        "feat_interactions",
        "feat_impressions",
        "feat_customer_history",
        "fct_orders",
        "fct_sessions",
    )
}
REMADE = {"feat_customer_tags": "feat_customer_tags"}


def more_rows(file: Path, key: str, draw: random.Random) -> list[Row]:
    """Of a file's rows: forty corrected under their key, twice, and forty more under new keys."""
    rows = draw.sample(list(read_rows(file)), 80)
    again = [corrected(row, draw) for row in rows[:40] for _ in range(2)]
    return again + [{**corrected(row, draw), key: f"new-{row[key]}"} for row in rows[40:]]


def the_same_as_at_once(schema: str, models: dict[str, str], folder: Path) -> None:
    """Each model's table has the rows that its SQL gives over all rows, by the same engine; its name -> its table."""
    whole = {one.node.name: one.node.compiled_code for one in run_dbt(["compile", "--select", *models], folder)}
    for model, table in models.items():
        stored = execute(f"select * from {schema}.{table}")
        columns = ", ".join(name for name, _ in stored.columns)
        at_once = execute(f"select {columns} from ({whole[model]})")
        assert sorted(map(repr, stored.fetch())) == sorted(map(repr, at_once.fetch())), table


def last_operations(settings: Settings, schema: str, tables: Iterable[str]) -> dict[str, str]:
    return {name: str(DeltaTable(settings.table_path(schema, name)).history(1)[0]["operation"]) for name in tables}


def test_a_merged_batch_leaves_what_all_batches_make_at_once(
    spark: SparkSession, copy_of_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builds, "LARGEST_INCREMENT", 0.9)
    draw, settings = random.Random(5), copy_of_shop.settings.model_copy(update={"increments_from_rows": 0})
    orders = sorted((copy_of_shop.files / "orders").glob("*.csv.gz"))
    events = sorted((copy_of_shop.files / "app").glob("events-*.jsonl.gz"))
    more = more_rows(orders[1], "order_no", draw)
    write_csv(tmp_path / "more.csv", list(more[0]), more)
    with gzip.open(orders[-1].with_name("orders-2026-02.csv.gz"), "wb") as out:
        out.write((tmp_path / "more.csv").read_bytes())
    with gzip.open(events[-1].with_name("events-2026-02.jsonl.gz"), "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in more_rows(events[2], "event_id", draw))

    use_home(spark, settings)
    run = Run(settings, [], None, Progress())
    perform(run, LAND)
    said = {step.name: str(perform(run, step).message) for step in AFTER_LANDING if step.name in STEPS}
    assert "3 by increments" in said["silver"], said
    operations = last_operations(settings, "silver", SILVER.values())
    assert operations["order_lines"] == operations["events"] == "MERGE"
    assert operations["quarantine"] == "WRITE"
    the_same_as_at_once("silver", SILVER, tmp_path / "dbt")

    assert "4 by increments" in said["features"], said
    run.dbt.build("marts", run.ledger, run.as_of_on, only=["fct_orders", "fct_sessions"])
    assert set(last_operations(settings, "gold", GOLD).values()) == {"WRITE", "MERGE"}
    the_same_as_at_once("gold", GOLD | REMADE, tmp_path / "dbt")
