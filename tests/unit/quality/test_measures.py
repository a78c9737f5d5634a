"""Figures about whole layers, on tables of a few rows."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lakehouse import ops
from lakehouse.quality.measures import landed_rows, reconciliation, row_count
from lakehouse.settings import Settings

NOON = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)


def write(settings: Settings, table: str, rows: dict[str, list[Any]]) -> None:
    write_deltalake(settings.table_path(*table.split(".")), pa.table(rows), mode="append")


@pytest.fixture
def shop(home_settings: Settings) -> Settings:
    """Two loads of customers, the first superseded; a load of a source that the home no longer knows."""
    loads = [("shop", "old", 2, False), ("shop", "new", 3, True), ("gone", "x", 4, True)]
    ops.append(
        home_settings,
        "loads",
        [
            {"source": source, "entity": "customers", "batch_id": batch, "rows_landed": rows, "is_current": current}
            for source, batch, rows, current in loads
        ],
    )
    ops.overwrite(home_settings, "sources", [{"source": "shop", "entity": "customers"}])
    write(home_settings, "bronze.customers", {"_row_number": [1, 2, 1, 2, 3]})
    write(home_settings, "bronze.customers", {"_row_number": [1, 2, 3, 4]})
    write(home_settings, "silver.customers", {"source_row_count": [2]})
    write(home_settings, "silver.quarantine", {"entity": ["customers", "events"]})
    return home_settings


def of_customers(table: pa.Table) -> dict[str, Any]:
    return next(row for row in table.to_pylist() if row["entity"] == "customers")


def test_landed_rows_stand_beside_the_rows_of_all_batches(shop: Settings) -> None:
    assert of_customers(landed_rows(shop)) == {"entity": "customers", "row_count": 9, "landed_count": 9}


def test_silver_is_reconciled_with_the_current_batches_of_known_sources(shop: Settings) -> None:
    assert of_customers(reconciliation(shop)) == {
        "entity": "customers",
        "bronze_row_count": 3,
        "silver_row_count": 2,
        "quarantined_count": 1,
    }


def test_every_entity_has_a_row_even_without_a_table(shop: Settings) -> None:
    assert {"entity": "events", "row_count": 0, "landed_count": 0} in landed_rows(shop).to_pylist()
    assert row_count(shop, "silver.nothing") == 0
