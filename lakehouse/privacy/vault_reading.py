"""What the vault holds of many persons, in one pass over its table."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lakehouse.privacy import vault
from lakehouse.privacy.keyring import Keyring
from lakehouse.settings import Settings
from lakehouse.storage import find_table, has_table


@dataclass(frozen=True)
class Held:
    """A row of the vault, opened."""

    subject_id: str
    source: str
    entity: str
    batch_id: str
    row_number: int
    loaded_at: datetime
    values: dict[str, str]
    as_it_came: dict[str, str] = field(default_factory=dict)
    """Raw columns, by stored name, that bronze hides and none of our columns has as they came."""


def opened(settings: Settings, keyring: Keyring, column: str, values: Collection[str]) -> Iterator[Held]:
    """The rows whose `column` (`subject_id`, `entity`) is one of these and whose keys are not destroyed."""
    table = find_table(settings, "vault.identifiers") if values and has_table(settings, "vault.identifiers") else None
    if table is None:
        return
    wanted = pa.array(sorted(values), pa.string())
    names = ["subject_id", "source", "entity", "batch_id", "row_number", "loaded_at", "ciphertext"]
    for batch in table.to_pyarrow_dataset().to_batches(columns=names, use_threads=False):
        rows = batch.filter(pc.is_in(batch.column(column).cast(pa.string()), wanted)).to_pylist()
        openers = {name: AESGCM(key) for name, key in keyring.held(row["subject_id"] for row in rows).items()}
        for row in rows:
            if row["subject_id"] in openers:
                yield _held(vault.opened_row(settings, openers[row["subject_id"]], row), row)


def _held(told: dict[str, Any], row: dict[str, Any]) -> Held:
    del row["ciphertext"]
    raw = {name: text for one in told.values() if isinstance(one, dict) for name, text in one.items()}
    return Held(**row, values={name: one for name, one in told.items() if isinstance(one, str)}, as_it_came=raw)
