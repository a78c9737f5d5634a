"""Rows as they stream from Sail, committed to Delta tables by delta-rs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, write_deltalake

from lakehouse.builds import CHANGE_DATA
from lakehouse.engine.statements import Merge

ROWS_OF_A_GROUP = 262_144
BYTES_OF_A_PART = 16 << 20
"""About 250,000 events, and a month of a million order lines."""


def make(uri: str, rows: pa.RecordBatchReader, properties: dict[str, str], token: str, in_parts: bool = False) -> None:
    """The rows become the whole content of the table at `uri`, whatever its columns were.

    Args:
        in_parts: they come in an order by which files will be skipped: smaller files.
    """
    write_deltalake(
        uri,
        rows,
        mode="overwrite",
        schema_mode="overwrite",
        configuration={CHANGE_DATA: "true", **properties},
        target_file_size=BYTES_OF_A_PART if in_parts else None,
        commit_properties=_marked(token),
    )


def add(uri: str, rows: pa.RecordBatchReader, token: str) -> None:
    """The rows are added to the table."""
    write_deltalake(uri, rows, mode="append", commit_properties=_marked(token))


def replace(uri: str, rows: pa.RecordBatchReader, condition: str, token: str) -> None:
    """The rows take the place of those for which the condition holds."""
    write_deltalake(uri, rows, mode="overwrite", predicate=condition, commit_properties=_marked(token))


def merge(uri: str, rows: pa.RecordBatchReader, statement: Merge, token: str) -> None:
    """What the statement says of each row is done in one commit."""
    merger = DeltaTable(uri).merge(
        rows,
        predicate=_plain(statement.condition),
        source_alias="changed",
        target_alias="stored",
        commit_properties=_marked(token),
    )
    for clause in statement.clauses:
        condition = _plain(clause.condition) or None
        values = {column: _plain(value) for column, value in clause.values.items()}
        if not clause.is_matched:
            merger = merger.when_not_matched_insert(values, condition)
        elif values:
            merger = merger.when_matched_update(values, condition)
        else:
            merger = merger.when_matched_delete(condition)
    merger.execute()


def put_in_file(folder: Path, rows: pa.RecordBatchReader) -> None:
    """The rows become the one Parquet file of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(folder / "rows.parquet", rows.schema, compression="zstd") as writer:
        for batch in in_groups(rows):
            writer.write_table(batch)


def in_groups(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.Table]:
    """Batches together, so that a file has few groups."""
    kept: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        kept.append(batch)
        rows += batch.num_rows
        if rows >= ROWS_OF_A_GROUP:
            yield pa.Table.from_batches(kept)
            kept, rows = [], 0
    if kept:
        yield pa.Table.from_batches(kept)


def changes(uri: str, since: int) -> pa.RecordBatchReader:
    """The rows of a table that came and went from version `since` on, with `_change_type`."""
    return pa.RecordBatchReader.from_stream(DeltaTable(uri).load_cdf(starting_version=since))


def stored_schema(uri: str) -> pa.Schema:
    """The Arrow schema of a table, as Python knows it."""
    return pa.schema(DeltaTable(uri).schema().to_arrow())


def nullable(field: pa.Field) -> pa.Field:
    """The field as Spark writes it: nothing in it is required, text and lists are not large ones."""
    return pa.field(field.name, _nullable_type(field.type))


def _nullable_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(kind):
        return pa.struct([nullable(field) for field in kind])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(nullable(kind.value_field))
    if pa.types.is_map(kind):
        return pa.map_(_nullable_type(kind.key_type), nullable(kind.item_field))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    return kind


def _marked(token: str) -> CommitProperties | None:
    return CommitProperties(custom_metadata={"userMetadata": token}) if token else None


def _plain(expression: str) -> str:
    return re.sub(r"\s+", " ", expression.replace("`", "")).strip()
