"""The persons' rows out of every layer: one pass over the columns of keys of each table, and one commit."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs

from lakehouse import ops, publication
from lakehouse.engine.statements import literal
from lakehouse.privacy import vault
from lakehouse.privacy.classes import class_of
from lakehouse.privacy.erasure import tables
from lakehouse.privacy.erasure.journal import Ask, Erasing
from lakehouse.privacy.erasure.loads import note_loads, write_loads
from lakehouse.privacy.erasure.persons import key_text
from lakehouse.privacy.person_keys import (
    BETWEEN,
    BLANKS,
    KEY_COLUMNS,
    Keys,
    Mapped,
    Match,
    entities_of_people,
    mappings,
    matches_of,
    stays_without_person,
)
from lakehouse.privacy.traces import words
from lakehouse.settings import Settings
from lakehouse.sources import remembered_sources
from lakehouse.storage import delta_table, filesystem, has_table, list_tables

_FLAGS = {"is_known_customer": "false", "is_sale": "false"}
"""Of rows of silver that stay: what a run over their rows of bronze would make of them."""


def clean_bronze(erasing: Erasing) -> None:
    """What sources brought, and the lines that could not be read."""
    settings, progress = erasing.settings, erasing.progress
    for mapped in mappings(settings):
        if mapped.entity not in entities_of_people():
            continue
        name = f"bronze.{mapped.entity}"
        rows, batches, condition = _rows_in_bronze(settings, mapped, erasing.keys, erasing.ask)
        if not rows:
            continue
        erasing.tell("bronze", mapped.entity)
        emptied = mapped.emptied() if stays_without_person(mapped.entity) else None
        erasing.touch(name)
        if emptied is None:
            note_loads(erasing, batches, "landed", "erased")
            erasing.count(name, "removed", rows, mapped.source)
            tables.delete_rows(settings, name, tables.of_source(mapped.source, condition))
        else:
            erasing.count(name, "detached", rows, mapped.source)
            tables.empty_columns(
                settings, name, tables.of_source(mapped.source, condition), dict.fromkeys(emptied, "NULL")
            )
    _clean_unreadable(erasing)
    write_loads(erasing, "erased")
    progress.elsewhere += [one for one in _files_of_sources(erasing) if one not in progress.elsewhere]


def clean_layers(erasing: Erasing) -> None:
    """Silver, predictions and gold; gold first goes back to what readers see, where a failed run left it further."""
    settings, progress = erasing.settings, erasing.progress
    published = publication.current(settings)
    keyless = {(one.source, one.entity) for one in mappings(settings) if not one.has_key}
    for schema, table in list_tables(settings):
        if schema not in ("silver", "ml", "gold"):
            continue
        name = f"{schema}.{table}"
        delta = delta_table(settings, name)
        seen = published.tables.get(name) if published is not None else None
        if schema == "gold" and seen is not None and name not in progress.states and int(delta.version()) != seen:
            erasing.touch(name)
            delta.restore(seen)
        if name == "silver.quarantine":
            _clean_refused(erasing)
        columns = tables.columns_of(settings, name)
        matches = matches_of(columns, erasing.keys)
        found = tables.find_rows(settings, name, matches) if matches else tables.Found()
        if not found.rows:
            continue
        erasing.tell("layers", name)
        erasing.touch(name)
        if stays_without_person(name):
            erasing.count(name, "detached", found.rows)
            tables.empty_columns(settings, name, found.condition(), _without_person(name, columns, keyless))
        else:
            erasing.count(name, "removed", found.rows)
            tables.delete_rows(settings, name, found.condition())


def hide_leftovers(erasing: Erasing) -> None:
    """Words of rows of others, and of the platform's own tables, that still name a person become `***`."""
    settings = erasing.settings
    if not erasing.traces:
        return
    for schema, table in list_tables(settings):
        name = f"{schema}.{table}"
        if schema not in ("bronze", "silver", "ml", "gold", "ops"):
            continue

        def note(rows: int, name: str = name) -> None:
            erasing.tell("leftovers", name)
            erasing.touch(name)
            erasing.count(name, "hidden", rows)

        tables.hide_traces(settings, name, erasing.traces, note)


def clean_ops(erasing: Erasing) -> None:
    """Restrictions of the persons: there is nothing left to restrict."""
    settings, name = erasing.settings, "ops.restrictions"
    found = tables.find_rows(settings, name, matches_of(["customer_id"], erasing.keys))
    if found.rows:
        erasing.touch(name)
        erasing.count(name, "removed", found.rows)
        tables.delete_rows(settings, name, found.condition())


def clean_vault(erasing: Erasing) -> None:
    """Their ciphertexts, though nobody can read them any more."""
    settings = erasing.settings
    subjects = frozenset(erasing.request.subjects)
    for name in vault_tables(settings):
        found = tables.find_rows(settings, name, [Match("subject", ("subject_id",), subjects)])
        if found.rows:
            erasing.touch(name)
            erasing.count(name, "removed", found.rows)
            tables.delete_rows(settings, name, found.condition())


def vault_tables(settings: Settings) -> list[str]:
    """Every table of the vault."""
    files, root = filesystem(settings)
    entries = files.get_file_info(pafs.FileSelector(f"{root}/vault", allow_not_found=True))
    names = [f"vault.{entry.base_name}" for entry in entries if entry.type == pafs.FileType.Directory]
    return sorted(name for name in names if has_table(settings, name))


def _rows_in_bronze(settings: Settings, mapped: Mapped, keys: Keys, ask: Ask) -> tuple[int, Mapping[str, int], str]:
    """Of a source and entity: the persons' rows, how many of each batch, and a predicate of them."""
    kinds = [kind for kind in mapped.kinds() if keys.of[kind]]
    if all(map(mapped.is_plain, kinds)):
        matches = [mapped.match(kind, keys) for kind in kinds]
        found = tables.find_rows(settings, f"bronze.{mapped.entity}", matches, mapped.source)
        return found.rows, found.batches, found.condition()
    places = places_by_sql(mapped, kinds, keys, ask)
    counts = {batch: len(numbers) for batch, numbers in places.items()}
    return sum(counts.values()), counts, tables.rows_of(places)


def places_by_sql(mapped: Mapped, kinds: Iterable[str], keys: Keys, ask: Ask) -> dict[str, set[int]]:
    """Batch -> row numbers of the rows with a key of a person, as the engine works the keys out."""
    told = []
    for kind in kinds:
        told.append(f"{key_text(mapped, kind)} in ({', '.join(map(literal, sorted(keys.of[kind])))})")
    found: dict[str, set[int]] = {}
    for batch, number in ask(
        f"select _batch_id, _row_number from bronze.{mapped.entity} where _source = {literal(mapped.source)} "
        f"and ({' or '.join(told)})"
    ):
        found.setdefault(batch, set()).add(int(number))
    return found


def _clean_unreadable(erasing: Erasing) -> None:
    """Lines that could not be read: those with a key or identifier of a person as a word go, and are counted."""
    settings, name = erasing.settings, "bronze.quarantine"
    values = {v.lower() for v in (*erasing.keys.values(), *erasing.request.identifiers) if len(v) > 2}
    places: dict[str, list[int]] = {}
    opened = _as_they_came(erasing)
    for batch in delta_table(settings, name).to_pyarrow_dataset().to_batches(use_threads=False):
        for row in batch.select(["batch_id", "row_number", "entity", "raw"]).to_pylist():
            if row["entity"] in entities_of_people() and words(opened(row).lower()) & values:
                places.setdefault(row["batch_id"], []).append(row["row_number"])
    if places:
        erasing.touch(name)
        note_loads(erasing, {batch: len(numbers) for batch, numbers in places.items()}, "quarantined", "erased")
        erasing.count(name, "removed", sum(map(len, places.values())))
        tables.delete_rows(settings, name, tables.rows_of(places, "batch_id", "row_number"))


def _as_they_came(erasing: Erasing) -> Callable[[Mapping[str, Any]], str]:
    """Opens lines of `bronze.quarantine`, sealed or not; nothing of one whose key was destroyed."""
    lines: dict[str, vault.Lines] = {}

    def opened(row: Mapping[str, Any]) -> str:
        raw, batch = row["raw"] or "", row["batch_id"]
        if not vault.Lines.is_sealed(raw):
            return str(raw)
        if batch not in lines:
            lines[batch] = vault.Lines(erasing.keyring, batch)
        return lines[batch].opened(raw) or ""

    return opened


def _files_of_sources(erasing: Erasing) -> list[str]:
    """Files and databases of the sources that brought rows of the persons: not ours to change, but to be told of."""
    settings = erasing.settings
    folders = {source.name: source.folder for source in remembered_sources(settings)}
    found, files = set(), set()
    for row in ops.read(settings, "loads"):
        if row["batch_id"] not in erasing.progress.loads and not stays_without_person(row["entity"]):
            continue
        folder = folders.get(row["source"])
        if "://" in row["file"] or row["file"].startswith("jdbc:"):
            found.add(f"database {row['file']} of source {row['source']}")
        elif folder is not None:
            files.add((Path(os.path.normpath(folder / row["file"])), row["source"]))
    for path, source in sorted(files):
        if path.is_file() and not path.is_relative_to(settings.home) and erasing.traces.are_in_file(path):
            found.add(f"file {path} of source {source}")
    return sorted(found)


def _without_person(table: str, columns: Iterable[str], keyless: set[tuple[str, str]]) -> dict[str, str]:
    """What the columns of a row become that stays: null where they tell of a person, flags as a new run would have."""
    emptied = {}
    for column in columns:
        if column in _FLAGS and table.startswith("silver."):
            emptied[column] = _FLAGS[column]
        elif class_of(table, column).kind not in ("behaviour", "none"):
            emptied[column] = "NULL"
    entity = table.rpartition(".")[2]
    sources = sorted(source for source, of in keyless if of == entity)
    if "_identity" in columns and sources:  # a hash of the record, of sources without keys
        listed = ", ".join("'" + source.replace("'", "''") + "'" for source in sources)
        made = "concat(_batch_id, '-', CAST(_row_number AS STRING))"
        emptied["_identity"] = f"CASE WHEN source IN ({listed}) THEN {made} ELSE _identity END"
    return emptied


def _clean_refused(erasing: Erasing) -> None:
    """Rows that silver refused: gone with their rows of bronze, or without their record where that one stays."""
    settings, name = erasing.settings, "silver.quarantine"
    mapped = {(one.source, one.entity): one for one in mappings(settings)}
    gone: dict[str, list[int]] = {}
    emptied: dict[str, list[int]] = {}
    for batch in delta_table(settings, name).to_pyarrow_dataset().to_batches(use_threads=False):
        for row in batch.to_pylist():
            one = mapped.get((row["source"], row["entity"]))
            if one is not None and row["raw"] and _is_theirs(erasing, one, row):
                stays = stays_without_person(one.entity) and one.emptied() is not None
                (emptied if stays else gone).setdefault(row["batch_id"], []).append(row["row_number"])
    if gone or emptied:
        erasing.touch(name)
    if emptied:
        erasing.count(name, "detached", sum(map(len, emptied.values())))
        tables.empty_columns(settings, name, tables.rows_of(emptied, "batch_id", "row_number"), {"raw": "NULL"})
    if gone:
        erasing.count(name, "removed", sum(map(len, gone.values())))
        tables.delete_rows(settings, name, tables.rows_of(gone, "batch_id", "row_number"))


def _is_theirs(erasing: Erasing, mapped: Mapped, row: Mapping[str, Any]) -> bool:
    try:
        record = json.loads(row["raw"])
    except ValueError:
        record = {}
    for kind in mapped.kinds():
        if mapped.is_plain(kind):
            parts = [str(record.get(mapped.plain(column) or "") or "").strip(BLANKS) for column in KEY_COLUMNS[kind]]
            if BETWEEN.join(parts) in erasing.keys.of[kind]:
                return True
    return erasing.traces.are_in(row["raw"]) or erasing.traces.are_in(row["row_key"] or "")
