"""What known customers did or met: the rows of gold.feat_activity as small numbers, read once for all who ask.

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

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable

from lakehouse.settings import Settings
from lakehouse.storage import find_table

NO_DAY = 0
"""Of a row that has none; before any other."""
EPOCH = date(1970, 1, 1).toordinal()
CODED = pa.dictionary(pa.int32(), pa.string())

Texts = npt.NDArray[np.object_]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]

_KEPT: ContextVar[dict[str, Happenings] | None] = ContextVar("kept", default=None)


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
        known = np.array([name in wanted for name in self.names] + [False])
        return np.asarray(known[self.code])


class Happenings:
    """The rows whose customer is known, in the order of the table."""

    def __init__(self, found: DeltaTable | None) -> None:
        self._found = found
        self._named: dict[str, Named] = {}
        self._flags: dict[str, Flags] = {}

    @cached_property
    def customers(self) -> Texts:
        """Sorted ids of everybody with a row."""
        return np.array(self._customers.names, dtype=object)

    @cached_property
    def customer(self) -> Codes:
        """Of each row, the position of its customer among `customers`."""
        code = self._customers.code
        return code if self._is_known is None else code[self._is_known]

    @cached_property
    def day(self) -> Codes:
        """Of each row, the proleptic ordinal of the day on which it happened, `NO_DAY` where none is told."""
        told = pc.add(self._read("occurred_on", pa.date32()).cast(pa.int32()), pa.scalar(EPOCH, pa.int32()))
        return self._of_known(pc.fill_null(told, NO_DAY).to_numpy())

    @cached_property
    def first_day(self) -> Codes:
        """Of each of `customers`, the first day on which anything is told of them; `NO_DAY` if anything has none."""
        first = np.full(len(self.customers), np.iinfo(np.int32).max, dtype=np.int32)
        np.minimum.at(first, self.customer, self.day)
        return first

    def named(self, column: str) -> Named:
        """A column of texts."""
        if column not in self._named:
            read = self._coded(column)
            self._named[column] = Named(read.names, self._of_known(read.code))
        return self._named[column]

    def flags(self, column: str) -> Flags:
        """A column of truths; what is not told is false."""
        if column not in self._flags:
            told = self._read(column, pa.bool_()).fill_null(False)
            self._flags[column] = self._of_known(told.to_numpy().astype(np.bool_))
        return self._flags[column]

    def numbers(self, column: str, rows: Flags, otherwise: int) -> Ints:
        """A column of whole numbers, of these rows."""
        told = self._read(column, pa.int64()).fill_null(otherwise).to_numpy()
        return np.asarray(self._of_known(told)[rows], dtype=np.int64)

    def cents(self, column: str, rows: Flags) -> Ints:
        """An amount of money in hundredths, of these rows; 0 where none is told. Whole numbers add up exactly."""
        told = self._read(column, pa.float64()).fill_null(0.0).to_numpy()
        return np.asarray(np.round(self._of_known(told)[rows] * 100.0), dtype=np.int64)

    def different(self, column: str, rows: Flags) -> Codes:
        """Of these rows, which of them have the same text of a column that differs nearly everywhere."""
        wanted = self._everywhere(rows)
        told = self._read(column, pa.string()).filter(pa.array(wanted)).combine_chunks()
        return np.asarray(told.dictionary_encode(null_encoding="encode").indices.to_numpy(), dtype=np.int32)

    @cached_property
    def _customers(self) -> Named:
        return self._coded("customer_id")

    @cached_property
    def _is_known(self) -> Flags | None:
        """Which rows of the table are these; None for all."""
        known = self._customers.code >= 0
        return None if known.all() else known

    def _of_known(self, values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:  # type: ignore[type-var]
        return values if self._is_known is None else values[self._is_known]

    def _everywhere(self, rows: Flags) -> Flags:
        """The same rows among all of the table."""
        if self._is_known is None:
            return rows
        wanted = self._is_known.copy()
        wanted[wanted] = rows
        return wanted

    def _coded(self, column: str) -> Named:
        read = self._read(column, CODED)
        told = read.unify_dictionaries().combine_chunks()
        if isinstance(told, pa.ChunkedArray):  # what pyarrow makes of no chunk at all
            told = pa.array([], CODED)
        names = told.dictionary
        order = pc.sort_indices(names).to_numpy()
        place = np.empty(len(order) + 1, dtype=np.int32)
        place[order], place[-1] = np.arange(len(order)), -1
        return Named(tuple(names.take(order).to_pylist()), place[told.indices.fill_null(-1).to_numpy()])

    def _read(self, column: str, kind: pa.DataType) -> pa.ChunkedArray:
        if self._found is None:
            return pa.chunked_array([], kind)
        options = ds.ParquetReadOptions(dictionary_columns={column} if kind == CODED else None)
        stored = self._found.to_pyarrow_dataset(parquet_read_options=options)
        place = stored.schema.get_field_index(column)
        if place < 0:
            return pa.chunked_array([pa.nulls(self._found.count(), kind)])
        if kind == CODED:
            stored = stored.replace_schema(stored.schema.set(place, pa.field(column, kind)))
        return stored.to_table(columns=[column])[column].cast(kind)


def read_happenings(settings: Settings) -> Happenings:
    """Those of the table as it stands; within `read_once` the same as for others who asked while it stood so."""
    found = find_table(settings, "gold.feat_activity")
    kept = _KEPT.get()
    if kept is None or found is None:
        return Happenings(found)
    state = f"{found.table_uri} {found.metadata().id}@{found.version()}"
    if state not in kept:
        kept.clear()
        kept[state] = Happenings(found)
    return kept[state]


@contextmanager
def read_once() -> Iterator[None]:
    """What is read while the block runs is kept until its end: 20 bytes a row or so."""
    before = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(before)
