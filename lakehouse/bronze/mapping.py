"""`ops.sources`: each source's mapping, rewritten to the columns that bronze stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakehouse import ops
from lakehouse.bronze.streams import written_plainly
from lakehouse.expressions import ExpressionError, resolve
from lakehouse.settings import Settings
from lakehouse.sources import Source

_MAPS = ("columns", "attributes", "raw_columns")


def known_columns(settings: Settings, source: str) -> dict[str, dict[str, str]]:
    """Entity -> raw name -> stored column, of what the source has landed so far."""
    return {row["entity"]: row["raw_columns"] for row in _rows(settings) if row["source"] == source}


def unresolved(source: Source, entity: str, stored: Mapping[str, str]) -> str | None:
    """What is wrong with the first column or attribute that does not fit the raw columns; None if all do."""
    definition = source.entities[entity]
    for kind, texts in (("column", definition.columns), ("attribute", definition.attributes)):
        for name, text in texts.items():
            try:
                resolve(text, stored)
            except ExpressionError as error:
                return f"source {source.name}, {entity}: {kind} {name}: `{text}`: {error}"
    return None


def write_definition(settings: Settings, source: Source, raw_columns: Mapping[str, Mapping[str, str]]) -> None:
    """Replace the rows of `ops.sources` of these entities, and of those that the source no longer has.

    Args:
        raw_columns: entity -> raw name -> stored column; a landing that is under way knows only some entities.
    """
    before = _rows(settings)
    kept = source.entities.keys() - raw_columns.keys()
    rows = [row for row in before if row["source"] != source.name or row["entity"] in kept]
    for entity, stored in raw_columns.items():
        definition = source.entities[entity]
        rows.append(
            {
                "source": source.name,
                "entity": entity,
                "timezone": source.timezone,
                "currency": source.currency,
                "key_columns": list(definition.key),
                "columns": {name: resolve(text, stored) for name, text in definition.columns.items()},
                "attributes": {name: resolve(text, stored) for name, text in definition.attributes.items()},
                "raw_columns": dict(stored),
            }
        )
    rows.sort(key=lambda row: (row["source"], row["entity"]))
    if rows != before:
        with written_plainly(settings.home):
            ops.overwrite(settings, "sources", rows)


def _rows(settings: Settings) -> list[dict[str, Any]]:
    rows = ops.read(settings, "sources")
    rows = [{**row, **{name: dict(row[name] or []) for name in _MAPS}} for row in rows]
    return sorted(rows, key=lambda row: (row["source"], row["entity"]))
