"""The vault: what says who somebody is, encrypted with a key of that person's own.

`vault.identifiers` has a row per row of bronze that says something of a person: whose (a pseudonym), of what source and
entity, and one ciphertext (AES-256-GCM) of the values as they came. Landing writes it before bronze, block by block,
and takes it back with the batch (lakehouse/bronze/sealing.py). To destroy a person's key makes all of it unreadable, in
every version of the table and in every copy. What is of nobody (a row without a key, a line that could not be read) is
sealed under a key of its batch.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from lakehouse import ops
from lakehouse.errors import LakehouseError
from lakehouse.privacy.keyring import NONCE_BYTES, OF_BATCHES, Keyring
from lakehouse.privacy.masks import normalised_key
from lakehouse.privacy.pseudonyms import Pseudonyms
from lakehouse.settings import Settings

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
INDEXED = ("source", "entity", "batch_id")
"""Ciphertexts and pseudonyms have no order: their bounds would only swell the log."""
AS_IT_CAME = ""
"""Among the values of a row: raw columns, by stored name, that are not one of our columns and nothing else."""
ROWS_AT_ONCE = 1 << 16
_SEALED_LINE = "sealed:"
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class Origin:
    """Where rows come from."""

    source: str
    entity: str
    batch_id: str
    loaded_at: datetime


@dataclass(frozen=True)
class Sealed:
    """Rows for the vault, and the places of those whose persons were erased: they are not kept."""

    rows: pa.RecordBatch
    erased: list[int]


def uri(settings: Settings) -> str:
    """Where `vault.identifiers` is."""
    return settings.table_uri("vault", "identifiers")


def find(settings: Settings) -> DeltaTable | None:
    """The table of identifiers; None where nothing was ever kept."""
    try:
        return DeltaTable(uri(settings))
    except TableNotFoundError:
        return None


def make(settings: Settings) -> None:
    """The empty table, in a folder that only its owner may enter; of a storage the one who set it up closes it."""
    if settings.storage is None:
        folder = Path(settings.vault_uri)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chmod(folder, 0o700)
        (folder / "identifiers").mkdir(exist_ok=True)
    skipping = {"delta.dataSkippingStatsColumns": ",".join(INDEXED)}
    DeltaTable.create(uri(settings), IDENTIFIERS, mode="ignore", configuration=skipping)


def subject_of(pseudonyms: Pseudonyms, entity: str, *key: str) -> str:
    """The name of a person in the vault: of a customer the pseudonym of the id, of others that of entity and key."""
    return pseudonyms.pseudonym(*key) if entity == "customers" else pseudonyms.pseudonym(entity, *key)


def subject_named(keyring: Keyring, entity: str, *key: str) -> str:
    """Whose name in the vault somebody asks for: by the source's key, another form of it, or the pseudonym itself.

    The first that has a key, or had one; where there is none, the name that the source's key would have.
    """
    names = Pseudonyms.of(keyring)
    found = [subject_of(names, entity, *key)]
    if entity == "customers":
        (one,) = key
        found += [one, *filter(None, names.all_of(normalised_key(pa.array([one])).to_pylist()))]
    known = {*keyring.held(found), *keyring.destroyed(found)}
    return next((name for name in found if name in known), found[0])


def subject_of_batch(batch_id: str) -> str:
    """The name under which the vault has what is of nobody."""
    return f"{OF_BATCHES}{batch_id}"


def sealed(
    keyring: Keyring, origin: Origin, row_numbers: pa.Array, told: Sequence[tuple[int, str, Mapping[str, Any]]]
) -> Sealed:
    """What the vault keeps of some rows of a block.

    Args:
        row_numbers: of the whole block.
        told: place in the block, whose it is, and the values.
    """
    keys = keyring.keys_for({subject for _, subject, _ in told})
    kept = [(place, subject, _JSON(values)) for place, subject, values in told if subject in keys]
    count = len(kept)
    columns = [
        pa.array([subject for _, subject, _ in kept], pa.string()),
        *(pa.repeat(pa.scalar(text, pa.string()), count) for text in (origin.source, origin.entity, origin.batch_id)),
        row_numbers.take(pa.array([place for place, _, _ in kept], pa.int64())),
        pa.repeat(pa.scalar(origin.loaded_at, IDENTIFIERS.field("loaded_at").type), count),
        pa.array(
            [sealed_text(keys[subject], _bound_to(subject, origin), text) for _, subject, text in kept], pa.binary()
        ),
    ]
    erased = [place for place, subject, _ in told if subject not in keys]
    return Sealed(pa.RecordBatch.from_arrays(columns, schema=IDENTIFIERS), erased)


def decrypted(settings: Settings, keyring: Keyring, subject_id: str) -> list[dict[str, Any]]:
    """All that the vault has of a person, newest first: `source`, `entity`, `loaded_at`, `is_current` and `values`.

    Empty where it has nothing, or nothing that can still be read.
    """
    table, key = find(settings), keyring.held([subject_id]).get(subject_id)
    if table is None or key is None:
        return []
    current = {row["batch_id"] for row in ops.read(settings, "loads") if row["is_current"]}
    found = []
    for row in chain.from_iterable(batch.to_pylist() for batch in _rows_where(table, "subject_id", subject_id)):
        values = opened_row(settings, AESGCM(key), row)
        values.pop(AS_IT_CAME, None)
        row.pop("ciphertext")
        found.append({**row, "values": values, "is_current": row["batch_id"] in current})
    return sorted(found, key=lambda row: (row["is_current"], row["loaded_at"], row["row_number"]), reverse=True)


def values_of_batch(settings: Settings, keyring: Keyring, batch_id: str) -> list[tuple[int, str, dict[str, Any]]]:
    """Row number, whose it is, and the values that the vault has; those of erased persons are not among them."""
    table = find(settings)
    found: list[tuple[int, str, dict[str, Any]]] = []
    for batch in [] if table is None else _rows_where(table, "batch_id", batch_id):
        keys = keyring.held(batch.column("subject_id").to_pylist())
        for row in batch.to_pylist():
            if row["subject_id"] in keys:
                values = opened_row(settings, AESGCM(keys[row["subject_id"]]), row)
                found.append((row["row_number"], row["subject_id"], values))
    return found


def delete_batch(settings: Settings, batch_id: str) -> None:
    """Take a batch out."""
    table = find(settings)
    if table is not None:
        table.delete(f"batch_id = '{batch_id}'")


class Lines:
    """Lines that could not be read, sealed whole under the key of their batch."""

    def __init__(self, keyring: Keyring, batch_id: str) -> None:
        subject = subject_of_batch(batch_id)
        key = keyring.keys_for([subject]).get(subject)
        self._key = None if key is None else AESGCM(key)
        self._bound = subject.encode()

    @staticmethod
    def is_sealed(text: str) -> bool:
        """Whether `sealed` gave this text."""
        return text.startswith(_SEALED_LINE)

    def sealed(self, line: str) -> str:
        """A line as text that says nothing; empty where the key of the batch was destroyed."""
        if self._key is None:
            return ""
        nonce = os.urandom(NONCE_BYTES)
        # A line may hold what is no text (lone surrogates): those are kept too.
        whole = nonce + self._key.encrypt(nonce, line.encode("utf-8", "surrogatepass"), self._bound)
        return _SEALED_LINE + b64encode(whole).decode()

    def opened(self, text: str) -> str | None:
        """The line, from what `sealed` gave; None where the key was destroyed."""
        if self._key is None or not self.is_sealed(text):
            return None
        whole = b64decode(text.removeprefix(_SEALED_LINE))
        try:
            return self._key.decrypt(whole[:NONCE_BYTES], whole[NONCE_BYTES:], self._bound).decode(
                "utf-8", "surrogatepass"
            )
        except InvalidTag:
            raise LakehouseError("a line in bronze.quarantine is not as it was written") from None


def opened_row(settings: Settings, opener: AESGCM, row: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row of the table, by the key of whose it is."""
    bound = "\x1f".join((row["subject_id"], row["source"], row["entity"])).encode()
    try:
        values: dict[str, Any] = json.loads(opened_text(opener, bound, row["ciphertext"]))
    except InvalidTag:
        raise LakehouseError(
            f"row {row['row_number']} of batch {row['batch_id']} in {uri(settings)} is not as it was written"
        ) from None
    return values


def _rows_where(table: DeltaTable, column: str, value: str) -> Iterator[pa.RecordBatch]:
    """The rows of the table whose `column` is this, from the files that may have such rows.

    Not by a filter of the scan: it fails on files that delta-rs wrote anew, whose texts are views to Arrow.
    """
    dataset = table.to_pyarrow_dataset()
    for fragment in dataset.get_fragments(pc.field(column) == value):
        scan = fragment.scanner(schema=dataset.schema, batch_size=ROWS_AT_ONCE, use_threads=False)
        for batch in scan.to_batches():
            yield batch.filter(pc.equal(batch.column(column).cast(pa.string()), value))


def sealed_text(key: bytes, bound: bytes, text: str) -> bytes:
    """A text under a person's key, bound to what it is of, so that it cannot be passed off as something else."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, text.encode(), bound)


def opened_text(opener: AESGCM, bound: bytes, whole: bytes) -> str:
    """What `sealed_text` sealed.

    Raises:
        InvalidTag: it was changed, or is of something else.
    """
    return opener.decrypt(whole[:NONCE_BYTES], whole[NONCE_BYTES:], bound).decode()


def _bound_to(subject: str, origin: Origin) -> bytes:
    """What a ciphertext is bound to, so that it cannot be passed off as another person's."""
    return "\x1f".join((subject, origin.source, origin.entity)).encode()
