"""`ops.sources`: each source's mapping, rewritten to the columns that bronze stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakehouse import ops
from lakehouse.bronze.protection import Protection, personal_key_unsaid, plan_protection
from lakehouse.bronze.streams import written_plainly
from lakehouse.errors import InputError
from lakehouse.expressions import ExpressionError, resolve
from lakehouse.settings import Settings
from lakehouse.sources import Source

_MAPS = ("columns", "attributes", "raw_columns", "mapped_columns", "mapped_attributes")


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


def plan(settings: Settings, source: Source, entity: str, stored: Mapping[str, str]) -> Protection:
    """What of the entity's rows bronze does not keep in the clear.

    Args:
        stored: raw name -> stored column.

    Raises:
        InputError: a key of persons is made of an identifier, and the source does not say so.
    """
    columns, attributes = _resolved(source, entity, stored)
    unsaid = None if source.personal_key else personal_key_unsaid(entity, columns)
    if unsaid is not None:
        raise InputError(
            f"source {source.name}, {entity}: `{unsaid[0]}` is made of what `{unsaid[1]}` is made of, and a key stands "
            "in every table: write `personal_key: true` in the source file, and pseudonyms stand in its place"
        )
    given = (list(stored.values()), bool(source.personal_key), settings.gender_from_names)
    return plan_protection(entity, columns, attributes, *given, looks=source.personal_key is None)


def plan_of_row(settings: Settings, row: Mapping[str, Any]) -> Protection:
    """The same, of a row of `ops.sources`; one of before bronze was protected has the mapping itself as its columns."""
    columns, attributes = (dict(row.get(f"mapped_{name}") or row[name] or []) for name in ("columns", "attributes"))
    given = (
        list(dict(row["raw_columns"] or []).values()),
        bool(row.get("has_personal_key")),
        settings.gender_from_names,
    )
    return plan_protection(row["entity"], columns, attributes, *given)


def _resolved(source: Source, entity: str, stored: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    definition = source.entities[entity]
    columns, attributes = (
        {name: resolve(text, stored) for name, text in texts.items()}
        for texts in (definition.columns, definition.attributes)
    )
    return columns, attributes


def write_definition(settings: Settings, source: Source, raw_columns: Mapping[str, Mapping[str, str]]) -> None:
    """Replace the rows of `ops.sources` of these entities, and of those that the source no longer has.

    Args:
        raw_columns: entity -> raw name -> stored column; a landing that is under way knows only some entities.
    """
    before = _rows(settings)
    kept = source.entities.keys() - raw_columns.keys()
    rows = [row for row in before if row["source"] != source.name or row["entity"] in kept]
    for entity, stored in raw_columns.items():
        columns, attributes = _resolved(source, entity, stored)
        shown = plan(settings, source, entity, stored)
        rows.append(
            {
                "source": source.name,
                "entity": entity,
                "timezone": source.timezone,
                "currency": source.currency,
                "key_columns": list(source.entities[entity].key),
                "columns": dict(shown.columns),
                "attributes": dict(shown.attributes),
                "raw_columns": dict(stored),
                "mapped_columns": columns,
                "mapped_attributes": attributes,
                "has_personal_key": bool(source.personal_key),
            }
        )
    rows.sort(key=lambda row: (row["source"], row["entity"]))
    if rows != before:
        with written_plainly(settings.home):
            ops.overwrite(settings, "sources", rows)


def _rows(settings: Settings) -> list[dict[str, Any]]:
    rows = ops.read(settings, "sources")
    rows = [{**row, **{name: dict(row.get(name) or []) for name in _MAPS}} for row in rows]
    return sorted(rows, key=lambda row: (row["source"], row["entity"]))
