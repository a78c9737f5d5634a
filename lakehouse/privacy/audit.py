"""Who saw whose identifiers, when and why: a log in which every line vouches for the one before.

Each line is a JSON object with `previous`, the `seal` of the line before, and `seal`, an HMAC-SHA-256 of the rest under
a key that only who has the master key can use. The seal and the number of the last line are also kept beside the keys,
so that a log cut short is found.

What that proves: whoever has no master key cannot change, insert, remove or reorder a line, nor cut the end, without
being found. Whoever has the master key and may write the files (the machine's administrator) can write a whole new
history; against them only an anchor helps that is kept where they cannot write. `anchor_of` gives one line for that.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from lakehouse.errors import InputError, LakehouseError
from lakehouse.privacy.keyring import AUDIT, Keyring
from lakehouse.settings import Settings

FIRST = "0" * 64
_HEAD = "audit head"


@dataclass(frozen=True)
class Verdict:
    """What a check of the log found: its lines, the seal of the last, and a sentence for each fault."""

    lines: int
    seal: str
    faults: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """One line to keep elsewhere: at least so many lines, the last of them sealed so."""
        return f"{self.lines} {self.seal}"


def log_path(settings: Settings) -> Path:
    """The log, a line a deed."""
    return settings.home / "audit" / "audit.jsonl"


def record(settings: Settings, keyring: Keyring, at: datetime, user: str, action: str, **about: str) -> None:
    """Add a line, on the disk when this returns.

    Args:
        at: when, with a zone.
        about: what else to say, such as `subject_id` and `reason`; nothing that the vault keeps.

    Raises:
        LakehouseError: the log cannot be written, or was cut or changed since the last line; nothing may be shown then.
    """
    with _opened(settings) as log:
        key = keyring.house_key(AUDIT)
        text = log.read()
        lines = _lines(text, keyring)
        if len(lines) < len(text.splitlines()):
            log.truncate(len("".join(f"{line}\n" for line in lines).encode()))
        _require_whole(lines, keyring, key, settings)
        previous = json.loads(lines[-1])["seal"] if lines else FIRST
        line: dict[str, Any] = {"number": len(lines) + 1, "at": at.isoformat(), "user": user, "action": action, **about}
        line["previous"] = previous
        line["seal"] = _seal(key, line)
        log.write(json.dumps(line, ensure_ascii=False) + "\n")
        log.flush()
        os.fsync(log.fileno())
        keyring.note(_HEAD, f"{line['number']} {line['seal']}")


def verify(settings: Settings, keyring: Keyring, anchor: str | None = None) -> Verdict:
    """Check every line, the end, and an anchor that was kept elsewhere.

    Args:
        anchor: what `Verdict.anchor` said at an earlier time.

    Raises:
        InputError: the anchor is none.
    """
    path = log_path(settings)
    lines = _lines(path.read_text(encoding="utf-8"), keyring) if path.exists() else []
    key = keyring.house_key(AUDIT)
    seals, faults = _chain(lines, key)
    for what, head in (("beside the keys", keyring.fact(_HEAD)), ("in the anchor", anchor)):
        if head is None:
            continue
        number, seal = _head(head)
        if number > len(lines):
            faults.append(f"the end is cut: {len(lines)} lines are left of {number} that are noted {what}")
        elif number and seals[number - 1] != seal:
            faults.append(f"line {number} is not the one that is noted {what}: the log was written anew")
    return Verdict(len(lines), seals[-1] if seals else FIRST, tuple(faults))


def read(settings: Settings) -> list[dict[str, Any]]:
    """The lines as they stand, unchecked; those that are no JSON are left out."""
    path = log_path(settings)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [told for told in map(_object, lines) if told is not None]


def _lines(text: str, keyring: Keyring) -> list[str]:
    """The lines of the log, without one that a kill left half written: nothing was shown for it."""
    lines = text.splitlines()
    number, _ = _head(keyring.fact(_HEAD) or f"0 {FIRST}")
    is_torn = bool(lines) and not text.endswith("\n") and _object(lines[-1]) is None and len(lines) == number + 1
    return lines[:-1] if is_torn else lines


def _chain(lines: list[str], key: bytes) -> tuple[list[str], list[str]]:
    """The seal that each line carries, and what is wrong with the lines."""
    seals: list[str] = []
    faults: list[str] = []
    for number, text in enumerate(lines, 1):
        line = _object(text)
        if line is None:
            faults.append(f"line {number} is not one that was written here")
            seals.append("")
            continue
        before = seals[-1] if seals else FIRST
        seal = str(line.get("seal"))
        seals.append(seal)
        if not hmac.compare_digest(seal.encode(), _seal(key, line).encode()):
            faults.append(f"line {number} was changed: its seal does not fit")
        elif line.get("number") != number:
            faults.append(f"line {number} was number {line.get('number')}: lines were removed, inserted or moved")
        elif line.get("previous") != before:
            faults.append(f"line {number} does not follow the line before it: one was removed, inserted or changed")
    return seals, faults


def _require_whole(lines: list[str], keyring: Keyring, key: bytes, settings: Settings) -> None:
    """Let a log pass that is as long as it was and whose last line is sound."""
    number, seal = _head(keyring.fact(_HEAD) or f"0 {FIRST}")
    last = _object(lines[-1]) if lines else None
    is_sound = not lines or (last is not None and last.get("seal") == _seal(key, last))
    told = _object(lines[number - 1]) if 0 < number <= len(lines) else None
    if number > len(lines) or not is_sound or (number and (told is None or told.get("seal") != seal)):
        raise LakehouseError(
            f"the audit log {log_path(settings)} was cut or changed, and nothing is shown while it is not whole: "
            "`lakehouse audit verify` says where; bring its copy back"
        )


def _seal(key: bytes, line: dict[str, Any]) -> str:
    told = {name: value for name, value in line.items() if name != "seal"}
    text = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hmac.digest(key, text.encode(), "sha256").hex()


def _head(text: str) -> tuple[int, str]:
    number, _, seal = text.strip().partition(" ")
    if not number.isdigit() or len(seal) != len(FIRST):
        raise InputError("the anchor must be a line that `lakehouse audit verify` printed: a number and 64 digits")
    return int(number), seal


def _object(text: str) -> dict[str, Any] | None:
    try:
        told = json.loads(text)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


@contextmanager
def _opened(settings: Settings) -> Iterator[IO[str]]:
    """The log, read and appended to by one process at a time."""
    path = log_path(settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise LakehouseError(f"the audit log {path} cannot be written: {error.strerror}; nothing is shown") from None
    with open(descriptor, "r+", encoding="utf-8") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        log.seek(0)
        yield log
