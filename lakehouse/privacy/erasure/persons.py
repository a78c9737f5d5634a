"""Who is meant by those who are named: their keys, those that are theirs too, and what to search for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from lakehouse.engine.statements import literal
from lakehouse.entities import ENTITIES
from lakehouse.errors import InputError
from lakehouse.privacy import vault
from lakehouse.privacy.erasure import tables
from lakehouse.privacy.erasure.journal import Ask
from lakehouse.privacy.identifiers import entities_with_identifiers
from lakehouse.privacy.keyring import Keyring
from lakehouse.privacy.masks import normalised
from lakehouse.privacy.person_keys import (
    BETWEEN,
    BLANKS,
    KEY_COLUMNS,
    OF_ENTITY,
    Keys,
    Mapped,
    entities_of_people,
    mappings,
)
from lakehouse.privacy.pseudonyms import Pseudonyms
from lakehouse.privacy.vault_reading import opened
from lakehouse.settings import Settings


def keys_of(
    settings: Settings, keyring: Keyring, named: Sequence[str], entity: str, ask: Ask
) -> tuple[Keys, dict[tuple[str, str], str], list[str], set[str]]:
    """All keys of some persons, (kind, key) -> their names in the vault, the keys that were named, and identifiers of
    theirs that others have too.

    Raises:
        InputError: nothing is held of somebody; says whom.
    """
    pseudonyms = Pseudonyms.of(keyring)
    keys = _named(settings, keyring, named, entity)
    asked = sorted(keys.of[OF_ENTITY[entity]])
    if entity == "customers":  # where the source's key is an identifier, tables have the pseudonym in its place
        keys.of["customer"] |= {pseudonyms.pseudonym(key) for key in asked}
    known, shared = _widened(settings, keyring, pseudonyms, keys, ask)
    subjects = _subjects(pseudonyms, keys)
    held = keyring.held(subjects.values()).keys() | keyring.destroyed(subjects.values())
    kind = OF_ENTITY[entity]
    unknown = [key for key in asked if not {key, subjects[kind, key]} & known and subjects[kind, key] not in held]
    if unknown:
        told = ", ".join(repr(key.replace(BETWEEN, "|")) for key in unknown[:5])
        more = f" and {len(unknown) - 5:,} more" if len(unknown) > 5 else ""
        raise InputError(f"nothing is held of {told}{more}: check the spelling; nothing was done")
    return keys, subjects, asked, shared


def identifiers_of(settings: Settings, keyring: Keyring, subjects: set[str]) -> set[str]:
    """What to search for besides keys: phones, e-mails and identity cards, as they may be written. Names and addresses
    are other people's too."""
    found = set()
    for held in opened(settings, keyring, "subject_id", subjects):
        for column in ("phone", "email", "id_card"):
            found |= _written(column, [held.values.get(column)])
        found |= _written("phone", [held.values.get("customer_id")])  # a key may be one
    return found


def keys_by_sql(mapped: Mapped, kind: str, ask: Ask, batches: Sequence[str] = ()) -> set[str]:
    """The keys in a source's rows, of all batches or of these, where an expression makes them."""
    among = f" and _batch_id in ({', '.join(repr(batch) for batch in batches)})" if batches else ""
    rows = ask(
        f"select distinct {key_text(mapped, kind)} from bronze.{mapped.entity} "
        f"where _source = {literal(mapped.source)}{among}"
    )
    return {row[0] for row in rows if row[0] is not None}


def key_text(mapped: Mapped, kind: str) -> str:
    """SQL of a key, its parts joined, over the columns of bronze."""
    parts = [f"trim(cast({mapped.columns[column]} as string))" for column in KEY_COLUMNS[kind]]
    between = f", '{BETWEEN}', "
    return f"concat({between.join(parts)})"


def _named(settings: Settings, keyring: Keyring, named: Sequence[str], entity: str) -> Keys:
    keys, kind = Keys(), OF_ENTITY[entity]
    width = len(KEY_COLUMNS[kind])
    by_pseudonym: list[str] = []
    for one in named:
        parts = [part.strip(BLANKS) for part in one.split("|")] if width > 1 else [one.strip(BLANKS)]
        if len(parts) != width or not all(parts):
            raise InputError(f"{one!r} is no key of {entity}: it is {'|'.join(ENTITIES[entity].key)}")
        is_pseudonym = width == 1 and re.fullmatch(r"[0-9a-f]{32}", one) and keyring.held([one])
        if is_pseudonym:
            by_pseudonym.append(one)
        else:
            keys.add(kind, *([_as_known(keyring, one)] if entity == "customers" else parts))
    for held in opened(settings, keyring, "subject_id", by_pseudonym):
        keys.add(kind, *(held.values[column] for column in KEY_COLUMNS[kind]))
        by_pseudonym = [one for one in by_pseudonym if one != held.subject_id]
    if by_pseudonym:
        raise InputError(f"the vault does not say whose pseudonym {by_pseudonym[0]} is: name the customer's id")
    return keys


def _as_known(keyring: Keyring, key: str) -> str:
    """A customer's key as it came, or where it is an identifier in the form that its pseudonym is made of."""
    key = key.strip(BLANKS)
    other = normalised(key)
    is_other = vault.subject_named(keyring, "customers", key) == Pseudonyms.of(keyring).pseudonym(other)
    return other if is_other else key


def _subjects(pseudonyms: Pseudonyms, keys: Keys) -> dict[tuple[str, str], str]:
    """(kind, key) -> the name in vault and keyring, of those kinds that have one; a pseudonym is the name already."""
    found = {
        (kind, key): vault.subject_of(pseudonyms, entity, *key.split(BETWEEN))
        for entity, kind in OF_ENTITY.items()
        for key in keys.of[kind]
    }
    names = set(found.values())
    return {(kind, key): key if key in names else name for (kind, key), name in found.items()}


def _widened(
    settings: Settings, keyring: Keyring, pseudonyms: Pseudonyms, keys: Keys, ask: Ask
) -> tuple[set[str], set[str]]:
    """Add the keys that are the persons' too; returns the keys that are held anywhere, and identifiers of theirs that
    others have as well."""
    subjects = set(_subjects(pseudonyms, keys).values())
    for entity, parts in _linked(settings, keyring, subjects):
        keys.add(OF_ENTITY[entity], *parts)
    known: set[str] = set()
    shared: set[str] = set()
    mapped = [one for one in mappings(settings) if one.entity in entities_of_people()]
    for one in sorted(mapped, key=lambda one: one.entity not in ("accounts", "events")):  # more keys come of these
        name = f"bronze.{one.entity}"
        kinds = [kind for kind in one.kinds() if keys.of[kind]]
        matches = [one.match(kind, keys) for kind in kinds if one.is_plain(kind)]
        columns = [c for c in ("anonymous_id", "account_id") if _brings(one, c)]
        held = [c for c in entities_with_identifiers().get(one.entity, ()) if one.plain(c)]
        beside = {one.plain(column) or "": column for column in (*columns, *held)}
        if matches:
            theirs, others = tables.values_beside(settings, name, matches, list(beside), one.source)
            for stored, ours in beside.items():
                if ours == "anonymous_id":
                    keys.of["visitor"] |= theirs[stored] - others[stored]
                elif ours == "account_id":
                    keys.of["account"] |= theirs[stored]
                else:
                    shared |= _written(ours, others[stored])
            found = tables.find_rows(settings, name, matches, one.source)
            known |= {
                BETWEEN.join(part.strip(BLANKS) for part in v) for values in found.stored.values() for v in values
            }
        for kind in kinds:
            if not one.is_plain(kind):
                known |= keys_by_sql(one, kind, ask) & keys.of[kind]
    return known, shared


def _brings(mapped: Mapped, column: str) -> bool:
    entity = {"anonymous_id": "events", "account_id": "accounts"}[column]
    return mapped.entity == entity and mapped.plain(column) is not None


def _linked(settings: Settings, keyring: Keyring, subjects: set[str]) -> list[tuple[str, list[str]]]:
    """Partners' members and bought profiles with a phone or e-mail of these persons, from the vault, in one pass."""
    theirs = _contacts(held.values for held in opened(settings, keyring, "subject_id", subjects))
    entities = [entity for entity in OF_ENTITY if entity != "customers"]
    found = []
    if theirs:
        for held in opened(settings, keyring, "entity", entities):
            if held.subject_id not in subjects and _contacts([held.values]) & theirs:
                found.append((held.entity, [held.values[column] for column in KEY_COLUMNS[OF_ENTITY[held.entity]]]))
    return found


def _contacts(held: Iterable[Mapping[str, str]]) -> set[str]:
    """Phones by their last eleven digits, e-mails in lower case."""
    found = set()
    for values in held:
        digits = re.sub(r"\D", "", values.get("phone", ""))[-11:]
        email = values.get("email", "").strip().lower()
        found |= ({digits} if len(digits) >= 8 else set()) | ({email} if "@" in email else set())
    return found


def _written(column: str, values: Iterable[str | None]) -> set[str]:
    """The ways in which a value may be written."""
    found = set()
    for value in filter(None, values):
        found.add(value.strip().lower())
        digits = re.sub(r"\D", "", value)
        if column == "phone" and len(digits) >= 8:
            found |= {digits, f"+{digits}", digits[-11:]}
    return found
