"""The vault: what says who somebody is, encrypted with a key of that person's own.

`vault.identifiers` has a row per row of bronze that says something of a person: whose (a pseudonym), of what source and
entity, and one ciphertext (AES-256-GCM) of the values as they came. A batch is written once: the commit that adds it
says so (Delta's `txn` action), in the same moment. To destroy a person's key makes all of it unreadable, in every
version of the table and in every copy.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import TableNotFoundError

from lakehouse import ops
from lakehouse.entities import ENTITIES
from lakehouse.errors import LakehouseError
from lakehouse.privacy.identifiers import identifying_columns
from lakehouse.privacy.keyring import NONCE_BYTES, Keyring, open_keyring
from lakehouse.privacy.pseudonyms import Pseudonyms
from lakehouse.scratch import renew_scratch_folder, scratch_folder
from lakehouse.settings import Settings
from lakehouse.storage import delta_table

IDENTIFIERS = pa.schema(
    [
        ("subject_id", pa.string()),
        ("source", pa.string()),
        ("entity", pa.string()),
        ("batch_id", pa.string()),
        ("row_number", pa.int64()),
        ("loaded_at", pa.timestamp("us", tz="UTC")),
        ("ciphertext", pa.binary()),
    ]
)
ROWS_AT_ONCE = 1 << 16
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_LINEAGE = ("_batch_id", "_row_number", "_loaded_at")

Ask = Callable[[str], list[tuple[Any, ...]]]
"""Answers Spark SQL over the tables of the home."""


@dataclass(frozen=True)
class Filled:
    """What a step has brought into the vault: rows of how many batches; `erased` rows are of persons without a key."""

    batches: int = 0
    rows: int = 0
    erased: int = 0


@dataclass(frozen=True)
class _Reading:
    """The batches of one source and entity that the vault lacks, and how our columns are made of theirs."""

    source: str
    entity: str
    columns: dict[str, str]
    batches: dict[str, str]  # by batch, the name under which the vault's log knows it
    loaded_at: dict[str, datetime]

    @property
    def are_plain(self) -> bool:
        """Whether each of our columns is one of theirs, so that nobody need work an expression out."""
        return all(_plain_name(theirs) is not None for theirs in self.columns.values())


def uri(settings: Settings) -> str:
    """Where `vault.identifiers` is."""
    return settings.table_uri("vault", "identifiers")


def find(settings: Settings) -> DeltaTable | None:
    """The table of identifiers; None where nothing was ever kept."""
    try:
        return DeltaTable(uri(settings))
    except TableNotFoundError:
        return None


def fill(settings: Settings, ask: Ask, progress: Callable[[str], None] = lambda what: None) -> Filled:
    """Bring the identifiers of every current batch that the vault does not have yet.

    Args:
        ask: works out columns that a source declares as expressions.
        progress: told what is being read.

    Raises:
        InputError: the master key is lost, wrong, or to be put in place by a person.
    """
    table = find(settings)
    readings = _readings(settings, table)
    if not readings:
        return Filled()
    with open_keyring(settings, make=True) as keyring, _scratch_file(settings) as file:
        writing = _Writing(settings, keyring, ask, progress)
        with pq.ParquetWriter(file, IDENTIFIERS, compression="none") as out:  # ciphertexts only
            for batch in writing.batches(readings):
                out.write_batch(batch)
        if table is None:
            _make(settings)
        # From a file, for delta-rs cannot be asked for rows of bronze while it takes these in.
        rows = pa.RecordBatchReader.from_batches(IDENTIFIERS, pq.ParquetFile(file).iter_batches(ROWS_AT_ONCE))
        marks = [Transaction(mark, 1) for reading in readings for mark in reading.batches.values()]
        write_deltalake(uri(settings), rows, mode="append", commit_properties=CommitProperties(app_transactions=marks))
    return Filled(sum(len(reading.batches) for reading in readings), writing.rows, writing.erased)


def subject_of(pseudonyms: Pseudonyms, entity: str, *key: str) -> str:
    """The name of a person in the vault: of a customer the pseudonym of the id, of others that of entity and key."""
    return pseudonyms.pseudonym(*key) if entity == "customers" else pseudonyms.pseudonym(entity, *key)


def decrypted(settings: Settings, keyring: Keyring, subject_id: str) -> list[dict[str, Any]]:
    """All that the vault has of a person, newest first: `source`, `entity`, `loaded_at`, `is_current` and `values`.

    Empty where it has nothing, or nothing that can still be read.
    """
    table, key = find(settings), keyring.held([subject_id]).get(subject_id)
    if table is None or key is None:
        return []
    current = {row["batch_id"] for row in ops.read(settings, "loads") if row["is_current"]}
    columns = {name: pc.field(name) for name in IDENTIFIERS.names}
    rows = _rows_where(table, "subject_id", [subject_id], columns, pc.scalar(True))
    opener = AESGCM(key)
    found = []
    for row in chain.from_iterable(batch.to_pylist() for batch in rows):
        sealed, bound = row.pop("ciphertext"), _bound_to(row["subject_id"], row["source"], row["entity"])
        try:
            row["values"] = json.loads(opener.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound))
        except InvalidTag:
            raise LakehouseError(
                f"row {row['row_number']} of batch {row['batch_id']} in {uri(settings)} is not as it was written"
            ) from None
        found.append({**row, "is_current": row["batch_id"] in current})
    return sorted(found, key=lambda row: (row["is_current"], row["loaded_at"], row["row_number"]), reverse=True)


class _Writing:
    """One filling: counts while its batches are drawn."""

    def __init__(self, settings: Settings, keyring: Keyring, ask: Ask, progress: Callable[[str], None]) -> None:
        self.settings, self.keyring, self.ask, self.progress = settings, keyring, ask, progress
        self.pseudonyms = Pseudonyms.of(keyring)
        self.rows = self.erased = 0

    def batches(self, readings: Sequence[_Reading]) -> Iterator[pa.RecordBatch]:
        for reading in readings:
            self.progress(f"{reading.source} {reading.entity}")
            read = _from_bronze(self.settings, reading) if reading.are_plain else _by_sql(reading, self.ask)
            for batch in read:
                yield self._encrypted(reading, batch)

    def _encrypted(self, reading: _Reading, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows of a batch (our columns as text, and the lineage) that say something of somebody."""
        key = ENTITIES[reading.entity].key
        names = list(reading.columns)
        texts = {name: _trimmed(batch.column(name)).to_pylist() for name in names}
        told: list[tuple[int, str, str]] = []
        values = [name for name in names if name not in key]
        for place in range(batch.num_rows):
            parts = [texts[name][place] for name in key]
            held = {name: texts[name][place] for name in values if texts[name][place] is not None}
            if held and None not in parts:
                held |= dict(zip(key, parts))
                told.append((place, subject_of(self.pseudonyms, reading.entity, *parts), _JSON(held)))
        keys = self.keyring.keys_for(subject for _, subject, _ in told)
        kept = [(place, subject, text) for place, subject, text in told if subject in keys]
        self.rows += len(kept)
        self.erased += len(told) - len(kept)
        places = pa.array([place for place, _, _ in kept], pa.int64())
        lineage = [batch.column(name).take(places) for name in _LINEAGE]
        sealed = [_sealed(keys[subject], subject, reading, text) for _, subject, text in kept]
        count = len(kept)
        return pa.RecordBatch.from_arrays(
            [
                pa.array([subject for _, subject, _ in kept], pa.string()),
                pa.repeat(reading.source, count),
                pa.repeat(reading.entity, count),
                *(column.cast(IDENTIFIERS.field(place).type) for place, column in enumerate(lineage, 3)),
                pa.array(sealed, pa.binary()),
            ],
            schema=IDENTIFIERS,
        )


def _readings(settings: Settings, table: DeltaTable | None) -> list[_Reading]:
    """What the vault lacks, of all sources that bring identifiers."""
    found = []
    sources = [row for row in ops.read(settings, "sources") if identifying_columns(row["entity"])]
    loads = [row for row in ops.read(settings, "loads") if row["is_current"]] if sources else []
    for row in sources:
        source, entity, mapped = row["source"], row["entity"], dict(row["columns"] or [])
        brought = [name for name in identifying_columns(entity) if name in mapped]
        columns = {name: mapped[name] for name in (*ENTITIES[entity].key, *brought) if name in mapped}
        if not brought or not set(ENTITIES[entity].key) <= columns.keys():
            continue
        made_of = json.dumps(columns, sort_keys=True)  # columns mapped otherwise are read again
        batches = {
            load["batch_id"]: hashlib.sha256(f"{load['batch_id']} {made_of}".encode()).hexdigest()[:40]
            for load in loads
            if (load["source"], load["entity"]) == (source, entity)
        }
        loaded_at = {load["batch_id"]: load["loaded_at"] for load in loads}
        missing = {b: mark for b, mark in batches.items() if table is None or table.transaction_version(mark) is None}
        if missing:
            found.append(_Reading(source, entity, columns, missing, loaded_at))
    return found


def _from_bronze(settings: Settings, reading: _Reading) -> Iterator[pa.RecordBatch]:
    """The rows of these batches, straight from the files."""
    theirs = {name: pc.field(_plain_name(text)) for name, text in reading.columns.items()}
    columns = theirs | {name: pc.field(name) for name in _LINEAGE}
    ours = pc.field("_source") == reading.source
    table = delta_table(settings, f"bronze.{reading.entity}")
    for batch in _rows_where(table, "_batch_id", list(reading.batches), columns, ours):
        if batch.num_rows:
            yield batch


def _rows_where(
    table: DeltaTable, column: str, values: list[str], columns: dict[str, pc.Expression], also: pc.Expression
) -> Iterator[pa.RecordBatch]:
    """Columns of the rows of a table whose `column` is one of `values`, from the files that may have such rows.

    Not by a filter of the scan: it fails on files that delta-rs wrote anew, whose texts are views to Arrow.
    """
    dataset = table.to_pyarrow_dataset()
    for fragment in dataset.get_fragments(pc.field(column).isin(values) & also):
        scan = fragment.scanner(columns=columns, schema=dataset.schema, batch_size=ROWS_AT_ONCE, use_threads=False)
        for batch in scan.to_batches():
            yield batch.filter(pc.is_in(batch.column(column).cast(pa.string()), pa.array(values)))


def _by_sql(reading: _Reading, ask: Ask) -> Iterator[pa.RecordBatch]:
    """The rows of these batches, a batch at a time, with each column worked out by the engine."""
    names = [*reading.columns, "_row_number"]
    ours = ", ".join(f"cast({theirs} as string) as {name}" for name, theirs in reading.columns.items())
    for batch_id in reading.batches:
        rows = ask(
            f"select {ours}, _row_number from bronze.{reading.entity} "
            f"where _source = '{_escaped(reading.source)}' and _batch_id = '{batch_id}'"
        )
        for start in range(0, len(rows), ROWS_AT_ONCE):
            columns = dict(zip(names, zip(*rows[start : start + ROWS_AT_ONCE])))
            numbers = pa.array(columns.pop("_row_number"), pa.int64())
            told: dict[str, pa.Array] = {name: pa.array(values, pa.string()) for name, values in columns.items()}
            told["_batch_id"] = pa.repeat(batch_id, len(numbers))
            told["_row_number"] = numbers
            # From the log of loads, for an engine may give a time in the zone of this machine.
            told["_loaded_at"] = pa.repeat(
                pa.scalar(reading.loaded_at[batch_id], IDENTIFIERS.field("loaded_at").type), len(numbers)
            )
            yield pa.RecordBatch.from_pydict(told)


@contextmanager
def _scratch_file(settings: Settings) -> Iterator[Path]:
    renew_scratch_folder(settings)  # now, for an engine that is opened while the file is written would do it
    file = scratch_folder(settings) / "identifiers.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)


def _make(settings: Settings) -> None:
    """The empty table, in a folder that only its owner may enter; of a storage the one who set it up closes it."""
    if settings.storage is None:
        folder = Path(settings.vault_uri)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chmod(folder, 0o700)
        (folder / "identifiers").mkdir(exist_ok=True)
    # Ciphertexts and pseudonyms have no order: their bounds would only swell the log.
    skipping = {"delta.dataSkippingStatsColumns": "source,entity,batch_id"}
    DeltaTable.create(uri(settings), IDENTIFIERS, mode="ignore", configuration=skipping)


def _sealed(key: bytes, subject: str, reading: _Reading, text: str) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, text.encode(), _bound_to(subject, reading.source, reading.entity))


def _bound_to(subject: str, source: str, entity: str) -> bytes:
    """What a ciphertext is bound to, so that it cannot be passed off as another person's."""
    return "\x1f".join((subject, source, entity)).encode()


def _trimmed(column: pa.Array) -> pa.Array:
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def _plain_name(theirs: str) -> str | None:
    """The one stored column that a mapping names in back quotes; None of an expression."""
    if len(theirs) > 2 and theirs[0] == theirs[-1] == "`" and theirs.count("`") == 2:
        return theirs[1:-1]
    return None


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
