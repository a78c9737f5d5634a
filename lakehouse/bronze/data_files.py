"""The Parquet files of one commit to a bronze table: of each batch only the columns that it has.

delta-rs fills every column that a table has and a batch lacks, with buffers for each: 2 M rows into a table of 3,017
columns took 2.7 GiB. A file need not have all columns of its table; readers take those that it lacks for null.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

COMPRESSION = "zstd"
GROUP_BYTES = 64 << 20
"""Of Arrow's memory to a row group: it is written column by column, so that a wide one needs no more."""
_JUST_ABOVE = timedelta(milliseconds=1)


class DataFiles:
    """Rows of one partition, in files of one folder.

    A file has the columns of its first row group; where others appear later, another file begins.
    """

    def __init__(
        self,
        files: pafs.FileSystem,
        table: str,
        schema: pa.Schema,
        partition: Mapping[str, str],
        indexed: Sequence[str],
    ) -> None:
        """Nothing is written yet.

        Args:
            files: the file system that the table is in.
            table: the path of its folder in there.
            schema: the columns that batches may have, in the order in which they are stored.
            partition: column -> value of the partition; batches and files do not have these columns.
            indexed: the columns whose bounds the table's log is told.
        """
        self._files, self._table, self._schema = files, table, schema
        self._partition, self._indexed = dict(partition), indexed
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_bytes = 0
        self._writer: pq.ParquetWriter | None = None
        self._columns: set[str] = set()
        self.paths: list[str] = []
        """Of the files begun, within the table."""

    def add(self, batch: pa.RecordBatch) -> None:
        """Take rows in; they are written once there are enough for a row group."""
        self._waiting.append(batch)
        self._waiting_bytes += batch.nbytes
        if self._waiting_bytes >= GROUP_BYTES:
            self._write_group()

    def close(self) -> list[AddAction]:
        """Write what waits; returns what the table's log is to be told of the files."""
        if self._waiting:
            self._write_group()
        self._close_file()
        return [_add_action(self._files, self._table, path, self._partition, self._indexed) for path in self.paths]

    def discard(self, but: Collection[str]) -> None:
        """Remove the files, except these."""
        with suppress(OSError, pa.ArrowException):
            self._close_file()
        for path in self.paths:
            if path not in but:
                with suppress(FileNotFoundError):
                    self._files.delete_file(f"{self._table}/{path}")

    def _write_group(self) -> None:
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        present = {name for batch in waiting for name in batch.schema.names}
        if self._writer is None or not present <= self._columns:
            self._close_file()
            self._begin_file(present | self._columns)
        assert self._writer is not None
        self._writer.write_table(_table(waiting, self._writer.schema))

    def _begin_file(self, columns: set[str]) -> None:
        folder = "/".join(f"{column}={quote(value, safe='')}" for column, value in self._partition.items())
        self._files.create_dir(f"{self._table}/{folder}".rstrip("/"), recursive=True)
        path = Path(folder, f"part-{len(self.paths):05}-{uuid4()}-c000.{COMPRESSION}.parquet").as_posix()
        self.paths.append(path)
        self._columns = columns
        schema = pa.schema([field for field in self._schema if field.name in columns])
        self._writer = pq.ParquetWriter(
            f"{self._table}/{path}", schema, compression=COMPRESSION, store_schema=False, filesystem=self._files
        )

    def _close_file(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()


def _table(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """The batches as one table of these columns; null where one lacks a column."""
    absent = pa.nulls(max(batch.num_rows for batch in batches), pa.string())  # one for all: they may be many
    by_name = [(batch.num_rows, dict(zip(batch.schema.names, batch.columns))) for batch in batches]
    columns = [
        pa.chunked_array([found.get(name, absent[:count]) for count, found in by_name], schema.field(name).type)
        for name in schema.names
    ]
    return pa.table(columns, schema=schema)


def _add_action(
    files: pafs.FileSystem, table: str, path: str, partition: Mapping[str, str], indexed: Sequence[str]
) -> AddAction:
    """What the log says of a file, by its size and its footer."""
    stored = files.get_file_info(f"{table}/{path}")
    footer = pq.read_metadata(stored.path, filesystem=files)
    statistics: dict[str, Any] = {"numRecords": footer.num_rows, "minValues": {}, "maxValues": {}, "nullCount": {}}
    places = {footer.schema.column(place).name: place for place in range(footer.num_columns)}
    for name in indexed:
        if name not in places:
            continue
        chunks = [footer.row_group(group).column(places[name]) for group in range(footer.num_row_groups)]
        nulls = [chunk.statistics.null_count for chunk in chunks]
        statistics["nullCount"][name] = sum(nulls)
        filled = [chunk.statistics for chunk, null in zip(chunks, nulls) if null < chunk.num_values]
        if filled and all(found.has_min_max for found in filled):
            statistics["minValues"][name] = _as_json(min(found.min for found in filled))
            statistics["maxValues"][name] = _as_json(max(found.max for found in filled), _JUST_ABOVE)
    return AddAction(path, stored.size, partition, stored.mtime_ns // 1_000_000, True, json.dumps(statistics))


def _as_json(bound: Any, to_add: timedelta = timedelta()) -> Any:
    """A bound as Delta writes it; a time has only milliseconds there, so the upper one is the next."""
    if not isinstance(bound, datetime):
        return bound
    return (bound + to_add).astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
