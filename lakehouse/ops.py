"""The `ops` tables: what was landed, validated and run. Small, appended without a JVM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import write_deltalake

from lakehouse.settings import Settings
from lakehouse.storage import find_table, has_table, read_calmly

UTC = pa.timestamp("us", tz="UTC")
TEXTS = pa.map_(pa.string(), pa.string())
COUNTS = pa.map_(pa.string(), pa.int64())
SHARES = pa.map_(pa.string(), pa.float64())

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
            ("rows_erased", pa.int64()),  # left out or removed, for their persons were erased
            ("rows_expired", pa.int64()),  # removed, for they were past their retention
            ("watermark", pa.string()),  # column=value up to which a database's table had been read
            ("rows_sealed", pa.int64()),  # of them in the vault
            ("protection", pa.string()),  # the plan by which identifiers were hidden, as JSON
            ("rows_emptied", pa.int64()),  # of those landed, how often one lost a column that was past its retention
        ]
    ),
    "batch_profiles": pa.schema(
        [
            ("source", pa.string()),
            ("entity", pa.string()),
            ("path", pa.string()),
            ("file", pa.string()),
            ("batch_id", pa.string()),
            ("run_id", pa.string()),
            ("column_name", pa.string()),
            ("position", pa.int64()),
            ("known_since", UTC),
            ("row_count", pa.int64()),
            ("landed_count", pa.int64()),
            ("encoding", pa.string()),
            ("undecodable_share", pa.float64()),
            ("null_count", pa.int64()),
            ("distinct_count", pa.int64()),
            ("sampled_count", pa.int64()),
            ("category_counts", COUNTS),
            ("kind_shares", SHARES),
            ("shape_shares", SHARES),
            ("zero_led_share", pa.float64()),
            ("garbled_share", pa.float64()),
            ("day_first_count", pa.int64()),
            ("month_first_count", pa.int64()),
            ("newest_at", UTC),
            ("min_value", pa.string()),
            ("max_value", pa.string()),
            ("mean_value", pa.float64()),
            ("p10_value", pa.float64()),
            ("p50_value", pa.float64()),
            ("p90_value", pa.float64()),
            ("loaded_at", UTC),
        ]
    ),
    "drift": pa.schema(
        [
            ("source", pa.string()),
            ("entity", pa.string()),
            ("file", pa.string()),
            ("batch_id", pa.string()),
            ("run_id", pa.string()),
            ("column_name", pa.string()),
            ("is_mapped", pa.bool_()),
            ("check_name", pa.string()),
            ("value", pa.float64()),
            ("usual", pa.float64()),
            ("deviation", pa.float64()),
            ("finding", pa.string()),
            ("loaded_at", UTC),
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
            ("mapped_columns", TEXTS),  # as the source maps them, before identifiers were hidden
            ("mapped_attributes", TEXTS),
            ("has_personal_key", pa.bool_()),
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
            ("observed", pa.string()),
            ("suite_digest", pa.string()),
            ("table_states", pa.string()),
        ]
    ),
    "exports": pa.schema(
        [
            ("exported_at", UTC),
            ("exported_by", pa.string()),
            ("table_name", pa.string()),
            ("target", pa.string()),  # a database's address with schema and table, or a file
            ("rows", pa.int64()),
            ("purpose", pa.string()),
            ("channel", pa.string()),
            ("subject_id", pa.string()),  # of an export of one person: who, by pseudonym
        ]
    ),
    "restrictions": pa.schema([("customer_id", pa.string()), ("restricted_at", UTC)]),
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

OF_A_BATCH = ("batch_profiles", "drift")
"""Written with a batch's row of `ops.loads`, before it, and taken back with the batch."""

Row = Mapping[str, Any]


def ensure_tables(settings: Settings) -> None:
    """Create the `ops` tables that are missing, empty, and the columns that `ops.loads` of an older home lacks."""
    for table, schema in OPS_SCHEMAS.items():
        if not has_table(settings, f"ops.{table}"):
            write_deltalake(settings.table_uri("ops", table), schema.empty_table(), mode="ignore")
    loads = find_table(settings, "ops.loads")
    assert loads is not None
    if {field.name for field in loads.schema().fields} < set(OPS_SCHEMAS["loads"].names):
        uri = settings.table_uri("ops", "loads")
        write_deltalake(uri, OPS_SCHEMAS["loads"].empty_table(), mode="append", schema_mode="merge")


def append(settings: Settings, table: str, rows: Sequence[Row]) -> None:
    """Append rows to `ops.<table>`; a column that a row lacks is null."""
    if rows:
        uri = settings.table_uri("ops", table)
        write_deltalake(uri, _as_table(table, rows), mode="append", schema_mode="merge")  # a table may grow columns


def overwrite(settings: Settings, table: str, rows: Sequence[Row]) -> None:
    """Make these rows the whole content of `ops.<table>`."""
    write_deltalake(settings.table_uri("ops", table), _as_table(table, rows), mode="overwrite", schema_mode="overwrite")


def read(settings: Settings, table: str) -> list[dict[str, Any]]:
    """All rows of `ops.<table>`; none where the table does not exist yet."""
    found = find_table(settings, f"ops.{table}")
    return [] if found is None else list(read_calmly(found).to_pylist())


def landed_rows(settings: Settings) -> int:
    """Rows of all current batches; 0 before the first."""
    return sum(row["rows_landed"] for row in read(settings, "loads") if row["is_current"])


def read_where(
    settings: Settings, table: str, column: str, values: Sequence[str], **equal: str
) -> list[dict[str, Any]]:
    """The rows of `ops.<table>` whose `column` is one of `values`, and whose other columns are as given."""
    found = find_table(settings, f"ops.{table}") if values else None
    if found is None:
        return []
    condition = pc.field(column).isin(list(values))
    for name, value in equal.items():
        condition &= pc.field(name) == value
    return list(read_calmly(found, condition=condition).to_pylist())


def _as_table(table: str, rows: Sequence[Row]) -> pa.Table:
    schema = OPS_SCHEMAS[table]
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)
