"""What was put right on request, sealed with the person's own key: `vault.corrections`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from deltalake import DeltaTable, write_deltalake

from lakehouse.errors import LakehouseError
from lakehouse.privacy.keyring import Keyring
from lakehouse.privacy.vault import opened_text, sealed_text
from lakehouse.settings import Settings
from lakehouse.storage import find_table, has_table

CORRECTIONS = "vault.corrections"
_SCHEMA = pa.schema([("subject_id", pa.string()), ("source", pa.string()), ("ciphertext", pa.binary())])
Corrected = dict[str, dict[str, dict[str, tuple[str | None, str]]]]
"""Source -> person -> our column -> the value that was wrong (None: none), and the right one."""


def corrections(settings: Settings, keyring: Keyring) -> Corrected:
    """All that were made, of persons whose keys are not destroyed; of several of one column the last counts."""
    table = find_table(settings, CORRECTIONS) if has_table(settings, CORRECTIONS) else None
    found: Corrected = {}
    rows = [] if table is None else table.to_pyarrow_dataset().to_table(use_threads=False).to_pylist()
    keys = keyring.held(row["subject_id"] for row in rows)
    told = []
    for row in rows:
        if row["subject_id"] in keys:
            told.append((json.loads(_opened(AESGCM(keys[row["subject_id"]]), row)), row))
    for one, row in sorted(told, key=lambda pair: pair[0]["at"]):
        person = found.setdefault(row["source"], {}).setdefault(row["subject_id"], {})
        person[one["column"]] = (one["wrong"], one["right"])
    return found


def keep(
    settings: Settings,
    keyring: Keyring,
    subject_id: str,
    source: str,
    at: str,
    changes: dict[str, tuple[str | None, str]],
) -> None:
    """Remember corrections: column -> wrong and right value."""
    key = keyring.keys_for([subject_id])[subject_id]
    rows = []
    for column, (wrong, right) in changes.items():
        text = json.dumps({"at": at, "column": column, "wrong": wrong, "right": right})
        sealed = sealed_text(key, _bound_to(subject_id, source), text)
        rows.append({"subject_id": subject_id, "source": source, "ciphertext": sealed})
    uri = settings.table_uri("vault", "corrections")
    if not has_table(settings, CORRECTIONS):
        if settings.storage is None:
            Path(uri).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            Path(uri).mkdir(exist_ok=True)
        DeltaTable.create(uri, _SCHEMA, mode="ignore", configuration={"delta.dataSkippingNumIndexedCols": "0"})
    write_deltalake(uri, pa.Table.from_pylist(rows, schema=_SCHEMA), mode="append")


def _opened(opener: AESGCM, row: Mapping[str, Any]) -> str:
    try:
        return opened_text(opener, _bound_to(row["subject_id"], row["source"]), row["ciphertext"])
    except InvalidTag:
        raise LakehouseError(f"a row of {CORRECTIONS} is not as it was written: bring the table's copy back") from None


def _bound_to(subject_id: str, source: str) -> bytes:
    return "\x1f".join(("correction", subject_id, source)).encode()
