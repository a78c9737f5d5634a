"""Rows as text, columns at a time, and files whose bytes depend on nothing but their rows.

Text columns are Arrow string arrays; a line is the element-wise join of its fields. gzip members carry no
file name and no time.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lakehouse.synth.arrays import Bools, Floats, Ints
from lakehouse.synth.seasons import DAY_SECONDS, UTC_OFFSET_SECONDS

GZIP_LEVEL = 5
_CLOCK = pa.array([f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(DAY_SECONDS)])
_CENTS = pa.array([f".{c:02d}" for c in range(100)])


def texts(values: Sequence[str]) -> pa.Array:
    """A string column."""
    return pa.array(values, pa.string())


def look_up(table: pa.Array, index: NDArray[Any]) -> pa.Array:
    """`table[index]` as a string column."""
    return table.take(pa.array(index))


def whole_numbers(values: Ints) -> pa.Array:
    """Integers as text."""
    return pc.cast(pa.array(values), pa.string())


def numbered(prefix: str, values: Ints, digits: int) -> pa.Array:
    """`C0000123` and the like: prefix and zero-padded number."""
    padded = pc.utf8_slice_codeunits(whole_numbers(values + 10**digits), 1)
    return pc.binary_join_element_wise(prefix, padded, "")


def money(values: Floats) -> pa.Array:
    """Amounts with two decimals."""
    cents = np.round(np.abs(values) * 100).astype(np.int64)
    sign = look_up(texts(["", "-"]), ((values < 0) & (cents > 0)).astype(np.int64))
    return pc.binary_join_element_wise(sign, whole_numbers(cents // 100), look_up(_CENTS, cents % 100), "")


def decimals(values: Floats, places: int) -> pa.Array:
    """Numbers with a fixed number of decimals (small columns)."""
    return texts([f"{v:.{places}f}" for v in values.tolist()])


def dates(days: Ints) -> pa.Array:
    """`2025-03-04` from days since the epoch."""
    return pc.cast(pa.array(days.astype("datetime64[D]")), pa.string())


def times(seconds: Ints, separator: str = " ") -> pa.Array:
    """`2025-03-04 10:11:12` from local seconds since the epoch."""
    day, second = np.divmod(seconds, DAY_SECONDS)
    low = int(day.min()) if len(day) else 0
    calendar = dates(np.arange(low, (int(day.max()) if len(day) else 0) + 1, dtype=np.int64))
    return pc.binary_join_element_wise(look_up(calendar, day - low), look_up(_CLOCK, second), separator)


def utc_times(seconds: Ints) -> pa.Array:
    """`2025-03-04T02:11:12Z` of local seconds."""
    return pc.binary_join_element_wise(times(seconds - UTC_OFFSET_SECONDS, "T"), "Z", "")


def utc_timestamps(seconds: Ints) -> pa.Array:
    """Timestamps with the zone UTC (microseconds) of local seconds."""
    return pa.array((seconds - UTC_OFFSET_SECONDS) * 1_000_000).cast(pa.timestamp("us", tz="UTC"))


def blank_where(column: pa.Array, is_blank: Bools) -> pa.Array:
    """The column with empty text where the mask is true."""
    return pc.if_else(pa.array(is_blank), "", column)


def put(column: pa.Array, rows: Ints, values: Sequence[str]) -> pa.Array:
    """The column with `values` at `rows` (ascending)."""
    if len(rows) == 0:
        return column
    mask = np.zeros(len(column), dtype=np.bool_)
    mask[rows] = True
    return pc.replace_with_mask(column, pa.array(mask), texts(values))


def quoted(column: pa.Array, delimiter: str = ",") -> pa.Array:
    """CSV quoting of the fields that need it."""
    needs = pc.match_substring_regex(column, f'["\n{delimiter}]')
    inside = pc.replace_substring(column, '"', '""')
    return pc.if_else(needs, pc.binary_join_element_wise('"', inside, '"', ""), column)


def delimited_lines(columns: Sequence[pa.Array], delimiter: str = ",") -> pa.Array:
    """One CSV line per row; the fields must not need quotes (see `quoted`)."""
    return pc.binary_join_element_wise(*columns, delimiter)


def joined(*parts: Any) -> pa.Array:
    """Element-wise concatenation of columns and constants."""
    return pc.binary_join_element_wise(*parts, "")


def body(lines: pa.Array) -> memoryview:
    """All lines, each ended by a line feed, as one buffer."""
    ended = joined(lines, "\n")
    if isinstance(ended, pa.ChunkedArray):
        ended = ended.combine_chunks()
    offsets = np.frombuffer(ended.buffers()[1], dtype=np.int32)[ended.offset : ended.offset + len(ended) + 1]
    data = ended.buffers()[2]
    return memoryview(data)[int(offsets[0]) : int(offsets[-1])] if data is not None else memoryview(b"")


class LineFile:
    """A text file in UTF-8 that grows by blocks of lines, gzip when its name ends in `.gz`."""

    def __init__(self, path: Path, header: str | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb")
        self._packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 31) if path.suffix == ".gz" else None
        if header is not None:
            self._write(f"{header}\n".encode())

    def _write(self, content: bytes | memoryview) -> None:
        self._file.write(content if self._packer is None else self._packer.compress(content))

    def add(self, lines: pa.Array) -> None:
        """Append lines, each ended by a line feed."""
        self._write(body(lines))

    def __enter__(self) -> LineFile:
        return self

    def __exit__(self, *_: object) -> None:
        if self._packer is not None:
            self._file.write(self._packer.flush())
        self._file.close()


def write_lines(path: Path, lines: pa.Array, header: str | None = None) -> None:
    """A whole text file."""
    with LineFile(path, header) as file:
        file.add(lines)


def write_bytes_lines(path: Path, lines: Sequence[bytes]) -> None:
    """A text file of lines that are already encoded (used where one line is in another encoding)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def write_parquet(path: Path, columns: dict[str, Any]) -> int:
    """A Parquet file; returns its number of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    pq.write_table(table, path, compression="zstd")
    return int(table.num_rows)


def write_csv(path: Path, columns: dict[str, Any]) -> int:
    """A plain CSV file with quotes where needed; returns its number of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    pa_csv.write_csv(table, path, pa_csv.WriteOptions(quoting_style="needed"))
    return int(table.num_rows)
