"""The bronze tables: made once, appended to in one commit a batch, and rid of unfinished batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from lakehouse.bronze.streams import written_plainly
from lakehouse.entities import ENTITIES
from lakehouse.settings import Settings

UTC = pa.timestamp("us", tz="UTC")
LINEAGE = pa.schema(
    [
        ("_source", pa.string()),
        ("_file", pa.string()),
        ("_batch_id", pa.string()),
        ("_row_number", pa.int64()),
        ("_loaded_at", UTC),
    ]
)
QUARANTINE = pa.schema(
    [
        ("source", pa.string()),
        ("entity", pa.string()),
        ("file", pa.string()),
        ("batch_id", pa.string()),
        ("row_number", pa.int64()),
        ("reason", pa.string()),
        ("raw", pa.string()),
        ("loaded_at", UTC),
    ]
)
_STATISTICS = {"delta.dataSkippingNumIndexedCols": str(len(LINEAGE))}
"""Only the lineage columns are ever searched by: statistics of raw text would only swell the log."""


def ensure_tables(settings: Settings) -> None:
    """Create the bronze tables that are missing, empty."""
    with written_plainly(settings.home):
        for entity in ENTITIES:
            _create(settings, entity, LINEAGE, ["_source"])
        _create(settings, "quarantine", QUARANTINE, [])


def raw_column_names(settings: Settings, entity: str) -> list[str]:
    """The stored raw columns of an entity's bronze table."""
    fields = DeltaTable(settings.table_path("bronze", entity)).schema().fields
    return [field.name for field in fields if field.name not in LINEAGE.names]


def append(settings: Settings, table: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Append in one commit, while the batches are made; new columns are added to the table.

    Returns:
        The number of rows that the table's log says were added.
    """
    path = settings.table_path("bronze", table)
    fault: list[BaseException] = []

    def watched() -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except BaseException as error:
            fault.append(error)
            raise

    try:
        with written_plainly(settings.home):
            write_deltalake(
                path, pa.RecordBatchReader.from_batches(schema, watched()), mode="append", schema_mode="merge"
            )
    except Exception:
        if fault:  # delta-rs has made a text of it: the reader's own error is what the user can act on
            raise fault[0] from None
        raise
    return int(DeltaTable(path).history(1)[0]["operationMetrics"]["num_added_rows"])


def delete_batch(settings: Settings, source: str, entity: str, batch_id: str) -> None:
    """Remove what a batch has left in its table and in the quarantine, if anything."""
    with written_plainly(settings.home):
        landed = DeltaTable(settings.table_path("bronze", entity))
        landed.delete(f"_source = '{source}' AND _batch_id = '{batch_id}'")
        DeltaTable(settings.table_path("bronze", "quarantine")).delete(f"batch_id = '{batch_id}'")


def _create(settings: Settings, table: str, schema: pa.Schema, partitions: list[str]) -> None:
    path = settings.table_path("bronze", table)
    if not (path / "_delta_log").exists():
        path.mkdir(parents=True, exist_ok=True)
        DeltaTable.create(path, schema, mode="ignore", partition_by=partitions, configuration=_STATISTICS)
