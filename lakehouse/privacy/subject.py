"""The rights of one person: to be told all that is held, to have it put right, and to have it kept but not used."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from lakehouse import ops
from lakehouse.bronze.landing import land_row
from lakehouse.entities import ENTITIES
from lakehouse.errors import InputError
from lakehouse.privacy import audit, corrections
from lakehouse.privacy.classes import class_of, is_about_people, retentions
from lakehouse.privacy.erasure import tables
from lakehouse.privacy.erasure.journal import Ask
from lakehouse.privacy.erasure.persons import keys_of
from lakehouse.privacy.erasure.rows import places_by_sql
from lakehouse.privacy.exports_made import remember
from lakehouse.privacy.keyring import Keyring, open_keyring
from lakehouse.privacy.person_keys import (
    BLANKS,
    OF_ENTITY,
    Keys,
    Mapped,
    entities_of_people,
    mappings,
    matches_of,
)
from lakehouse.privacy.reveal import asking_user, may_act
from lakehouse.privacy.subject_page import subject_page
from lakehouse.privacy.vault_reading import opened
from lakehouse.settings import CHECKOUT, Settings
from lakehouse.sources import remembered_sources
from lakehouse.storage import has_table, list_tables

LINEAGE = ("_identity", "_loaded_at", "source_row_count", "is_duplicate")
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Exported:
    """Where the export of a person is: the JSON file, and the page."""

    json: Path
    page: Path
    rows: int


def export(settings: Settings, customer: str, out: Path, reason: str, clock: Clock, ask: Ask) -> Exported:
    """Write all that is held of a customer to a folder, as JSON and as a page for them; both are for their eyes only.

    Raises:
        NotAllowed: this user may not.
        InputError: nothing is held of the customer.
    """
    user, at = asking_user(), clock()
    with open_keyring(settings) as keyring:
        may_act(settings, keyring, at, user, "subject export")
        keys, subjects, asked, _ = keys_of(settings, keyring, [customer], "customers", ask)
        subject_id = subjects["customer", asked[0]]
        audit.record(settings, keyring, at, user, "subject export", subject_id=subject_id, reason=reason)
        told = gathered(settings, keyring, keys, set(subjects.values()), at, ask)
    told = {"customer": asked[0], "pseudonym": subject_id, **told}
    out.mkdir(parents=True, exist_ok=True)
    path = (out / f"subject-{subject_id[:12]}.json").resolve()
    _write_private(path, json.dumps(told, indent=1, ensure_ascii=False, default=_plain))
    _write_private(path.with_suffix(".html"), subject_page(told))
    rows = sum(len(place["rows"]) for place in told["places"])
    for file in (path, path.with_suffix(".html")):
        remember(settings, "all that is held of a person", str(file), rows, subject_id=subject_id)
    return Exported(path, path.with_suffix(".html"), rows)


def gathered(
    settings: Settings, keyring: Keyring, keys: Keys, subjects: set[str], at: datetime, ask: Ask
) -> dict[str, Any]:
    """All that is held of a person: identifiers by source, rows by table, who saw them, where it went, what for."""
    identifiers: dict[tuple[str, str], dict[str, str]] = {}
    by_age = sorted(opened(settings, keyring, "subject_id", subjects), key=lambda one: (one.loaded_at, one.row_number))
    for held in by_age:  # of a column that several rows have, the newest
        identifiers.setdefault((held.source, held.entity), {}).update(held.values)
    places = [place for place in _places(settings, keys, ask) if place["rows"]]
    entities = {place["table"].partition(".")[2] for place in places} & ENTITIES.keys()
    return {
        "made_at": at.isoformat(timespec="seconds"),
        "is_restricted": any(row["customer_id"] in keys.of["customer"] for row in ops.read(settings, "restrictions")),
        "identifiers": [
            {"source": source, "entity": entity, "values": values}
            for (source, entity), values in sorted(identifiers.items())
        ],
        "places": places,
        "purposes": [_why(entity) for entity in sorted(entities)],
        "seen_by": [
            {name: line.get(name, "") for name in ("at", "user", "action", "reason")}
            for line in audit.read(settings)
            if line.get("subject_id") in subjects
        ],
        "given_to": [
            {name: row[name] for name in ("exported_at", "table_name", "target", "purpose", "channel")}
            for row in ops.read(settings, "exports")
            if (row["subject_id"] in subjects if row["subject_id"] else is_about_people(row["table_name"]))
        ],
        "sources": sorted({one.source for one in mappings(settings) if one.entity in entities}),
    }


def rectify(
    settings: Settings,
    person: str,
    values: Mapping[str, str],
    reason: str,
    clock: Clock,
    ask: Ask,
    entity: str = "customers",
) -> list[str]:
    """Put columns of a person's profile right, in every source that brings them; returns the sources' names.

    The person's newest row, with these values, is landed as a newer one; the next run builds from it. Should the
    source send the wrong value again it is put right again; another value is the source's own correction. The caller
    holds the lock.

    Args:
        person: a customer's id or pseudonym; of another `entity` its key's parts, with | between.

    Raises:
        NotAllowed: this user may not.
        InputError: no reason, no such column, or one that an expression makes; nothing is held of the person.
    """
    if entity not in OF_ENTITY:
        raise InputError(f"--entity {entity!r} is none of {', '.join(OF_ENTITY)}")
    if not reason.strip():
        raise InputError("say why, in words that another person can check: --reason 'ticket 4711: moved to Lyon'")
    known = [name for name in ENTITIES[entity].columns if name not in ENTITIES[entity].key]
    for column in values:
        if column not in known:
            raise InputError(f"{entity} have no column {column!r} that can be put right: {', '.join(known)}")
    user, at = asking_user(), clock()
    with open_keyring(settings) as keyring:
        may_act(settings, keyring, at, user, "rectify")
        _, subjects, asked, _ = keys_of(settings, keyring, [person], entity, ask)
        subject_id = subjects[OF_ENTITY[entity], asked[0]]
        rows = [_newest(settings, keyring, one, entity, asked[0], subject_id) for one in mappings(settings)]
        found = [(one, row) for one, row in zip(mappings(settings), rows) if row is not None]
        if not found:
            raise InputError(f"no source brings a profile of {person!r} among {entity}")
        for one, _ in found:
            made = [name for name in values if one.brought(name) is None]
            if made:
                raise InputError(
                    f"source {one.source} has no column of its own for {made[0]}, or makes it by an expression: have "
                    "it put right where it comes from"
                )
        about = {"subject_id": subject_id, "columns": ", ".join(values), "reason": reason.strip()}
        audit.record(settings, keyring, at, user, "rectify", **about)
        sources = {source.name: source for source in remembered_sources(settings)}
        for one, row in found:
            raw_of = {stored: raw for raw, stored in one.raw.items()}
            changes = {name: (_told_as(row.get(one.brought(name) or "")), value) for name, value in values.items()}
            corrections.keep(settings, keyring, subject_id, one.source, at.isoformat(), changes)
            row |= {one.brought(name) or "": value for name, value in values.items()}
            given = {raw_of[name]: value for name, value in row.items() if name in raw_of}
            land_row(settings, sources[one.source], entity, given, f"{at:%Y%m%dT%H%M%S.%fZ}", at)
    return [one.source for one, _ in found]


def _newest(
    settings: Settings, keyring: Keyring, mapped: Mapped, entity: str, key: str, subject_id: str
) -> dict[str, str | None] | None:
    """The newest row of a person that a source brought, by stored columns as they came; None without one."""
    kind = OF_ENTITY[entity]
    if mapped.entity != entity or not mapped.is_plain(kind):
        return None
    keys = Keys()
    keys.of[kind] = {key, subject_id}  # tables have the pseudonym where the source's key is an identifier
    current = {row["batch_id"] for row in ops.read(settings, "loads") if row["is_current"]}
    rows = tables.read_rows(settings, f"bronze.{entity}", [mapped.match(kind, keys)], mapped.source)
    rows = [row for row in rows if row["_batch_id"] in current]
    if not rows:
        return None
    newest = max(rows, key=lambda row: (row["_loaded_at"], row["_row_number"]))
    told = {name: value for name, value in newest.items() if name in mapped.stored}
    for held in opened(settings, keyring, "subject_id", {subject_id}):  # bronze may show masks
        if (held.source, held.batch_id, held.row_number) == (mapped.source, newest["_batch_id"], newest["_row_number"]):
            told |= {name: value for name, value in held.as_it_came.items() if name in mapped.stored}
            told |= {mapped.brought(name) or "": value for name, value in held.values.items() if mapped.brought(name)}
    return told


def _told_as(value: str | None) -> str | None:
    return (value or "").strip(BLANKS) or None


def restrict(settings: Settings, customer: str, lift: bool, reason: str, clock: Clock, ask: Ask) -> bool:
    """Keep what is held of a customer and use it for nothing, or (`lift`) use it again; whether that changed anything.

    Exports leave them out at once; activation, predictions and training with the next run. The caller holds the lock.

    Raises:
        NotAllowed: this user may not.
        InputError: no reason, or nothing is held of the customer.
    """
    if not reason.strip():
        raise InputError("say why, in words that another person can check: --reason 'accuracy disputed, ticket 4711'")
    user, at = asking_user(), clock()
    action = "lift restriction" if lift else "restrict"
    with open_keyring(settings) as keyring:
        may_act(settings, keyring, at, user, action)
        keys, subjects, asked, _ = keys_of(settings, keyring, [customer], "customers", ask)
        ops.ensure_tables(settings)
        rows = [row for row in ops.read(settings, "restrictions") if row["customer_id"] in keys.of["customer"]]
        if bool(rows) != lift:
            return False
        subject_id = subjects["customer", asked[0]]
        audit.record(settings, keyring, at, user, action, subject_id=subject_id, reason=reason.strip())
        if lift:
            found = tables.find_rows(settings, "ops.restrictions", matches_of(["customer_id"], keys))
            tables.delete_rows(settings, "ops.restrictions", found.condition())
        else:
            ids = _ids_in_tables(settings, keys) or {asked[0]}
            ops.append(settings, "restrictions", [{"customer_id": one, "restricted_at": at} for one in sorted(ids)])
    return True


def _ids_in_tables(settings: Settings, keys: Keys) -> set[str]:
    """A customer's id as silver has it: the source's key, or its pseudonym where that key is an identifier."""
    if not has_table(settings, "silver.customers"):
        return set()
    found = tables.find_rows(settings, "silver.customers", matches_of(["customer_id"], keys))
    return {value for values in found.stored.values() for (value,) in values}


def _places(settings: Settings, keys: Keys, ask: Ask) -> list[dict[str, Any]]:
    found = []
    for one in mappings(settings):
        if one.entity in entities_of_people():
            matches = [one.match(kind, keys) for kind in one.kinds() if keys.of[kind] and one.is_plain(kind)]
            rows = tables.read_rows(settings, f"bronze.{one.entity}", matches, one.source) if matches else []
            made = [kind for kind in one.kinds() if keys.of[kind] and not one.is_plain(kind)]
            if made:
                rows += tables.read_places(settings, f"bronze.{one.entity}", places_by_sql(one, made, keys, ask))
            found.append(_place(f"bronze.{one.entity}", f"as it came from source {one.source}", rows, {}))
    for schema, table in list_tables(settings):
        if schema not in ("silver", "gold", "ml"):
            continue
        name = f"{schema}.{table}"
        matches = matches_of(tables.columns_of(settings, name), keys)
        if matches:
            about, columns = described(name)
            found.append(_place(name, about, tables.read_rows(settings, name, matches), columns))
    return found


def _place(table: str, about: str, rows: list[dict[str, Any]], columns: Mapping[str, str]) -> dict[str, Any]:
    kept = [{name: value for name, value in row.items() if value is not None and name not in LINEAGE} for row in rows]
    named = dict.fromkeys(name for row in kept for name in row)
    return {"table": table, "about": about, "columns": {n: columns[n] for n in named if n in columns}, "rows": kept}


def _why(entity: str) -> dict[str, Any]:
    """What an entity is kept for, and for how long: per purpose the columns, and those that are kept less long."""
    purposes: dict[str, list[str]] = {}
    for column in ENTITIES[entity].columns:
        one = class_of(entity, column)
        if one.is_personal:
            purposes.setdefault(one.purpose, []).append(column)
    kept = retentions().get(entity)
    days, shorter = (None, {}) if kept is None else (kept.days, dict(kept.shorter))
    return {"of": entity, "purposes": purposes, "kept_days": days, "columns_kept_days": shorter}


def described(table: str) -> tuple[str, dict[str, str]]:
    """What dbt's project says of a table and of its columns."""
    return _descriptions().get(table, ("", {}))


@lru_cache(maxsize=1)
def _descriptions() -> dict[str, tuple[str, dict[str, str]]]:
    found = {}
    for path in sorted((CHECKOUT / "dbt_project" / "models").rglob("*.yml")):
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        for model in content.get("models", ()):
            name = model["name"]
            plain = name.removeprefix("stg_")
            found[f"silver.{plain}" if plain != name else f"gold.{name}"] = _told(model)
        for source in content.get("sources", ()):
            for one in source["tables"]:
                found[f"{source['schema']}.{one['name']}"] = _told(one)
    return found


def _told(node: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    columns = {one["name"]: " ".join(one.get("description", "").split()) for one in node.get("columns", ())}
    return " ".join(node.get("description", "").split()), columns


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _write_private(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
    os.chmod(path, 0o600)
