"""Rows that repeat a key, counted exactly without a shuffle: every column as numbers, the key as one number, sorted.

4.5 million rows of (text, text, integer) take 1 CPU second, Spark's count of distinct structs 20 and more
(docs/decisions/0009-gate-price.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Codes = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.uint64]
ROWS_AT_ONCE = 8_000_000
"""Some 800 MB of text keys: of more rows those are looked at together whose keys may be equal."""
ROOM = 2**62
LOOKED_AT = 8
"""Bytes of a text, spread over it from the first to the last, by which rows are told apart."""
MIXED = np.uint64(0x9E3779B97F4A7C15)  # of the golden ratio, as Fibonacci hashing has it


def in_parts(
    row_count: int, read: Callable[[], Iterable[pa.RecordBatch]], columns: Sequence[str]
) -> Iterator[pa.Table]:
    """The rows in tables of about `ROWS_AT_ONCE` rows; those whose values in these columns are equal are in the same.

    Args:
        read: the rows from the beginning; asked once for each table.
    """
    count = -(-max(row_count, 1) // ROWS_AT_ONCE)
    for part in range(count):
        batches = read()
        if count > 1:
            batches = (batch.filter(pa.array(_part_of(batch.select(columns), count) == part)) for batch in batches)
        yield pa.Table.from_batches(batches)


def _part_of(keys: pa.RecordBatch, count: int) -> Numbers:
    """For each row a number below `count`, the same for equal keys."""
    mixed = np.zeros(keys.num_rows, np.uint64)
    for values in keys.columns:
        if pa.types.is_nested(values.type):
            continue
        if pa.types.is_timestamp(values.type):
            values = values.cast(pa.int64())
        is_whole = pa.types.is_signed_integer(values.type)
        told = (
            pc.fill_null(values.cast(pa.int64()), 0).to_numpy().astype(np.uint64) if is_whole else _some_bytes(values)
        )
        mixed = (mixed ^ told) * MIXED
        mixed ^= mixed >> np.uint64(32)
    return mixed % np.uint64(count)


def _some_bytes(values: pa.Array) -> Numbers:
    """Some bytes of each value's text as one number; 0 of a null."""
    plain = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
    texts = pc.fill_null(plain.cast(pa.large_string()), "")
    ends = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    first, last = ends[:-1], ends[1:] - 1
    is_there = last >= first
    told = np.zeros(len(texts), np.uint64)
    for number in range(LOOKED_AT):
        byte = np.zeros(len(texts), np.uint64)
        byte[is_there] = data[(first + (last - first) * number // (LOOKED_AT - 1))[is_there]]
        told = told << np.uint64(8) | byte
    return told


def rows_repeating_key(rows: pa.Table) -> int | None:
    """Rows beyond the first of each value of all columns together; null equals null, as in Spark's distinct structs.

    None where a column's type does not compare here as in Spark (floats, nested values).
    """
    if rows.num_rows == 0:
        return 0
    key = np.zeros(rows.num_rows, dtype=np.int64)
    room = 1
    for name in rows.column_names:
        coded = _codes(rows.column(name))
        if coded is None:
            return None
        codes, count = coded
        if room * count >= ROOM:
            key = np.unique(key, return_inverse=True)[1].astype(np.int64)
            room = int(key.max()) + 1
        if room * count >= ROOM:
            codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
            count = int(codes.max()) + 1
        key = key * count + codes
        room *= count
    steps = np.diff(key)
    if (steps > 0).all():  # as landed: line after line, nothing to sort
        return 0
    key.sort()
    return int((np.diff(key) == 0).sum())


def _codes(values: pa.ChunkedArray) -> tuple[Codes, int] | None:
    """A number below the count for every value, equal where the values are."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = values.type
    if pa.types.is_timestamp(kind) or pa.types.is_date32(kind) or pa.types.is_boolean(kind):
        values = values.cast(pa.int32() if pa.types.is_date32(kind) else pa.int64())
    if pa.types.is_signed_integer(values.type):
        return _integers(values)
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_decimal(kind)):
        return None
    coded: Any = values.dictionary_encode(null_encoding="encode").combine_chunks()
    return coded.indices.to_numpy(zero_copy_only=False).astype(np.int64), max(len(coded.dictionary), 1)


def _integers(values: pa.ChunkedArray) -> tuple[Codes, int]:
    ends = pc.min_max(values).as_py()
    least = ends["min"] or 0
    count = int((ends["max"] or 0) - least) + 2
    if count >= ROOM:
        return _integers(values.dictionary_encode(null_encoding="encode").combine_chunks().indices)
    shifted = pc.add(pc.subtract(values.cast(pa.int64()), least), 1)
    return pc.fill_null(shifted, 0).to_numpy().astype(np.int64, copy=False), count
