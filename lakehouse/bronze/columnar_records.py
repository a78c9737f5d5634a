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

from lakehouse.bronze.naming import require_few, unique_names
from lakehouse.bronze.records import Block, Fault, text_array
from lakehouse.bronze.streams import told_plainly
from lakehouse.errors import InputError

UNDECODABLE = "undecodable_bytes"
_ROWS = 8 << 10


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file; columns whose names differ in nothing or only in case are told apart by a number."""

    path: Path

    def columns(self) -> list[str]:
        with told_plainly(self.path):
            schema = pq.read_schema(self.path)
            require_few(self.path, len(schema))
            return unique_names(schema.names)

    def all_columns(self) -> list[str]:
        return self.columns()

    def blocks(self) -> Iterator[Block]:
        names = self.columns()
        with told_plainly(self.path), pq.ParquetFile(self.path, page_checksum_verification=True) as file:
            expected, seen = file.metadata.num_rows, 0
            for block in _numbered(file.iter_batches(batch_size=_ROWS, use_threads=False), names):
                seen += block.seen
                yield block
            if seen != expected:
                raise InputError(f"{self.path} is damaged: its footer tells of {expected} rows, it has {seen}")


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
            yield from _numbered(batches, dataset.schema.names)


def as_text(column: pa.Array) -> pa.Array:
    """Values as text: times ISO-8601 (`Z` where they carry a zone), true or false, nested values as JSON.

    Raises:
        UnicodeDecodeError: a nested value holds text that is none.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return as_text(column.dictionary_decode())
    if pa.types.is_timestamp(kind):
        return _time_as_text(column)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        values = column.to_pylist()
        return text_array([None if value is None else value.decode("utf-8", "backslashreplace") for value in values])
    if pa.types.is_nested(kind):
        return text_array([None if value is None else _json_text(value) for value in _values(column)])
    if pa.types.is_duration(kind):
        return column.cast(pa.int64()).cast(pa.string())
    return column.cast(pa.string())


def _time_as_text(column: pa.Array) -> pa.Array:
    zone = "UTC" if column.type.tz else None
    try:
        # Only nanoseconds may lose what is beyond a microsecond.
        text = column.cast(pa.timestamp("us", zone), safe=column.type.unit != "ns").cast(pa.string())
    except pa.ArrowInvalid:  # years beyond 290,000: the number, which is no date that silver would take
        return column.cast(pa.int64()).cast(pa.string())
    return pc.replace_substring(text, " ", "T", max_replacements=1)


def _values(column: pa.Array) -> list[Any]:
    """Nested values as Python's; those with times or dates that Python has not, with these as text."""
    try:
        return column.to_pylist()
    except UnicodeDecodeError:
        raise
    except (OverflowError, ValueError):
        return column.cast(_with_text(column.type)).to_pylist()


def _with_text(kind: pa.DataType) -> pa.DataType:
    """The type with text in the place of dates and times."""
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_with_text(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_with_text(kind.key_type), _with_text(kind.item_type))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        make = pa.list_ if pa.types.is_list(kind) else pa.large_list
        return make(kind.value_field.with_type(_with_text(kind.value_type)))
    return pa.string() if pa.types.is_temporal(kind) and not pa.types.is_duration(kind) else kind


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


def _numbered(batches: Iterator[pa.RecordBatch], names: list[str]) -> Iterator[Block]:
    seen = 0
    for batch in batches:
        if batch.num_rows:
            yield _block(batch, names, seen)
            seen += batch.num_rows


def _block(batch: pa.RecordBatch, names: list[str], seen_before: int) -> Block:
    """The batch as text; rows with text that is not UTF-8, which Parquet does not check, are faults."""
    count = batch.num_rows
    numbers = np.arange(seen_before + 1, seen_before + count + 1, dtype=np.int64)
    try:
        batch.validate(full=True)
        return Block(count, pa.array(numbers), {n: as_text(c) for n, c in zip(names, batch.columns)}, [])
    except (UnicodeDecodeError, pa.ArrowInvalid) as error:
        # Taken, not sliced: a slice of lists is checked with all of their values.
        alone = [batch.take(pa.array([i])) for i in range(count)]
        bad = [i for i, row in enumerate(alone) if not _is_text(row)]
        if not bad:
            raise pa.ArrowInvalid(str(error)) from None
    faults = [Fault(int(numbers[i]), UNDECODABLE, _raw(alone[i], names)) for i in bad]
    good = np.setdiff1d(np.arange(count), bad)
    kept = batch.take(pa.array(good))
    return Block(count, pa.array(numbers[good]), {n: as_text(c) for n, c in zip(names, kept.columns)}, faults)


def _is_text(row: pa.RecordBatch) -> bool:
    try:
        row.validate(full=True)
        for column in row.columns:
            as_text(column)
    except (UnicodeDecodeError, pa.ArrowInvalid):
        return False
    return True


def _raw(row: pa.RecordBatch, names: list[str]) -> str:
    """The row as JSON, with escapes for the bytes that are no text."""
    shown: dict[str, Any] = {}
    for name, column in zip(names, row.columns):
        try:
            column.validate(full=True)
            shown[name] = as_text(column)[0].as_py()
        except (UnicodeDecodeError, pa.ArrowInvalid):
            is_text = pa.types.is_string(column.type)
            shown[name] = as_text(column.view(pa.binary()))[0].as_py() if is_text else "?"
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
