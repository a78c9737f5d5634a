"""The bronze tables: made once, appended to in one commit a batch, and rid of unfinished batches."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake import Schema as DeltaSchema
from deltalake.exceptions import DeltaError

from lakehouse import ops
from lakehouse.bronze.data_files import DataFiles
from lakehouse.bronze.protection import is_shown
from lakehouse.bronze.streams import written_plainly
from lakehouse.entities import ENTITIES
from lakehouse.privacy import vault
from lakehouse.settings import Settings
from lakehouse.storage import delta_table, folder_of, has_table

# Of what delta-rs writes itself, here and in the layers above. With several writers, those that have nothing to do keep
# the queue of the busy one open without bound: 4 M rows of 2 kB in one partition held 3.2 GiB, with one 0.6. delta-rs
# reads these at its first write.
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


def ensure_tables(settings: Settings) -> None:
    """Create the bronze tables that are missing, empty."""
    with written_plainly(settings.home):
        for entity in ENTITIES:
            _create(settings, entity, LINEAGE, ["_source"])
        _create(settings, "quarantine", QUARANTINE, [])


def raw_column_names(settings: Settings, entity: str) -> list[str]:
    """The stored raw columns of an entity's bronze table."""
    fields = delta_table(settings, f"bronze.{entity}").schema().fields
    return [field.name for field in fields if field.name not in LINEAGE.names and not is_shown(field.name)]


def files_of_batches(settings: Settings, source: str, entity: str, batch_ids: Sequence[str]) -> list[str]:
    """The files of an entity's table in which rows of these batches may be, by the table's statistics."""
    table = delta_table(settings, f"bronze.{entity}")
    found = []
    for file in pa.table(table.get_add_actions(flatten=True)).to_pylist():
        least, most = file.get("min._batch_id") or "", file.get("max._batch_id") or "g"
        if file["partition._source"] == source and any(least <= batch_id <= most for batch_id in batch_ids):
            found.append(f"{settings.table_uri('bronze', entity)}/{unquote(file['path'])}")
    return found


class Append:
    """One commit to a table of bronze or of the vault; new columns are added to the table."""

    def __init__(
        self,
        settings: Settings,
        table: str,
        schema: pa.Schema,
        partition: Mapping[str, str],
        indexed: Sequence[str] = LINEAGE.names,
    ) -> None:
        """Nothing is written yet.

        Args:
            table: with its schema, `bronze.customers`.
            schema: the columns that the table must have; batches may lack some, files then do.
            partition: column -> value of the one partition written to; batches do not have these columns.
            indexed: the columns whose bounds the table's log is told.
        """
        self._settings, self._name, self._schema = settings, table, schema
        self._files = DataFiles(*folder_of(settings, self._name), schema, partition, indexed)

    def __enter__(self) -> Append:
        return self

    def __exit__(self, kind: object, *fault: object) -> None:
        """Leaving by an exception commits nothing and removes the files, unless the commit was made before it."""
        if kind is not None:
            with suppress(OSError, DeltaError):  # where the log cannot be read they stay, and go with the next VACUUM
                self._files.discard(but=self._committed())

    def add(self, batch: pa.RecordBatch) -> None:
        """Take a batch in; many are written together."""
        with written_plainly(self._settings.home):
            self._files.add(batch)

    def commit(self) -> int:
        """Finish, and return the number of rows that the table's log says were added."""
        with written_plainly(self._settings.home):
            actions = self._files.close()
            table = delta_table(self._settings, self._name)
            known = {field.name for field in table.schema().fields}
            new = [field for field in self._schema if field.name not in known]
            if new:
                table.alter.add_columns(DeltaSchema.from_arrow(pa.schema(new)).fields)
            if actions:
                partitions = table.metadata().partition_columns
                table.create_write_transaction(actions, "append", table.schema(), partitions)
            return sum(self._committed().values())

    def _committed(self) -> dict[str, int]:
        """The rows of each of the files that the table's log names."""
        if not self._files.paths:
            return {}
        named = pa.table(delta_table(self._settings, self._name).get_add_actions(flatten=True)).select(
            ["path", "num_records"]
        )
        rows = {unquote(file["path"]): file["num_records"] for file in named.to_pylist()}
        return {path: rows[path] for path in self._files.paths if path in rows}


def set_aside(settings: Settings, rows: pa.Table) -> int:
    """Append rows to the quarantine in one commit; returns the number that its log says were added."""
    with Append(settings, "bronze.quarantine", rows.schema, {}, QUARANTINE.names[: len(LINEAGE)]) as appending:
        for batch in rows.to_batches():
            appending.add(batch)
        return appending.commit()


def delete_batch(settings: Settings, source: str, entity: str, batch_id: str) -> None:
    """Remove what a batch has left in its table, the vault, the quarantine and what is known of batches, if anything.

    The vault last: where this is killed, what is still in bronze can still be opened.
    """
    with written_plainly(settings.home):
        landed = delta_table(settings, f"bronze.{entity}")
        landed.delete(f"_source = '{source}' AND _batch_id = '{batch_id}'")
        delta_table(settings, "bronze.quarantine").delete(f"batch_id = '{batch_id}'")
        for table in ops.OF_A_BATCH:
            delta_table(settings, f"ops.{table}").delete(f"batch_id = '{batch_id}'")
        vault.delete_batch(settings, batch_id)


def _create(settings: Settings, table: str, schema: pa.Schema, partitions: list[str]) -> None:
    if not has_table(settings, f"bronze.{table}"):
        uri = settings.table_uri("bronze", table)
        if settings.storage is None:
            Path(uri).mkdir(parents=True, exist_ok=True)
        DeltaTable.create(uri, schema, mode="ignore", partition_by=partitions, configuration=_STATISTICS)
