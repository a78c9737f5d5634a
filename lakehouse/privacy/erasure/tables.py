"""Rows of persons out of Delta tables: found in one pass over the columns of keys, deleted in one commit, however many
persons; then everything that only an older version needs is removed, its log with it.

A commit that deletes says in the log by which keys, and log entries of before name the smallest and largest key of each
file. So an erasure ends a table's history: a checkpoint of the version that is left, and nothing before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

from lakehouse.privacy.person_keys import BETWEEN, BLANKS, Match
from lakehouse.privacy.traces import Traces, text_columns
from lakehouse.settings import Settings
from lakehouse.storage import LOG, delta_table, folder_of

MARK = "lakehouse.erasure"
"""A property of a table whose history an erasure has ended: which one did."""
ROWS_AT_ONCE = 1 << 17
_CHANGES = "_change_data"


@dataclass(frozen=True)
class Part:
    """A data file of a table's newest version; `source` is its partition, of bronze."""

    path: str
    source: str | None


@dataclass
class Found:
    """Rows of persons in a table: how many, of which batches, and by which values as they are stored."""

    rows: int = 0
    batches: Counter[str] = field(default_factory=Counter)
    stored: dict[tuple[str, ...], set[tuple[str, ...]]] = field(default_factory=dict)

    def condition(self) -> str:
        """A predicate of delta-rs that holds for these rows."""
        return " OR ".join(_one_of(columns, values) for columns, values in sorted(self.stored.items()) if values)


@dataclass(frozen=True)
class Removed:
    """What of a table's past was removed: files of rows or changes, and versions that can be asked for no more."""

    files: int
    bytes: int
    versions: int


def find_rows(settings: Settings, name: str, matches: Sequence[Match], source: str | None = None) -> Found:
    """The rows of a table that match, in one pass over the columns of their keys.

    Args:
        source: only of this source's files, in bronze.
    """
    found = Found()
    wanted = sorted({column for match in matches for column in match.columns})
    for batch in _batches(settings, name, wanted, ("_batch_id",), source):
        hit = _hit(batch, matches, found)
        if hit is not None:
            found.rows += int(pc.sum(hit).as_py() or 0)
            if "_batch_id" in batch.schema.names:
                told = pc.value_counts(batch.column("_batch_id").cast(pa.string()).filter(hit)).to_pylist()
                found.batches.update({one["values"]: one["counts"] for one in told})
    return found


def columns_of(settings: Settings, name: str) -> list[str]:
    """The columns of a table."""
    return [field.name for field in delta_table(settings, name).schema().fields]


def read_rows(
    settings: Settings, name: str, matches: Sequence[Match], source: str | None = None
) -> list[dict[str, Any]]:
    """The rows of a table that match, whole."""
    found: list[dict[str, Any]] = []
    for batch in delta_table(settings, name).to_pyarrow_dataset().to_batches(use_threads=False):
        if source is not None:
            batch = batch.filter(pc.equal(batch.column("_source").cast(pa.string()), source))
        hit = _hit(batch, matches, Found())
        if hit is not None:
            found += batch.filter(hit).to_pylist(maps_as_pydicts="lossy")
    return found


def read_places(settings: Settings, name: str, places: Mapping[str, Collection[int]]) -> list[dict[str, Any]]:
    """The rows of bronze that came from these places, whole: batch -> row numbers."""
    found: list[dict[str, Any]] = []
    wanted = pa.array(sorted(places), pa.string())
    for batch in delta_table(settings, name).to_pyarrow_dataset().to_batches(use_threads=False):
        rows = batch.filter(pc.is_in(batch.column("_batch_id").cast(pa.string()), wanted)).to_pylist()
        found += [row for row in rows if row["_row_number"] in places[row["_batch_id"]]]
    return found


def values_beside(
    settings: Settings, name: str, matches: Sequence[Match], columns: Sequence[str], source: str | None = None
) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """The values of columns in the rows that match, and in those that do not: who else has the same cookie or phone?"""
    theirs: dict[str, set[str]] = {column: set() for column in columns}
    others: dict[str, set[str]] = {column: set() for column in columns}
    wanted = sorted({column for match in matches for column in match.columns} | set(columns))
    rest: dict[str, list[pa.Array]] = {column: [] for column in columns}
    for batch in _batches(settings, name, wanted, (), source):
        hit = _hit(batch, matches, Found())
        hit = pa.array([False] * batch.num_rows) if hit is None else hit
        owned = _owned(batch, matches)
        for column in columns:
            if column in batch.schema.names:
                texts = _trimmed(batch.column(column))
                theirs[column].update(v for v in pc.unique(texts.filter(hit)).to_pylist() if v)
                rest[column].append(pc.unique(texts.filter(pc.and_(pc.invert(hit), owned))))
    for column in columns:
        told = pa.array(sorted(theirs[column]), pa.string())
        for texts in rest[column]:
            others[column].update(texts.filter(pc.is_in(texts, told)).to_pylist())
    return theirs, others


def delete_rows(settings: Settings, name: str, condition: str) -> None:
    """Delete rows in one commit."""
    delta_table(settings, name).delete(condition)


def empty_columns(settings: Settings, name: str, condition: str, columns: Mapping[str, str]) -> None:
    """Set columns of rows, each to an expression of SQL, in one commit."""
    delta_table(settings, name).update(predicate=condition, updates={_quoted(c): e for c, e in columns.items()})


def hide_traces(settings: Settings, name: str, traces: Traces, note: Callable[[int], None]) -> None:
    """Write a table anew, in one commit, with `***` for every trace that is left in its texts; nothing without one.

    `ROWS_AT_ONCE` rows are in memory at once, however large the table is. Of bronze only the sources with a trace are
    written.

    Args:
        note: told how many rows have any, before the table is written.
    """
    files, folder = folder_of(settings, name)
    # Read by Arrow's file system: delta-rs, whose own is the default, cannot be asked for rows while it takes some in.
    dataset = delta_table(settings, name).to_pyarrow_dataset(filesystem=pafs.SubTreeFileSystem(folder, files))
    texts, told = text_columns(dataset.schema), {}
    for fragment in dataset.get_fragments() if texts else ():
        found = sum(_count(traces.rows_with(batch)) for batch in _scanned(fragment, dataset.schema, texts))
        source = ds.get_partition_keys(fragment.partition_expression).get("_source")
        told[fragment.path] = (source, found)
    sources = {source for source, found in told.values() if found}
    if not sources:
        return
    note(sum(found for _, found in told.values()))
    anew = (
        rows
        for fragment in dataset.get_fragments()
        for source, found in [told[fragment.path]]
        if source in sources
        for batch in _scanned(fragment, dataset.schema)
        for rows in (_without_traces(batch, traces) if found else [batch])
    )
    among = None if None in sources else f"_source IN ({_listed(sorted(filter(None, sources)))})"
    reader = pa.RecordBatchReader.from_batches(dataset.schema, anew)
    write_deltalake(settings.table_uri(*name.split(".")), reader, mode="overwrite", predicate=among)


def _scanned(fragment: ds.Fragment, schema: pa.Schema, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    scan = fragment.scanner(columns=columns, schema=schema, batch_size=ROWS_AT_ONCE, use_threads=False)
    yield from scan.to_batches()


def _count(hit: pa.Array | None) -> int:
    return 0 if hit is None else int(pc.sum(hit).as_py() or 0)


def _without_traces(batch: pa.RecordBatch, traces: Traces) -> list[pa.RecordBatch]:
    """The rows with `***` for the traces in them."""
    hit = traces.rows_with(batch)
    if hit is None:
        return [batch]
    told = [traces.hidden_in_value(row) for row in batch.filter(hit).to_pylist()]
    return [batch.filter(pc.invert(hit)), *pa.Table.from_pylist(told, schema=batch.schema).to_batches()]


def files_with_traces(settings: Settings, name: str, traces: Traces) -> list[str]:
    """Every file in a table's folder in which a trace is: data of all versions, changes, logs and checkpoints."""
    files, folder = folder_of(settings, name)
    found = []
    for entry in files.get_file_info(pafs.FileSelector(folder, recursive=True)):
        if entry.type != pafs.FileType.File or entry.base_name.endswith(".crc"):
            continue
        with files.open_input_file(entry.path) as stream:
            if traces.are_in_stream(entry.base_name, stream):
                found.append(entry.path[len(folder) + 1 :])
    return found


def files_with_keys(
    settings: Settings, name: str, columns: Collection[str], keys: Traces, names: Collection[str]
) -> list[str]:
    """Data files of a table, of all versions, in which one of these columns has one of these keys, or of the names that
    stand for keys."""
    files, folder = folder_of(settings, name)
    found = []
    for path in _data_files(files, folder) if columns and keys else []:
        if not path.endswith(".parquet"):  # what Spark keeps beside: sums of its files, vectors of deleted rows
            continue
        with files.open_input_file(f"{folder}/{path}") as stream, pq.ParquetFile(stream) as parquet:
            there = [column for column in parquet.schema_arrow.names if column in columns]
            batches = parquet.iter_batches(ROWS_AT_ONCE, columns=there) if there else ()
            values = (
                v for batch in batches for column in batch.columns for v in pc.unique(_trimmed(column)).to_pylist()
            )
            if any(value and (value in names or keys.is_one(value)) for value in values):
                found.append(path)
    return found


def end_history(settings: Settings, name: str, erasure: str) -> int:
    """Commit that this erasure has ended the table's history, unless its last commit says so; returns the version."""
    table = delta_table(settings, name)
    if table.metadata().configuration.get(MARK) != erasure or table.history(1)[0]["operation"] != "SET TBLPROPERTIES":
        table.alter.set_table_properties({MARK: erasure}, raise_if_not_exists=False)
        table = delta_table(settings, name)
    return int(table.version())


def forget_past(settings: Settings, name: str, note: Callable[[Removed], None]) -> None:
    """Remove every file that the newest version does not need, and every entry of the log before a checkpoint of it.

    Args:
        note: told what will be removed, before it is.
    """
    table = delta_table(settings, name)
    version = int(table.version())
    table.create_checkpoint()
    files, folder = folder_of(settings, name)
    current = {part.path for part in _parts(table)}
    gone = [path for path in _data_files(files, folder) if path not in current]
    size = sum(entry.size for entry in files.get_file_info([f"{folder}/{path}" for path in gone]))
    entries = []
    for entry in files.get_file_info(pafs.FileSelector(f"{folder}/{LOG}")):
        number = entry.base_name.lstrip(".").split(".")[0]
        if entry.type == pafs.FileType.File and number.isdecimal() and int(number) < version:
            entries.append(entry.path)
    note(Removed(len(gone), size, sum(path.endswith(".json") for path in entries)))
    for path in [*(f"{folder}/{path}" for path in gone), *entries]:
        files.delete_file(path)


def _parts(table: DeltaTable) -> list[Part]:
    actions = pa.table(table.get_add_actions(flatten=True))
    sources = actions.column("partition._source").to_pylist() if "partition._source" in actions.column_names else None
    paths = actions.column("path").to_pylist()
    return [Part(unquote(path), sources[place] if sources else None) for place, path in enumerate(paths)]


def _data_files(files: pafs.FileSystem, folder: str) -> list[str]:
    """The files of rows and of changes in a table's folder, whatever version needs them, by their paths in it."""
    entries = files.get_file_info(pafs.FileSelector(folder, recursive=True, allow_not_found=True))
    inside = [entry.path[len(folder) + 1 :] for entry in entries if entry.type == pafs.FileType.File]
    return sorted(path for path in inside if not path.startswith(f"{LOG}/"))


def _batches(
    settings: Settings, name: str, columns: Iterable[str], also: Iterable[str], source: str | None
) -> Iterator[pa.RecordBatch]:
    files, folder = folder_of(settings, name)
    for part in _parts(delta_table(settings, name)):
        if source is not None and part.source != source:
            continue
        with files.open_input_file(f"{folder}/{part.path}") as stream, pq.ParquetFile(stream) as parquet:
            there = set(parquet.schema_arrow.names)
            wanted = [column for column in columns if column in there]
            if wanted:
                yield from parquet.iter_batches(ROWS_AT_ONCE, columns=[*wanted, *(c for c in also if c in there)])


def _hit(batch: pa.RecordBatch, matches: Sequence[Match], found: Found) -> pa.Array | None:
    there = set(batch.schema.names)
    masks = [_told_by(batch, match, found) for match in matches if set(match.columns) <= there]
    hit = [mask for mask in masks if mask is not None]
    return reduce(pc.or_, hit) if hit else None


def _told_by(batch: pa.RecordBatch, match: Match, found: Found) -> pa.Array | None:
    """Which rows match; the values by which they do are noted as they are stored."""
    stored = [batch.column(column).cast(pa.string()) for column in match.columns]
    trimmed = [_trimmed(column) for column in stored]
    key = trimmed[0] if len(trimmed) == 1 else pc.binary_join_element_wise(*trimmed, BETWEEN)
    mask = pc.fill_null(pc.is_in(key, pa.array(sorted(match.keys), pa.string())), False)
    if not pc.any(mask).as_py():
        return None
    hit = pa.table([column.filter(mask) for column in stored], names=[str(place) for place in range(len(stored))])
    values = {tuple(row.values()) for row in hit.group_by(hit.column_names).aggregate([]).to_pylist()}
    found.stored.setdefault(match.columns, set()).update(values)
    return mask


def _owned(batch: pa.RecordBatch, matches: Sequence[Match]) -> pa.Array:
    """Which rows say whose they are at all."""
    owned = pa.array([False] * batch.num_rows)
    for match in matches:
        for column in match.columns:
            if column in batch.schema.names:
                owned = pc.or_(owned, pc.not_equal(pc.fill_null(_trimmed(batch.column(column)), ""), ""))
    return owned


def _trimmed(column: pa.Array) -> pa.Array:
    return pc.utf8_trim(column.cast(pa.string()), characters=BLANKS)


def _one_of(columns: tuple[str, ...], values: Collection[tuple[str, ...]]) -> str:
    """SQL of rows whose columns have one of these values; of several, the last by each value of those before."""
    if len(columns) == 1:
        return f"{_quoted(columns[0])} IN ({_listed(value for (value,) in sorted(values))})"
    by_first: dict[tuple[str, ...], list[str]] = {}
    for value in sorted(values):
        by_first.setdefault(value[:-1], []).append(value[-1])
    return " OR ".join(
        "("
        + " AND ".join(f"{_quoted(column)} = {_text(part)}" for column, part in zip(columns, first))
        + f" AND {_quoted(columns[-1])} IN ({_listed(last)}))"
        for first, last in sorted(by_first.items())
    )


def rows_of(places: Mapping[str, Collection[int]], batch: str = "_batch_id", row: str = "_row_number") -> str:
    """SQL of the rows that came from these places: batch -> row numbers."""
    return " OR ".join(
        f"({_quoted(batch)} = {_text(name)} AND {_quoted(row)} IN ({', '.join(map(str, sorted(numbers)))}))"
        for name, numbers in sorted(places.items())
    )


def of_source(source: str, condition: str) -> str:
    """The condition, of one source's rows of bronze."""
    return f"_source = {_text(source)} AND ({condition})"


def _listed(values: Iterable[str]) -> str:
    return ", ".join(map(_text, values))


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
