"""Rows that repeat a key, counted exactly without a shuffle: every column as numbers, the key as one number, sorted.

4.5 million rows of (text, text, integer) take 1 CPU second, Spark's count of distinct structs 20 and more
(docs/decisions/0009-gate-price.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Codes = npt.NDArray[np.int64]
ROWS_AT_ONCE = 30_000_000  # some 3 GB of text keys; more are left to Spark, which spills
ROOM = 2**62


def rows_repeating_key(rows: pa.Table) -> int | None:
    """Rows beyond the first of each value of all columns together; null equals null, as in Spark's distinct structs.

    None where a column's type does not compare here as in Spark (floats, nested values).
    """
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
    if isinstance(coded, pa.ChunkedArray):  # of no chunk at all
        return np.zeros(0, dtype=np.int64), 1
    return coded.indices.to_numpy(zero_copy_only=False).astype(np.int64), max(len(coded.dictionary), 1)


def _integers(values: pa.ChunkedArray) -> tuple[Codes, int]:
    ends = pc.min_max(values).as_py()
    least = ends["min"] or 0
    count = int((ends["max"] or 0) - least) + 2
    if count >= ROOM:
        return _integers(values.dictionary_encode(null_encoding="encode").combine_chunks().indices)
    shifted = pc.add(pc.subtract(values.cast(pa.int64()), least), 1)
    return pc.fill_null(shifted, 0).to_numpy().astype(np.int64, copy=False), count
