"""The `ops` tables: what was landed, validated and run. Small, appended without a JVM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from lakehouse.settings import Settings

UTC = pa.timestamp("us", tz="UTC")
TEXTS = pa.map_(pa.string(), pa.string())

OPS_SCHEMAS: dict[str, pa.Schema] = {
    "loads": pa.schema(
        [
            ("source", pa.string()),
            ("entity", pa.string()),
            ("file", pa.string()),
            ("batch_id", pa.string()),
            ("content_sha256", pa.string()),
            ("rows_read", pa.int64()),
            ("rows_landed", pa.int64()),
            ("rows_quarantined", pa.int64()),
            ("bytes_read", pa.int64()),
            ("loaded_at", UTC),
            ("run_id", pa.string()),
            ("is_current", pa.bool_()),
            ("watermark", pa.string()),  # column=value up to which a database's table had been read
        ]
    ),
    "sources": pa.schema(
        [
            ("source", pa.string()),
            ("entity", pa.string()),
            ("timezone", pa.string()),
            ("currency", pa.string()),
            ("key_columns", pa.list_(pa.string())),
            ("columns", TEXTS),
            ("attributes", TEXTS),
            ("raw_columns", TEXTS),
        ]
    ),
    "as_of": pa.schema([("as_of_on", pa.date32())]),
    "validations": pa.schema(
        [
            ("run_id", pa.string()),
            ("layer", pa.string()),
            ("table_name", pa.string()),
            ("rule", pa.string()),
            ("column_name", pa.string()),
            ("severity", pa.string()),
            ("owner_sentence", pa.string()),
            ("passed", pa.bool_()),
            ("element_count", pa.int64()),
            ("unexpected_count", pa.int64()),
            ("sample_keys", pa.string()),
            ("validated_at", UTC),
        ]
    ),
    "runs": pa.schema(
        [
            ("run_id", pa.string()),
            ("step", pa.string()),
            ("state", pa.string()),
            ("started_at", UTC),
            ("ended_at", UTC),
            ("rows", pa.int64()),
            ("as_of_on", pa.date32()),
            ("versions", pa.string()),
            ("message", pa.string()),
        ]
    ),
}

Row = Mapping[str, Any]


def ensure_tables(settings: Settings) -> None:
    """Create the `ops` tables that are missing, empty."""
    for table, schema in OPS_SCHEMAS.items():
        path = settings.table_path("ops", table)
        if not (path / "_delta_log").exists():
            write_deltalake(path, schema.empty_table(), mode="ignore")


def append(settings: Settings, table: str, rows: Sequence[Row]) -> None:
    """Append rows to `ops.<table>`; a column that a row lacks is null."""
    if rows:
        path = settings.table_path("ops", table)
        write_deltalake(path, _as_table(table, rows), mode="append", schema_mode="merge")  # a table may grow columns


def overwrite(settings: Settings, table: str, rows: Sequence[Row]) -> None:
    """Make these rows the whole content of `ops.<table>`."""
    write_deltalake(settings.table_path("ops", table), _as_table(table, rows), mode="overwrite")


def read(settings: Settings, table: str) -> list[dict[str, Any]]:
    """All rows of `ops.<table>`; none where the table does not exist yet."""
    path = settings.table_path("ops", table)
    if not (path / "_delta_log").exists():
        return []
    return list(DeltaTable(path).to_pyarrow_table().to_pylist())


def _as_table(table: str, rows: Sequence[Row]) -> pa.Table:
    schema = OPS_SCHEMAS[table]
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)
