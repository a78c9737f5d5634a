"""Tables of gold as small numbers, each read once for all who ask.

A text is read as the place of its name in a dictionary, as Parquet has it on disk: no text is made for a row. A column
is read when it is asked for first, so a room pays for what no other room has read in the same run (`read_once`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable

from lakehouse.settings import Settings
from lakehouse.storage import find_table
from ml import tables
from ml.arrays import Flags, Floats, Ints, Texts

NO_DAY = 0
"""Of a row that has none; before any other."""
EPOCH = date(1970, 1, 1).toordinal()
MOST_CELLS = 50_000_000
"""Numbers that may occur, of which each is looked up in an array; of more those that do are sorted instead."""
ROWS_AT_ONCE = 1 << 22
"""More than a group of rows of any file: every part that is read brings a dictionary of its own, to be unified."""
CODED = pa.dictionary(pa.int32(), pa.string())

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Named:
    """A column of texts.

    Args:
        names: the different ones, in the order of their letters.
        code: of each row the place of its name, -1 for none.
    """

    names: tuple[str, ...]
    code: Codes

    def is_in(self, *wanted: str) -> Flags:
        """Which rows have one of these."""
        known = np.array([*(name in wanted for name in self.names), False])
        return np.asarray(known[self.code])

    @property
    def there(self) -> Ints:
        """The places of the names that a row has, in order."""
        return np.flatnonzero(np.bincount(self.code + 1, minlength=1)[1:])

    def places_in(self, known: Texts) -> Ints:
        """Of each row, where its name is among the `known` ones, -1 where it is not."""
        place = pd.Index(known).get_indexer(pd.Index(np.array(self.names, dtype=object)))
        return np.append(place, -1)[self.code].astype(np.int64)

    def at(self, rows: Flags) -> Named:
        """The same of these rows, without names that none of them has."""
        code = self.code[rows]
        is_there = np.bincount(code + 1, minlength=len(self.names) + 1)[1:] > 0
        if is_there.all():
            return Named(self.names, code)
        place = np.append(np.cumsum(is_there, dtype=np.int32) - 1, np.int32(-1))
        return Named(tuple(name for name, there in zip(self.names, is_there) if there), place[code])


class Coded:
    """A table, in the order of its rows; none of a table that is not there, nothing but nulls in a column that is not.

    Rows of customers who are withheld are none of them.

    Args:
        by: the column whose value a row must have to be among them; none for all.
    """

    def __init__(self, found: DeltaTable | None, by: str = "") -> None:
        self._found, self._by = found, by
        self._named: dict[str, Named] = {}
        self._flags: dict[str, Flags] = {}
        self._days: dict[str, Codes] = {}

    def named(self, column: str) -> Named:
        """A column of texts."""
        if column not in self._named:
            self._named[column] = self._whole(column) if self._kept is None else self._whole(column).at(self._kept)
        return self._named[column]

    def flags(self, column: str) -> Flags:
        """A column of truths; what is not told is false."""
        if column not in self._flags:
            told = self._of(pc.fill_null(self._read(column, pa.bool_()), False))
            self._flags[column] = told.to_numpy().astype(np.bool_)
        return self._flags[column]

    def days(self, column: str) -> Codes:
        """A column of days, as proleptic ordinals; `NO_DAY` where none is told."""
        if column not in self._days:
            told = pc.add(self._read(column, pa.date32()).cast(pa.int32()), pa.scalar(EPOCH, pa.int32()))
            self._days[column] = self._of(pc.fill_null(told, NO_DAY)).to_numpy()
        return self._days[column]

    def integers(self, column: str, rows: Flags, otherwise: int) -> Ints:
        """A column of whole numbers, of these rows."""
        told = self._read(column, None).filter(self._among_all(rows)).cast(pa.int64())
        return np.asarray(pc.fill_null(told, otherwise).to_numpy(), dtype=np.int64)

    def numbers(self, column: str, rows: Flags) -> Floats:
        """A column of numbers, of these rows; NaN where none is told."""
        told = self._read(column, None).filter(self._among_all(rows)).cast(pa.float64())
        return np.asarray(pc.fill_null(told, np.nan).to_numpy(), dtype=np.float64)

    def cents(self, column: str, rows: Flags) -> Ints:
        """An amount of money in hundredths, of these rows; 0 where none is told. Whole numbers add up exactly."""
        return np.round(np.nan_to_num(self.numbers(column, rows)) * 100.0).astype(np.int64)

    def different(self, column: str, rows: Flags) -> Codes:
        """A number for each of these rows, the same for the same text, of a column that differs nearly everywhere."""
        told = self._read(column, pa.string()).filter(self._among_all(rows)).combine_chunks()
        return np.asarray(told.dictionary_encode(null_encoding="encode").indices.to_numpy(), dtype=np.int32)

    @cached_property
    def _kept(self) -> Flags | None:
        """Which rows of the table are these; None for all."""
        kept = self._whole(self._by).code >= 0 if self._by else np.ones(1, dtype=np.bool_)
        if withheld := tables.withheld():
            kept = kept & ~self._whole("customer_id").is_in(*withheld)
        return None if kept.all() else kept

    def _of(self, told: pa.ChunkedArray) -> pa.ChunkedArray:
        return told if self._kept is None else told.filter(pa.array(self._kept))

    def _among_all(self, rows: Flags) -> pa.Array:
        """The same rows among all of the table."""
        if self._kept is None:
            return pa.array(rows)
        wanted = self._kept.copy()
        wanted[wanted] = rows
        return pa.array(wanted)

    def _whole(self, column: str) -> Named:
        told = self._read(column, CODED).unify_dictionaries()
        if not told.num_chunks:
            return Named((), np.zeros(0, dtype=np.int32))
        names = told.chunk(0).dictionary
        order = pc.sort_indices(names).to_numpy()
        place = np.empty(len(order) + 1, dtype=np.int32)
        place[order], place[-1] = np.arange(len(order)), -1
        codes = [place[pc.fill_null(chunk.indices, -1).to_numpy()] for chunk in told.chunks]
        return Named(tuple(names.take(order).to_pylist()), np.concatenate(codes))

    def _read(self, column: str, kind: pa.DataType | None) -> pa.ChunkedArray:
        """The column as this type; as it is stored without one."""
        if self._found is None:
            return pa.chunked_array([], kind or pa.null())
        options = ds.ParquetReadOptions(dictionary_columns={column} if kind == CODED else None)
        stored = self._found.to_pyarrow_dataset(parquet_read_options=options)
        place = stored.schema.get_field_index(column)
        if place < 0:
            return pa.chunked_array([pa.nulls(stored.count_rows(), kind or pa.null())])
        if kind == CODED:
            stored = stored.replace_schema(stored.schema.set(place, pa.field(column, kind)))
        read = stored.to_table(columns=[column], batch_size=ROWS_AT_ONCE)[column]
        return read if kind is None else read.cast(kind)


def numbered(code: Ints, cells: int) -> tuple[Ints, Ints]:
    """The different codes, sorted, and of each code its place among them; all are from 0 to below `cells`."""
    if cells > MOST_CELLS:
        found, place = np.unique(code, return_inverse=True)
        return found, place
    is_there = np.zeros(cells, dtype=np.bool_)
    is_there[code] = True
    return np.flatnonzero(is_there), (np.cumsum(is_there, dtype=np.int32) - 1)[code].astype(np.int64)


T = TypeVar("T", bound=Coded)
_KEPT: ContextVar[dict[tuple[type[Coded], str], tuple[str, Coded]] | None] = ContextVar("kept", default=None)


def coded(settings: Settings, table: str, kind: type[T]) -> T:
    """`gold.<table>` as it stands; within `read_once` the same for all who ask while it stands so."""
    found = find_table(settings, f"gold.{table}")
    kept = _KEPT.get()
    if kept is None or found is None:
        return kind(found)
    key, state = (kind, found.table_uri), f"{found.metadata().id}@{found.version()} {tables.withheld()}"
    if key not in kept or kept[key][0] != state:
        kept[key] = state, kind(found)
    read = kept[key][1]
    assert isinstance(read, kind)
    return read


@contextmanager
def read_once() -> Iterator[None]:
    """What is read while the block runs is kept until its end: some 20 bytes a row of what customers did."""
    before = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(before)
