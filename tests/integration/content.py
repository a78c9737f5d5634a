"""What a table holds, as one number that does not depend on files, versions or row order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pyarrow as pa

from lakehouse.pipeline import HISTORY
from lakehouse.settings import Settings
from lakehouse.storage import delta_table, has_table, list_tables


def rows(settings: Settings, table: str) -> list[dict[str, Any]]:
    """The rows of `schema.table`."""
    return list(delta_table(settings, table).to_pyarrow_table().to_pylist())


def content_hash(
    settings: Settings, schema: str, table: str, version: int | None = None, without: Collection[str] = ()
) -> str:
    """The SHA-256 of a table's column names and sorted rows, all columns but those `without`."""
    return rows_hash(delta_table(settings, f"{schema}.{table}", version).to_pyarrow_table(), without)


def rows_hash(found: pa.Table, without: Collection[str] = ()) -> str:
    """The same of rows that have been read; of pseudonyms whether there is one, for every home has keys of its own."""
    return sha256("\n".join(_texts(found, without)).encode()).hexdigest()


def rows_apart(one: Settings, other: Settings, table: str, without: Collection[str] = ()) -> list[str]:
    """The rows of a table, as text, that only one of two homes has, each with how often more."""
    texts = [
        Counter(_texts(delta_table(home, table).to_pyarrow_table(), without) if has_table(home, table) else [])
        for home in (one, other)
    ]
    return [
        f"{count} more in the {which}: {text}"
        for which, rows in (("first", texts[0] - texts[1]), ("second", texts[1] - texts[0]))
        for text, count in rows.items()
    ]


def _texts(found: pa.Table, without: Collection[str]) -> list[str]:
    names = sorted(set(found.column_names) - set(without))
    rows = sorted(
        repr([row[name] is not None if name.endswith("_pseudonym") else _plain(row[name]) for name in names])
        for row in found.to_pylist()
    )
    return [repr(names), *rows]


def content_hashes(settings: Settings, schemas: Iterable[str], without: Collection[str] = ()) -> dict[str, str]:
    """The hash of every table of the schemas, but for the platform's own history, which no two runs share."""
    wanted = set(schemas)
    return {
        f"{schema}.{table}": content_hash(settings, schema, table, without=without)
        for schema, table in list_tables(settings)
        if schema in wanted and not f"{schema}.{table}".startswith(HISTORY)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list):  # a map comes as pairs, in the writer's order
        pairs = bool(value) and all(isinstance(item, tuple) for item in value)
        return [_plain(item) for item in (sorted(value) if pairs else value)]
    return value
