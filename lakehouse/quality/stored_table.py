"""A Delta table as its files tell of it: rows, nulls and bounds from Parquet footers, columns streamed by Arrow.

No JVM and no data page is read for the figures: a table of a hundred files costs some ten milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaProtocolError

from lakehouse.settings import Settings
from lakehouse.storage import find_table

BATCH_ROWS = 256 << 10


@dataclass(frozen=True)
class Bounds:
    """The least and the greatest value of a column, nulls left out; both None where it has no other."""

    least: Any
    greatest: Any


class StoredTable:
    """One version of a Delta table, opened once for all rules of its suite."""

    def __init__(self, delta: DeltaTable) -> None:
        self.delta = delta
        self._figures: dict[str, tuple[int | None, Bounds | None]] = {}

    @cached_property
    def columns(self) -> list[str]:
        return [field.name for field in self.delta.schema().fields]

    @cached_property
    def bytes(self) -> int:
        """Size of the current files."""
        return int(pc.sum(self._actions.column("size_bytes")).as_py() or 0)

    @cached_property
    def row_count(self) -> int:
        """Rows by the log, by the footers where the log does not say."""
        counts = self._actions.column("num_records")
        if not counts.null_count:
            return int(pc.sum(counts).as_py() or 0)
        return int(self.delta.to_pyarrow_dataset().count_rows())

    @cached_property
    def dataset(self) -> ds.Dataset | None:
        """The files as Arrow reads them; None for a table whose protocol it does not know (deletion vectors, …)."""
        try:
            return self.delta.to_pyarrow_dataset()
        except DeltaProtocolError:
            return None

    @property
    def schema(self) -> pa.Schema | None:
        """The columns' Arrow types; None where Arrow cannot read the table."""
        return None if self.dataset is None else self.dataset.schema

    def null_count(self, column: str) -> int | None:
        """Rows in which the column is null; None where the footers do not say."""
        return self._figure(column)[0]

    def bounds(self, column: str) -> Bounds | None:
        """The column's bounds; None where the footers do not say."""
        return self._figure(column)[1]

    @property
    def files(self) -> list[str]:
        """The names of the current files; none where Arrow cannot read the table."""
        return list(self._fragments)

    def batches(self, columns: Sequence[str], files: Collection[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows of the table, or of these files of it, these columns only, a bounded number at a time."""
        dataset = self.dataset
        assert dataset is not None
        if files is not None:
            chosen_files = [fragment for name, fragment in self._fragments.items() if name in files]
            dataset = ds.FileSystemDataset(chosen_files, dataset.schema, dataset.format, dataset.filesystem)
        chosen = list(columns)  # without threads: Arrow's, still at work when Python ends, abort it (see ops.py)
        yield from dataset.scanner(columns=chosen, batch_size=BATCH_ROWS, use_threads=False).to_batches()

    def file_bounds(self, column: str, file: str) -> Bounds | None:
        """The column's bounds in one file; None where its footer does not say, or where it holds a null."""
        if self.schema is None or pa.types.is_nested(self.schema.field(column).type):
            return None
        footer, places = self._footers[file]
        nulls, bounds = _figure_of(_chunks(footer, places.get(column)), int(footer.num_rows))
        return bounds if nulls == 0 else None

    def _figure(self, column: str) -> tuple[int | None, Bounds | None]:
        if column not in self._figures:
            self._figures[column] = self._from_footers(column)
        return self._figures[column]

    def _from_footers(self, column: str) -> tuple[int | None, Bounds | None]:
        if self.schema is None or pa.types.is_nested(self.schema.field(column).type):
            return None, None
        if column in self.delta.metadata().partition_columns:  # its value is in the log, not in the files
            empty = pc.is_null(self._actions.column(f"partition.{column}"))
            return pc.sum(pc.if_else(empty, self._actions.column("num_records"), 0)).as_py(), None
        nulls: int | None = 0
        bounds: list[Bounds | None] = []
        for footer, places in self._footers.values():
            found, of_file = _figure_of(_chunks(footer, places.get(column)), int(footer.num_rows))
            nulls = _sum(nulls, found)
            bounds.append(of_file)
        known = [one for one in bounds if one is not None]
        if len(known) < len(bounds):
            return nulls, None
        ends = [end for one in known if one.least is not None for end in (one.least, one.greatest)]
        return nulls, Bounds(min(ends), max(ends)) if ends else Bounds(None, None)

    @cached_property
    def _fragments(self) -> dict[str, Any]:
        return {} if self.dataset is None else {found.path: found for found in self.dataset.get_fragments()}

    @cached_property
    def _footers(self) -> dict[str, tuple[pq.FileMetaData, dict[str, int]]]:
        """The footer of every file with the place of every flat column in it."""
        footers = {name: fragment.metadata for name, fragment in self._fragments.items()}
        return {name: (f, {f.schema.column(n).path: n for n in range(f.num_columns)}) for name, f in footers.items()}

    @cached_property
    def _actions(self) -> pa.Table:
        return pa.table(self.delta.get_add_actions(flatten=True))


def open_table(settings: Settings, table: str) -> StoredTable | None:
    """The table `schema.table` as it is now; None where there is none."""
    found = find_table(settings, table)
    return None if found is None else StoredTable(found)


def _figure_of(chunks: Iterable[Any], row_count: int) -> tuple[int | None, Bounds | None]:
    """The nulls and the bounds of a column in one file, None each where the footer does not say."""
    nulls: int | None = 0
    ends: list[Any] | None = []
    for chunk in chunks:
        if chunk is None:  # the column came later than this file
            nulls = _sum(nulls, row_count)
            continue
        statistics = chunk.statistics
        known = statistics is not None and statistics.has_null_count
        nulls = _sum(nulls, statistics.null_count if known else None)
        if known and statistics.null_count == chunk.num_values:
            continue
        if ends is not None and statistics is not None and statistics.has_min_max:
            ends += [statistics.min, statistics.max]
        else:
            ends = None
    if ends is None or any(isinstance(end, float) and math.isnan(end) for end in ends):
        return nulls, None
    return nulls, Bounds(min(ends), max(ends)) if ends else Bounds(None, None)


def _chunks(footer: pq.FileMetaData, place: int | None) -> Iterator[Any]:
    """A column's chunk of every row group, given its place; one None for a file that does not have the column."""
    if place is None:
        yield None
        return
    for group in range(footer.num_row_groups):
        yield footer.row_group(group).column(place)


def _sum(total: int | None, more: int | None) -> int | None:
    return None if total is None or more is None else total + more
