"""Erasure: what is held of some persons is removed from every place that the house can reach, once and for good.

It costs one pass over each table, for one person or ten thousand. What is to be done is written down first, sealed
(`erasure.sealed`), and each step may be done again: an erasure that was killed is continued by the next one, or by the
next run. The order is what makes that safe. Keys go first, so that from then on nobody lands the persons again; readers
of gold see the set of before until one without the persons is published, in one step; only then are older versions
removed.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lakehouse import ops, publication
from lakehouse.atomic_file import replace_file
from lakehouse.builds import Ledger, table_state
from lakehouse.entities import ENTITIES
from lakehouse.errors import InputError
from lakehouse.privacy import audit, vault
from lakehouse.privacy import erased_tables as tables
from lakehouse.privacy.classes import class_of, is_about_people
from lakehouse.privacy.identifiers import entities_with_identifiers
from lakehouse.privacy.keyring import NONCE_BYTES, Keyring
from lakehouse.privacy.person_keys import (
    BETWEEN,
    BLANKS,
    KEY_COLUMNS,
    OF_ENTITY,
    Keys,
    Mapped,
    Match,
    entities_of_people,
    mappings,
    matches_of,
    stays_without_person,
)
from lakehouse.privacy.pseudonyms import Pseudonyms
from lakehouse.privacy.traces import Traces, is_telling, words
from lakehouse.privacy.vault_reading import opened
from lakehouse.settings import Settings
from lakehouse.storage import delta_table, filesystem, has_table, list_tables

JOURNAL = "erasure.sealed"
ERASING = "#erasure"
"""The key of the house under which the journal is sealed: it names persons while it is needed."""
Ask = Callable[[str], list[tuple[Any, ...]]]
Tell = Callable[[str, str], None]
OWN_FOLDERS = ("tables", "vault", "keys", "audit", "certificates")
"""Of a home: what an erasure looks at table by table, and what holds pseudonyms only."""
REMOVED_WHOLE = ("reports", "spark-tmp", "exchange", "sample", "sources", "spark-logs")
"""Folders of files that are made again, or are copies of what was landed: one that names a person is removed."""
_STATE_FLAGS = {"is_known_customer": "false", "is_sale": "false"}


@dataclass
class Journal:
    """An erasure under way, as it is kept sealed in the home."""

    id: str
    at: str
    user: str
    reason: str
    entity: str
    persons: int
    subjects: list[str]
    keys: dict[str, list[str]]
    identifiers: list[str]
    marks: list[str]
    lengths: list[int]
    key_marks: list[str]
    key_lengths: list[int]
    loads: dict[str, dict[str, int]] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    models: list[dict[str, str]] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    keys_destroyed: int = 0


class Erasing:
    """One erasure: its journal, and what the steps need."""

    def __init__(self, settings: Settings, keyring: Keyring, journal: Journal, ask: Ask, tell: Tell) -> None:
        self.settings, self.keyring, self.journal, self.ask, self.tell = settings, keyring, journal, ask, tell
        self.keys = Keys.from_lists(journal.keys)
        self.pseudonyms = Pseudonyms.of(keyring)
        self.traces = Traces(self.pseudonyms, journal.marks, journal.lengths)

    def count(self, place: str, what: str, number: int, of: str = "") -> None:
        """Note what is about to be done in a place: written down before, and the same if it is written again.

        Args:
            what: `removed` or `detached` (rows), `hidden` (rows of others), `files`, `bytes`, `versions`.
            of: where one place is changed by several commits, of which one.
        """
        self.journal.counts.setdefault(place, {})[f"{what} {of}".strip()] = number
        self.save()

    def is_counted(self, place: str, what: str) -> bool:
        return what in self.journal.counts.get(place, {})

    def save(self) -> None:
        """Keep the journal, sealed."""
        nonce = os.urandom(NONCE_BYTES)
        key = self.keyring.house_key(ERASING)
        text = json.dumps(asdict(self.journal)).encode()
        sealed = (nonce + AESGCM(key).encrypt(nonce, text, b"lakehouse erasure")).hex()
        replace_file(self.settings.home / JOURNAL, sealed)

    def touch(self, name: str) -> None:
        """Note in which state a table was before the first change, before it is changed."""
        if name not in self.journal.states:
            self.journal.states[name] = table_state(self.settings, name)
            self.save()


def begin(
    settings: Settings,
    keyring: Keyring,
    named: Sequence[str],
    entity: str,
    reason: str,
    user: str,
    at: datetime,
    ask: Ask,
    tell: Tell = lambda step, what: None,
) -> Erasing:
    """Find out who is meant and by which keys they are held; write down what is to be done, and that it was asked.

    Args:
        named: customers' ids, or pseudonyms; of another entity its key's parts, with | between.

    Raises:
        InputError: no reason, nobody named, or nothing is held of somebody: says whom. Nothing was changed.
    """
    if not reason.strip():
        raise InputError("say why, in words that another person can check: --reason 'request 4711 of the customer'")
    if entity not in OF_ENTITY:
        raise InputError(f"--entity {entity!r} is none of {', '.join(OF_ENTITY)}")
    if not named:
        raise InputError("nobody is named: give customers' ids, or --file LIST with one a line")
    tell("plan", "who is meant")
    ops.ensure_tables(settings)
    pseudonyms = Pseudonyms.of(keyring)
    keys, subjects, asked, shared = keys_of(settings, keyring, named, entity, ask)
    identifiers = _identifiers(settings, keyring, set(subjects.values())) - shared
    everything = keys.values() | identifiers
    traces, all_keys = Traces.of(pseudonyms, everything), Traces.of(pseudonyms, keys.values(), every=True)
    journal = Journal(
        id=f"E{at:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        at=at.isoformat(timespec="seconds"),
        user=user,
        reason=reason.strip(),
        entity=entity,
        persons=len(asked),
        subjects=sorted(subjects.values()),
        keys=keys.as_lists(),
        identifiers=sorted(identifiers),
        marks=sorted(traces.marks),
        lengths=sorted(traces.lengths),
        key_marks=sorted(all_keys.marks),
        key_lengths=sorted(all_keys.lengths),
    )
    erasing = Erasing(settings, keyring, journal, ask, tell)
    erasing.save()
    audit.record(settings, keyring, at, user, "erase", erasure=journal.id, persons=str(journal.persons), reason=reason)
    return erasing


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
    known, shared = _widened(settings, keyring, pseudonyms, keys, ask)
    subjects = _subjects(pseudonyms, keys)
    held = keyring.held(subjects.values()).keys() | keyring.destroyed(subjects.values())
    unknown = [key for key in asked if key not in known and subjects[OF_ENTITY[entity], key] not in held]
    if unknown:
        told = ", ".join(repr(key.replace(BETWEEN, "|")) for key in unknown[:5])
        more = f" and {len(unknown) - 5:,} more" if len(unknown) > 5 else ""
        raise InputError(f"nothing is held of {told}{more}: check the spelling; nothing was done")
    return keys, subjects, asked, shared


def under_way(settings: Settings, keyring: Keyring, ask: Ask, tell: Tell = lambda step, what: None) -> Erasing | None:
    """The erasure that was killed in this home; None where there is none."""
    try:
        sealed = bytes.fromhex((settings.home / JOURNAL).read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    key = keyring.house_key(ERASING)
    told = json.loads(AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], b"lakehouse erasure"))
    return Erasing(settings, keyring, Journal(**told), ask, tell)


def is_under_way(settings: Settings) -> bool:
    """Whether an erasure was begun in this home and has not ended."""
    return (settings.home / JOURNAL).exists()


def perform(erasing: Erasing) -> None:
    """Do the steps that are not done yet; the journal is left for the certificate."""
    for name, step in STEPS.items():
        if name not in erasing.journal.done:
            erasing.tell(name, "")
            step(erasing)
            erasing.journal.done.append(name)
            erasing.save()


def end(erasing: Erasing) -> None:
    """Forget the journal, once there is a certificate."""
    (erasing.settings.home / JOURNAL).unlink(missing_ok=True)


def _destroy_keys(erasing: Erasing) -> None:
    erasing.journal.keys_destroyed += erasing.keyring.destroy(erasing.journal.subjects)


def _clean_bronze(erasing: Erasing) -> None:
    settings, journal = erasing.settings, erasing.journal
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
            _note_loads(erasing, batches, "landed")
            erasing.count(name, "removed", rows, mapped.source)
            tables.delete_rows(settings, name, tables.of_source(mapped.source, condition))
        else:
            erasing.count(name, "detached", rows, mapped.source)
            tables.empty_columns(
                settings, name, tables.of_source(mapped.source, condition), dict.fromkeys(emptied, "NULL")
            )
    _clean_unreadable(erasing)
    _write_loads(erasing)
    journal.elsewhere += [one for one in _files_of_sources(erasing) if one not in journal.elsewhere]


def _rows_in_bronze(settings: Settings, mapped: Mapped, keys: Keys, ask: Ask) -> tuple[int, Mapping[str, int], str]:
    """Of a source and entity: the persons' rows, how many of each batch, and a predicate of them."""
    name = f"bronze.{mapped.entity}"
    kinds = [kind for kind in mapped.kinds() if keys.of[kind]]
    plain = [mapped.match(kind, keys) for kind in kinds if mapped.is_plain(kind)]
    found = tables.find_rows(settings, name, plain, mapped.source) if plain else tables.Found()
    conditions = [found.condition()] if found.rows else []
    rows, batches = found.rows, found.batches
    for kind in kinds:
        if mapped.is_plain(kind):
            continue
        places = _places_by_sql(mapped, kind, keys, ask, conditions)
        if places:
            conditions.append(tables.rows_of(places))
            batches.update({batch: len(numbers) for batch, numbers in places.items()})
            rows += sum(map(len, places.values()))
    return rows, batches, " OR ".join(conditions)


def _places_by_sql(mapped: Mapped, kind: str, keys: Keys, ask: Ask, but: Sequence[str] = ()) -> dict[str, list[int]]:
    """Batch -> row numbers of the rows whose key, which an expression makes, is one of a person's."""
    listed = ", ".join("'" + key.replace("\\", "\\\\").replace("'", "\\'") + "'" for key in sorted(keys.of[kind]))
    source = mapped.source.replace("'", "\\'")
    found: dict[str, list[int]] = {}
    for batch, number in ask(
        f"select _batch_id, _row_number from bronze.{mapped.entity} where _source = '{source}' "
        f"and {_key_text(mapped, kind)} in ({listed})"
    ):
        found.setdefault(batch, []).append(int(number))
    return found


def _clean_unreadable(erasing: Erasing) -> None:
    """Lines that could not be read: those with a key or identifier of a person as a word go, and are counted."""
    settings, name = erasing.settings, "bronze.quarantine"
    values = {v.lower() for v in (*erasing.keys.values(), *erasing.journal.identifiers) if len(v) > 2}
    places: dict[str, list[int]] = {}
    for batch in delta_table(settings, name).to_pyarrow_dataset().to_batches(use_threads=False):
        for row in batch.select(["batch_id", "row_number", "entity", "raw"]).to_pylist():
            if row["entity"] in entities_of_people() and words((row["raw"] or "").lower()) & values:
                places.setdefault(row["batch_id"], []).append(row["row_number"])
    if places:
        erasing.touch(name)
        _note_loads(erasing, {batch: len(numbers) for batch, numbers in places.items()}, "quarantined")
        erasing.count(name, "removed", sum(map(len, places.values())))
        tables.delete_rows(settings, name, tables.rows_of(places, "batch_id", "row_number"))


def _note_loads(erasing: Erasing, batches: Mapping[str, int], what: str) -> None:
    """Note how many rows `landed` or `quarantined` of each batch go, and its counts of before."""
    for row in ops.read(erasing.settings, "loads"):
        if row["batch_id"] in batches:
            before = {f"{name} before": row.get(f"rows_{name}") or 0 for name in ("landed", "quarantined", "erased")}
            noted = erasing.journal.loads.setdefault(row["batch_id"], {"landed": 0, "quarantined": 0, **before})
            noted[what] = batches[row["batch_id"]]


def _write_loads(erasing: Erasing) -> None:
    if not erasing.journal.loads:
        return
    rows = ops.read(erasing.settings, "loads")
    for row in rows:
        noted = erasing.journal.loads.get(row["batch_id"])
        if noted is not None:
            for what in ("landed", "quarantined"):
                row[f"rows_{what}"] = noted[f"{what} before"] - noted[what]
            row["rows_erased"] = noted["erased before"] + noted["landed"] + noted["quarantined"]
    ops.overwrite(erasing.settings, "loads", rows)


def _files_of_sources(erasing: Erasing) -> list[str]:
    """Files and databases of the sources that brought rows of the persons: not ours to change, but to be told of."""
    from lakehouse.sources import remembered_sources

    settings = erasing.settings
    folders = {source.name: source.folder for source in remembered_sources(settings)}
    found = set()
    for row in ops.read(settings, "loads"):
        if row["batch_id"] in erasing.journal.loads or stays_without_person(row["entity"]):
            folder = folders.get(row["source"])
            path = None if folder is None else Path(os.path.normpath(folder / row["file"]))
            if "://" in row["file"] or row["file"].startswith("jdbc:"):
                found.add(f"database {row['file']} of source {row['source']}")
            elif path is not None and path.is_file() and not path.is_relative_to(settings.home):
                if erasing.traces.are_in_file(path):
                    found.add(f"file {path} of source {row['source']}")
    return sorted(found)


def _clean_layers(erasing: Erasing) -> None:
    """Silver, predictions and gold; gold first goes back to what readers see, where a failed run left it further."""
    settings, journal = erasing.settings, erasing.journal
    published = publication.current(settings)
    keyless = {(one.source, one.entity) for one in mappings(settings) if not one.has_key}
    for schema, table in list_tables(settings):
        if schema not in ("silver", "ml", "gold"):
            continue
        name = f"{schema}.{table}"
        delta = delta_table(settings, name)
        columns = [one.name for one in delta.schema().fields]
        matches = matches_of(columns, erasing.keys)
        if name == "silver.quarantine":
            _clean_refused(erasing)
        if not matches:
            continue
        found = tables.find_rows(settings, name, matches)
        seen = published.tables.get(name) if published is not None else None
        if schema == "gold" and seen is not None and name not in journal.states and int(delta.version()) != seen:
            erasing.touch(name)
            delta.restore(seen)
            found = tables.find_rows(settings, name, matches)
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


def _without_person(table: str, columns: Iterable[str], keyless: set[tuple[str, str]]) -> dict[str, str]:
    """What the columns of a row become that stays: null where they tell of a person, flags as a new run would have."""
    emptied = {}
    for column in columns:
        if column in _STATE_FLAGS and table.startswith("silver."):
            emptied[column] = _STATE_FLAGS[column]
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


def _hide_leftovers(erasing: Erasing) -> None:
    """Words of rows of others, and of the platform's own tables, that still name a person become `***`."""
    settings = erasing.settings
    if not erasing.traces:
        return
    for schema, table in list_tables(settings):
        name = f"{schema}.{table}"
        if schema not in ("bronze", "silver", "ml", "gold", "ops"):
            continue
        if tables.parts_with_traces(settings, name, erasing.traces, older=False):
            erasing.tell("leftovers", name)
            erasing.touch(name)
            tables.hide_traces(settings, name, erasing.traces, partial(erasing.count, name, "hidden"))


def _forget_own_ops(erasing: Erasing) -> None:
    """Restrictions of the persons: there is nothing left to restrict."""
    settings, name = erasing.settings, "ops.restrictions"
    found = tables.find_rows(settings, name, matches_of(["customer_id"], erasing.keys))
    if found.rows:
        erasing.touch(name)
        erasing.count(name, "removed", found.rows)
        tables.delete_rows(settings, name, found.condition())


def _clean_vault(erasing: Erasing) -> None:
    settings = erasing.settings
    subjects = frozenset(erasing.journal.subjects)
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


def _end_histories(erasing: Erasing) -> None:
    """Of every table that was changed, and of those whose past names somebody: a commit that ends it."""
    settings, journal = erasing.settings, erasing.journal
    vague = any(not is_telling(key) for key in erasing.keys.values())
    for name in [*(f"{schema}.{table}" for schema, table in list_tables(settings)), *vault_tables(settings)]:
        if name not in journal.states:
            columns = [one.name for one in delta_table(settings, name).schema().fields]
            is_keyed = vague and bool(matches_of(columns, erasing.keys) or name.startswith("bronze."))
            if not is_keyed and not tables.files_with_traces(settings, name, erasing.traces):
                continue
            erasing.tell("past", name)
            erasing.touch(name)
        journal.versions[name] = tables.end_history(settings, name, journal.id)
        erasing.save()


def _tell_ledger(erasing: Erasing) -> None:
    """The next run builds anew all that is counted, ranked or learnt; rows that stand for themselves stay."""
    ledger = Ledger(erasing.settings)
    ledger.forget_all_but_merged()
    for name, before in erasing.journal.states.items():
        ledger.moved(name, before)


def _publish(erasing: Erasing) -> None:
    gold = {name: version for name, version in erasing.journal.versions.items() if name.startswith("gold.")}
    if gold:
        publication.replace_tables(erasing.settings, gold, datetime.fromisoformat(erasing.journal.at))


def _forget_past(erasing: Erasing) -> None:
    for name in erasing.journal.versions:

        def note(removed: tables.Removed, name: str = name) -> None:
            if not erasing.is_counted(name, "files"):  # else they were counted before a kill
                erasing.count(name, "files", removed.files)
                erasing.count(name, "bytes", removed.bytes)
                erasing.count(name, "versions", removed.versions)

        tables.forget_past(erasing.settings, name, note)


def _clean_files(erasing: Erasing) -> None:
    """Files of the home, and of the storage beside the tables, that name a person."""
    settings, journal = erasing.settings, erasing.journal
    if not erasing.traces:
        return
    for path in home_files(settings):
        if not erasing.traces.are_in_file(path):
            continue
        inside = path.relative_to(settings.home).as_posix() if path.is_relative_to(settings.home) else str(path)
        top = inside.partition("/")[0]
        if top == "logs":
            done = f"{_hide_in_text(path, erasing.traces)} lines blacked out"
        elif top in REMOVED_WHOLE or not path.is_relative_to(settings.home) or top == "mlflow" and path.suffix != ".db":
            path.unlink()
            done = "removed"
        else:
            done = f"{_hide_in_text(path, erasing.traces)} lines blacked out" if _is_plain(path) else "left"
        journal.files[inside] = done
        erasing.save()
    for entry in storage_files(settings):
        files, root = filesystem(settings)
        with files.open_input_file(entry) as stream:
            if not erasing.traces.are_in_stream(entry, stream):
                continue
        files.delete_file(entry)
        journal.files[entry[len(root) + 1 :]] = "removed"
        erasing.save()


def home_files(settings: Settings) -> list[Path]:
    """Files of the home, and of the scratch folder, that are neither tables nor keys, log of deeds or certificates."""
    folders = [one for one in settings.home.iterdir() if one.is_dir() and one.name not in OWN_FOLDERS]
    if settings.scratch_dir is not None and settings.scratch_dir.exists():
        folders.append(settings.scratch_dir)
    loose = [one for one in settings.home.iterdir() if one.is_file() and one.name != JOURNAL]
    inside = [path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sorted([*loose, *inside])


def storage_files(settings: Settings) -> list[str]:
    """Files of the storage that are no tables, such as event logs and exchanged rows; none where there is no storage."""
    if settings.storage is None:
        return []
    files, root = filesystem(settings)
    found = []
    for top in files.get_file_info(pafs.FileSelector(root, allow_not_found=True)):
        if top.base_name in ("tables", "vault"):
            continue
        if top.type == pafs.FileType.File:
            found.append(top.path)
        else:
            entries = files.get_file_info(pafs.FileSelector(top.path, recursive=True))
            found += [entry.path for entry in entries if entry.type == pafs.FileType.File]
    return sorted(found)


def _is_plain(path: Path) -> bool:
    return path.suffix in (".json", ".jsonl", ".log", ".txt", ".yml", ".yaml", ".sql", ".md", ".html", ".lock")


def _hide_in_text(path: Path, traces: Traces) -> int:
    """Black the traces out in a text file; returns the lines that had any."""
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines(keepends=True)
    told = [traces.hidden_in(line) if traces.are_in(line) else line for line in lines]
    scratch = path.with_name(f".{path.name}.tmp")
    scratch.write_text("".join(told), encoding="utf-8", errors="surrogateescape")
    os.replace(scratch, path)
    return sum(one is not other for one, other in zip(lines, told))


def _list_models(erasing: Erasing) -> None:
    """Models that were trained while a person was among the features: none of them serves once the next run has
    trained others."""
    from ml import champions
    from ml.store import has_store
    from ml.tasks import TASKS

    if not has_store(erasing.settings):
        return
    for name, task in TASKS.items():
        if any(f"gold.{table}" in erasing.journal.states for table in task.reads):
            for version in champions.outdate(erasing.settings, name, erasing.journal.id):
                told = {"task": name, "version": version}
                if told not in erasing.journal.models:
                    erasing.journal.models.append(told)


def _list_exports(erasing: Erasing) -> None:
    """What left the house: files that we reach are removed, rows in databases are told of."""
    subjects = set(erasing.journal.subjects)
    for row in ops.read(erasing.settings, "exports"):
        target, when = row["target"], f"{row['exported_at']:%Y-%m-%d}"
        if row["subject_id"] is not None:
            if row["subject_id"] in subjects and os.path.exists(target):
                os.unlink(target)
                erasing.journal.files[target] = "removed"
        elif is_about_people(row["table_name"]):
            told = f"{target}, to which {row['table_name']} was exported on {when}"
            if told not in erasing.journal.elsewhere:
                erasing.journal.elsewhere.append(told)


STEPS: dict[str, Callable[[Erasing], None]] = {
    "keys": _destroy_keys,
    "bronze": _clean_bronze,
    "layers": _clean_layers,
    "leftovers": _hide_leftovers,
    "ops": _forget_own_ops,
    "vault": _clean_vault,
    "models": _list_models,
    "history": _end_histories,
    "ledger": _tell_ledger,
    "publish": _publish,
    "past": _forget_past,
    "files": _clean_files,
    "exports": _list_exports,
}


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
            keys.add(kind, *parts)
    for held in opened(settings, keyring, "subject_id", by_pseudonym):
        keys.add(kind, *(held.values[column] for column in KEY_COLUMNS[kind]))
        by_pseudonym = [one for one in by_pseudonym if one != held.subject_id]
    if by_pseudonym:
        raise InputError(f"the vault does not say whose pseudonym {by_pseudonym[0]} is: name the customer's id")
    return keys


def _subjects(pseudonyms: Pseudonyms, keys: Keys) -> dict[tuple[str, str], str]:
    """(kind, key) -> the name in the vault and keyring, of those kinds that have one."""
    return {
        (kind, key): vault.subject_of(pseudonyms, entity, *key.split(BETWEEN))
        for entity, kind in OF_ENTITY.items()
        for key in keys.of[kind]
    }


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


def keys_by_sql(mapped: Mapped, kind: str, ask: Ask, batches: Sequence[str] = ()) -> set[str]:
    """The keys in a source's rows, of all batches or of these, where an expression makes them."""
    source = mapped.source.replace("'", "\\'")
    among = f" and _batch_id in ({', '.join(repr(batch) for batch in batches)})" if batches else ""
    rows = ask(
        f"select distinct {_key_text(mapped, kind)} from bronze.{mapped.entity} where _source = '{source}'{among}"
    )
    return {row[0] for row in rows if row[0] is not None}


def _key_text(mapped: Mapped, kind: str) -> str:
    parts = [f"trim(cast({mapped.columns[column]} as string))" for column in KEY_COLUMNS[kind]]
    between = f", '{BETWEEN}', "
    return f"concat({between.join(parts)})"


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


def _identifiers(settings: Settings, keyring: Keyring, subjects: set[str]) -> set[str]:
    """What to search for besides keys: phones, e-mails and identity cards, as they may be written. Names and addresses
    are other people's too."""
    found = set()
    for held in opened(settings, keyring, "subject_id", subjects):
        for column in ("phone", "email", "id_card"):
            found |= _written(column, [held.values.get(column)])
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
