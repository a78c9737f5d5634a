"""Parquet files and Delta tables as blocks of text columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

from lakehouse.bronze.records import Block, text_array
from lakehouse.bronze.streams import told_plainly

_ROWS = 64 << 10


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file."""

    path: Path

    def columns(self) -> list[str]:
        with told_plainly(self.path):
            return list(pq.read_schema(self.path).names)

    def all_columns(self) -> list[str]:
        return self.columns()

    def blocks(self) -> Iterator[Block]:
        with told_plainly(self.path), pq.ParquetFile(self.path) as file:
            yield from _numbered(file.iter_batches(batch_size=_ROWS, use_threads=False))


@dataclass(frozen=True)
class DeltaFolder:
    """The newest version of a Delta table; rows in the order of its files' names."""

    path: Path

    def columns(self) -> list[str]:
        with told_plainly(self.path):
            return [field.name for field in DeltaTable(self.path).schema().fields]

    def all_columns(self) -> list[str]:
        return self.columns()

    def blocks(self) -> Iterator[Block]:
        with told_plainly(self.path):
            dataset = DeltaTable(self.path).to_pyarrow_dataset()
            fragments = sorted(dataset.get_fragments(), key=lambda fragment: str(fragment.path))
            batches = (
                batch
                for fragment in fragments
                for batch in fragment.to_batches(schema=dataset.schema, batch_size=_ROWS, use_threads=False)
            )
            yield from _numbered(batches)


def as_text(column: pa.Array) -> pa.Array:
    """Values as text: times ISO-8601 (`Z` where they carry a zone), true or false, nested values as JSON."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return as_text(column.dictionary_decode())
    if pa.types.is_timestamp(kind):
        zone = "UTC" if kind.tz else None
        text = column.cast(pa.timestamp("us", zone), safe=False).cast(pa.string())
        return pc.replace_substring(text, " ", "T", max_replacements=1)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        values = column.to_pylist()
        return text_array([None if value is None else value.decode("utf-8", "backslashreplace") for value in values])
    if pa.types.is_nested(kind):
        return text_array([None if value is None else _json_text(value) for value in column.to_pylist()])
    if pa.types.is_duration(kind):
        return column.cast(pa.int64()).cast(pa.string())
    return column.cast(pa.string())


def _json_text(value: Any) -> str:
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """What JSON can say: maps (lists of pairs) stay lists, what is no JSON scalar becomes text."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _numbered(batches: Iterator[pa.RecordBatch]) -> Iterator[Block]:
    seen = 0
    for batch in batches:
        if batch.num_rows:
            numbers = pa.array(np.arange(seen + 1, seen + batch.num_rows + 1, dtype=np.int64))
            texts = {name: as_text(column) for name, column in zip(batch.schema.names, batch.columns)}
            yield Block(batch.num_rows, numbers, texts, [])
            seen += batch.num_rows
