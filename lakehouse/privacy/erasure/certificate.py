"""The certificate of an erasure: what was removed where, sealed like the audit log; and the same search at any time.

It names persons by their keyed pseudonyms only, and what is searched for by keyed pseudonyms of another kind: who has
the certificate and not the keys of the house learns nothing of anybody, and cannot look them up in tables.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lakehouse.errors import InputError, LakehouseError
from lakehouse.privacy import audit
from lakehouse.privacy.erasure import tables
from lakehouse.privacy.erasure.beyond import home_files, storage_files
from lakehouse.privacy.erasure.certificate_page import certificate_page
from lakehouse.privacy.erasure.journal import Erasing
from lakehouse.privacy.erasure.rows import vault_tables
from lakehouse.privacy.keyring import AUDIT, Keyring
from lakehouse.privacy.person_keys import KEY_COLUMNS, Match, mappings
from lakehouse.privacy.pseudonyms import Pseudonyms
from lakehouse.privacy.traces import Traces
from lakehouse.settings import Settings
from lakehouse.storage import filesystem, list_tables

FOLDER = "certificates"
FORMAT = 1
COUNTED = ("removed", "detached", "hidden", "files", "bytes", "versions")
_UNSEALED = ("hash", "seal")


@dataclass(frozen=True)
class Finding:
    """Where something of an erased person was found."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


def folder(settings: Settings) -> Path:
    """Where the certificates of a home are."""
    return settings.home / FOLDER


def certify(erasing: Erasing, clock: Callable[[], datetime]) -> Path:
    """Search every place once more, write the certificate as JSON and as a page, and end the erasure.

    Raises:
        LakehouseError: something was found; says where. There is no certificate, and the erasure may be continued.
    """
    settings, keyring = erasing.settings, erasing.keyring
    request, progress = erasing.request, erasing.progress
    erasing.tell("check", "")
    search = {
        "values": request.marks,
        "lengths": request.lengths,
        "keys": request.key_marks,
        "key_lengths": request.key_lengths,
    }
    findings, looked = _search(settings, keyring, request.subjects, search)
    if findings:
        raise LakehouseError(_told(findings) + "; no certificate was written, `lakehouse erase --continue` tries again")
    hidden, at = erasing.traces.hidden_in, clock()
    told: dict[str, Any] = {
        "certificate": request.id,
        "format": FORMAT,
        "begun_at": request.at,
        "ended_at": at.isoformat(timespec="seconds"),
        "by": request.user,
        "reason": hidden(request.reason),
        "persons": request.persons,
        "subjects": request.subjects,
        "keys_destroyed": progress.keys_destroyed,
        "places": [{"place": name, **_summed(counts)} for name, counts in sorted(progress.counts.items())],
        "files": [{"file": hidden(name), "what": what} for name, what in sorted(progress.files.items())],
        "models": progress.models,
        "elsewhere": [hidden(one) for one in progress.elsewhere],
        "search": search,
        "checked": looked,
    }
    told["hash"] = hashlib.sha256(_canonical(told)).hexdigest()
    told["seal"] = _seal(keyring, told)
    path = folder(settings) / f"{request.id}.json"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(path, json.dumps(told, indent=1, ensure_ascii=False))
    _write(path.with_suffix(".html"), certificate_page(told))
    if not any(line.get("seal_of_certificate") == told["seal"] for line in audit.read(settings)):
        audit.record(
            settings, keyring, at, request.user, "erased", erasure=request.id, seal_of_certificate=told["seal"]
        )
    erasing.forget()
    return path


def read(settings: Settings, keyring: Keyring, path: Path) -> dict[str, Any]:
    """A certificate that is as it was written.

    Raises:
        InputError: it is no certificate, of another house, or was changed.
        LakehouseError: the audit log does not know it.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        told = None
    if not isinstance(told, dict) or not {"certificate", "search", "subjects", *_UNSEALED} <= told.keys():
        raise InputError(f"{path} is no certificate of an erasure: name the JSON file, not the page")
    if told["hash"] != hashlib.sha256(_canonical(told)).hexdigest():
        raise InputError(f"{path} was changed: its content does not have the hash that it states")
    if not hmac.compare_digest(str(told["seal"]), _seal(keyring, told)):
        raise InputError(f"{path} was changed, or is of another house: its seal does not fit")
    if not any(line.get("seal_of_certificate") == told["seal"] for line in audit.read(settings)):
        raise LakehouseError(
            f"the audit log does not know the certificate {told['certificate']}: one of them was changed"
        )
    return told


def verify(settings: Settings, keyring: Keyring, path: Path) -> tuple[dict[str, Any], list[Finding]]:
    """The certificate, and where something of its persons is found now.

    Raises:
        InputError, LakehouseError: see `read`.
    """
    told = read(settings, keyring, path)
    findings, looked = _search(settings, keyring, told["subjects"], told["search"])
    faults = audit.verify(settings, keyring).faults
    findings += [Finding("audit log", fault) for fault in faults]
    return {**told, "checked": looked}, findings


def _search(
    settings: Settings, keyring: Keyring, subjects: list[str], search: Mapping[str, Any]
) -> tuple[list[Finding], dict[str, int]]:
    """Every place again: keys, tables with all versions' files, changes and logs, and the files of the home."""
    pseudonyms = Pseudonyms.of(keyring)
    traces = Traces(pseudonyms, search["values"], search["lengths"])
    keys = Traces(pseudonyms, search["keys"], search["key_lengths"])
    there = sorted(set(subjects) - keyring.destroyed(subjects))
    findings = [Finding("keys", f"{len(there)} keys are not destroyed, of {there[0]} for one")] if there else []
    named: dict[str, set[str]] = {}
    for mapped in mappings(settings):
        plain = {mapped.plain(column) for columns in KEY_COLUMNS.values() for column in columns}
        named.setdefault(f"bronze.{mapped.entity}", set()).update(filter(None, plain))
    own = {column for columns in KEY_COLUMNS.values() for column in columns}
    names = frozenset(subjects)
    looked = {"tables": 0, "files": 0}
    for name in [f"{schema}.{table}" for schema, table in list_tables(settings)]:
        looked["tables"] += 1
        columns = named.get(name, set()) if name.startswith("bronze.") else own
        findings += [Finding(name, f"in {file}") for file in tables.files_with_traces(settings, name, traces)]
        findings += [
            Finding(name, f"a key in {file}") for file in tables.files_with_keys(settings, name, columns, keys, names)
        ]
    for name in vault_tables(settings):
        looked["tables"] += 1
        found = tables.find_rows(settings, name, [Match("subject", ("subject_id",), frozenset(subjects))])
        findings += [Finding(name, f"{found.rows} rows")] if found.rows else []
    for place, is_there in _files(settings, traces):
        looked["files"] += 1
        findings += [Finding(place, "in the file")] if is_there else []
    return list(dict.fromkeys(findings)), looked


def _files(settings: Settings, traces: Traces) -> Iterator[tuple[str, bool]]:
    for path in home_files(settings):
        yield str(path), traces.are_in_file(path)
    for entry in storage_files(settings):
        with filesystem(settings)[0].open_input_file(entry) as stream:
            yield entry, traces.are_in_stream(entry, stream)


def _told(findings: list[Finding]) -> str:
    more = f" and {len(findings) - 5} more places" if len(findings) > 5 else ""
    return "something of the erased is still there: " + "; ".join(map(str, findings[:5])) + more


def raise_if_found(findings: list[Finding]) -> None:
    """Say where something was found.

    Raises:
        LakehouseError: something was.
    """
    if findings:
        raise LakehouseError(_told(findings))


def _summed(counts: Mapping[str, int]) -> dict[str, int]:
    return {what: sum(n for name, n in counts.items() if name.partition(" ")[0] == what) for what in COUNTED}


def _canonical(told: Mapping[str, Any]) -> bytes:
    content = {name: value for name, value in told.items() if name not in _UNSEALED}
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _seal(keyring: Keyring, told: Mapping[str, Any]) -> str:
    return hmac.digest(keyring.house_key(AUDIT), b"certificate\x00" + _canonical(told), "sha256").hex()


def _write(path: Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with open(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    os.replace(scratch, path)
