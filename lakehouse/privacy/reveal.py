"""What the vault holds of one person, for who may see it, once it is written down that they did."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow.compute as pc

from lakehouse import ops
from lakehouse.entities import ENTITIES
from lakehouse.errors import InputError, LakehouseError
from lakehouse.privacy import audit, vault
from lakehouse.privacy.identifiers import entities_with_identifiers
from lakehouse.privacy.keyring import Keyring, open_keyring
from lakehouse.settings import Settings
from lakehouse.storage import find_table


@dataclass(frozen=True)
class Revealed:
    """Of one person: the newest value of each column per source, and how many records that is of."""

    subject_id: str
    records: int
    by_source: dict[str, dict[str, str]]


@dataclass(frozen=True)
class UnreadLine:
    """A line that could not be read; `raw` is None where the key of its batch was destroyed."""

    file: str
    row_number: int
    reason: str
    raw: str | None


class NotAllowed(LakehouseError):
    """The person who asked has no right to see identifiers: exit code 1."""


def asking_user() -> str:
    """The user of the operating system that this process runs as; no environment variable can pretend another."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a user id without a name, as in pods
        return str(os.geteuid())


def may_reveal(settings: Settings, user: str) -> bool:
    """Whether this user is one of setting `reveal_users`; where that is not set, the owner of the home's keys."""
    if settings.reveal_users is not None:
        return user in {name.strip() for name in settings.reveal_users.split(",") if name.strip()}
    try:
        return settings.keys_dir.stat().st_uid == os.geteuid()
    except FileNotFoundError:
        return True  # nothing is kept yet


def may_act(settings: Settings, keyring: Keyring, at: datetime, user: str, action: str, **about: str) -> None:
    """Let a user go on who may see identifiers; that another one asked is in the audit log.

    Raises:
        NotAllowed: this user may not.
    """
    if not may_reveal(settings, user):
        audit.record(settings, keyring, at, user, f"{action} refused", **about)
        raise NotAllowed(
            f"{user} may not see or change what is held of persons, and the audit log now says that they asked: "
            "setting 'reveal_users' names who may"
        )


def reveal(settings: Settings, key: str, reason: str, at: datetime, user: str, entity: str = "customers") -> Revealed:
    """Decrypt what the vault holds of one person; that it was done, or refused, is in the audit log before.

    Args:
        key: the customer's id as the source names it, or its pseudonym; of other entities the key's parts, | between.
        reason: why; what is written stays, so no personal data.

    Raises:
        NotAllowed: this user may not.
        InputError: no reason, no such entity, nobody of that key in the vault, or their key was destroyed.
    """
    _require_reason(reason)
    if entity not in entities_with_identifiers():
        raise InputError(f"the vault holds nothing of {entity}: {', '.join(entities_with_identifiers())}")
    parts = key.split("|") if len(ENTITIES[entity].key) > 1 else [key]
    if len(parts) != len(ENTITIES[entity].key):
        raise InputError(f"a key of {entity} is {'|'.join(ENTITIES[entity].key)}, for example 'P1|M7'")
    with open_keyring(settings) as keyring:
        subject = vault.subject_named(keyring, entity, *parts)
        about = {"subject_id": subject, "entity": entity, "reason": reason.strip()}
        _write_down(settings, keyring, at, user, "reveal", about)
        if keyring.destroyed([subject]):
            raise InputError(f"{entity} {key!r} was erased: the key is destroyed and nothing can be read any more")
        found = vault.decrypted(settings, keyring, subject)
    if not found:
        raise InputError(f"the vault holds nothing of {entity} {key!r}")
    return Revealed(subject, len(found), _newest_of(found))


def reveal_lines(settings: Settings, named: str, reason: str, at: datetime, user: str) -> list[UnreadLine]:
    """The lines of a file or batch that could not be read, opened; that it was done, or refused, is in the log before.

    Args:
        named: a file as `ops.loads` names it, or a batch id.
        reason: why; what is written stays, so no personal data.

    Raises:
        NotAllowed: this user may not.
        InputError: no reason, or no line of that file or batch stands in `bronze.quarantine`.
    """
    _require_reason(reason)
    column = "batch_id" if any(row["batch_id"] == named for row in ops.read(settings, "loads")) else "file"
    table = find_table(settings, "bronze.quarantine")
    here = pc.field(column) == named
    found = [] if table is None else table.to_pyarrow_dataset().to_table(filter=here, use_threads=False).to_pylist()
    rows = sorted(found, key=lambda row: (row["file"], row["row_number"]))
    if not rows:
        raise InputError(
            f'no line of {named!r} stands in bronze.quarantine: `lakehouse sql "select file, batch_id, count(*) from '
            'bronze.quarantine group by file, batch_id"` lists the files that have some'
        )
    lines: dict[str, vault.Lines] = {}
    with open_keyring(settings, make=True) as keyring:
        _write_down(settings, keyring, at, user, "reveal lines", {"file": named, "reason": reason.strip()})
        for row in rows:
            if row["batch_id"] not in lines:
                lines[row["batch_id"]] = vault.Lines(keyring, row["batch_id"])
    return [
        UnreadLine(
            row["file"],
            row["row_number"],
            row["reason"],
            lines[row["batch_id"]].opened(row["raw"]) if vault.Lines.is_sealed(row["raw"]) else row["raw"] or None,
        )
        for row in rows
    ]


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise InputError("say why, in words that another person can check: --reason 'ticket 4711: address disputed'")


def _write_down(
    settings: Settings, keyring: Keyring, at: datetime, user: str, action: str, about: dict[str, str]
) -> None:
    """Have in the log that somebody asks.

    Raises:
        NotAllowed: they may not; that is in the log, too.
    """
    if not may_reveal(settings, user):
        audit.record(settings, keyring, at, user, f"{action} refused", **about)
        raise NotAllowed(
            f"{user} may not see identifiers, and the audit log now says that they asked: setting 'reveal_users' "
            "names who may"
        )
    audit.record(settings, keyring, at, user, action, **about)


def _newest_of(found: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """The first value of each column of each source in rows that come newest first."""
    by_source: dict[str, dict[str, str]] = {}
    for row in found:
        told = by_source.setdefault(row["source"], {})
        for name, value in row["values"].items():
            told.setdefault(name, value)
    return by_source
