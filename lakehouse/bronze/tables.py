"""The bronze tables: made once, appended to in one commit a batch, and rid of unfinished batches."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from lakehouse import ops
from lakehouse.bronze.streams import written_plainly
from lakehouse.entities import ENTITIES
from lakehouse.settings import Settings

# A batch goes into one partition. With several writers, those that have nothing to do keep the queue of the busy one
# open without bound: 4 M rows of 2 kB held 3.2 GiB, now 0.6. delta-rs reads these at its first write.
os.environ.setdefault("DELTARS_MAX_CONCURRENT_WRITERS", "1")
os.environ.setdefault("DELTARS_WRITER_BATCH_CHANNEL_SIZE", "4")

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

CELLS_AT_ONCE = 4_000_000
"""Rows times columns of the table that are handed over together: delta-rs fills the columns that a batch lacks."""


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


def files_of_batches(settings: Settings, source: str, entity: str, batch_ids: Sequence[str]) -> list[str]:
    """The files of an entity's table in which rows of these batches may be, by the table's statistics."""
    table = DeltaTable(settings.table_path("bronze", entity))
    found = []
    for file in pa.table(table.get_add_actions(flatten=True)).to_pylist():
        least, most = file.get("min._batch_id") or "", file.get("max._batch_id") or "g"
        if file["partition._source"] == source and any(least <= batch_id <= most for batch_id in batch_ids):
            found.append(str(settings.table_path("bronze", entity) / unquote(file["path"])))
    return found


class Append:
    """One commit to a bronze table, written while its batches are still being made.

    delta-rs takes the batches in a thread of its own, in which no other table may be opened: so the caller makes
    them in the caller's thread and hands them over here. New columns are added to the table.
    """

    def __init__(self, settings: Settings, table: str, schema: pa.Schema) -> None:
        self._home, self._path, self._schema = settings.home, settings.table_path("bronze", table), schema
        columns = {field.name for field in DeltaTable(self._path).schema().fields} | set(schema.names)
        self._rows_at_once = max(1_000, CELLS_AT_ONCE // len(columns))
        self._handed_over: queue.Queue[pa.RecordBatch | None] = queue.Queue(maxsize=2)
        self._abandoned = False
        self._fault: BaseException | None = None
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def __enter__(self) -> Append:
        return self

    def __exit__(self, *fault: object) -> None:
        """Leaving by an exception commits nothing."""
        if self._writer.is_alive():
            self._abandoned = True
            self._hand_over(None)
            self._writer.join()

    def add(self, batch: pa.RecordBatch) -> None:
        """Hand over a batch; waits while two others are still to be written."""
        for start in range(0, batch.num_rows, self._rows_at_once):
            self._hand_over(batch.slice(start, self._rows_at_once))
        self._raise_fault()

    def commit(self) -> int:
        """Finish, and return the number of rows that the table's log says were added."""
        self._hand_over(None)
        self._writer.join()
        self._raise_fault()
        return int(DeltaTable(self._path).history(1)[0]["operationMetrics"]["num_added_rows"])

    def _hand_over(self, batch: pa.RecordBatch | None) -> None:
        while self._writer.is_alive():
            try:
                self._handed_over.put(batch, timeout=0.2)
                return
            except queue.Full:
                continue

    def _batches(self) -> Iterator[pa.RecordBatch]:
        while (batch := self._handed_over.get()) is not None:
            yield batch
        if self._abandoned:
            raise ValueError("abandoned")

    def _write(self) -> None:
        try:
            reader = pa.RecordBatchReader.from_batches(self._schema, self._batches())
            write_deltalake(self._path, reader, mode="append", schema_mode="merge")
        except BaseException as fault:
            self._fault = fault

    def _raise_fault(self) -> None:
        if self._fault is not None:
            with written_plainly(self._home):
                raise self._fault


def append(settings: Settings, table: str, rows: pa.Table) -> int:
    """Append rows in one commit; returns the number that the table's log says were added."""
    path = settings.table_path("bronze", table)
    with written_plainly(settings.home):
        write_deltalake(path, rows, mode="append", schema_mode="merge")
    return int(DeltaTable(path).history(1)[0]["operationMetrics"]["num_added_rows"])


def delete_batch(settings: Settings, source: str, entity: str, batch_id: str) -> None:
    """Remove what a batch has left in its table, in the quarantine and in what is known of batches, if anything."""
    with written_plainly(settings.home):
        landed = DeltaTable(settings.table_path("bronze", entity))
        landed.delete(f"_source = '{source}' AND _batch_id = '{batch_id}'")
        DeltaTable(settings.table_path("bronze", "quarantine")).delete(f"batch_id = '{batch_id}'")
        for table in ops.OF_A_BATCH:
            DeltaTable(settings.table_path("ops", table)).delete(f"batch_id = '{batch_id}'")


def _create(settings: Settings, table: str, schema: pa.Schema, partitions: list[str]) -> None:
    path = settings.table_path("bronze", table)
    if not (path / "_delta_log").exists():
        path.mkdir(parents=True, exist_ok=True)
        DeltaTable.create(path, schema, mode="ignore", partition_by=partitions, configuration=_STATISTICS)
