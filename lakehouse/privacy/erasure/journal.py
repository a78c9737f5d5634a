"""What an erasure is about and how far it is, kept sealed in the home so that one that was killed can go on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lakehouse.atomic_file import replace_file
from lakehouse.builds import table_state
from lakehouse.errors import LakehouseError
from lakehouse.privacy.keyring import NONCE_BYTES, Keyring
from lakehouse.privacy.person_keys import Keys
from lakehouse.privacy.pseudonyms import Pseudonyms
from lakehouse.privacy.traces import Traces
from lakehouse.settings import Settings

REQUEST, PROGRESS = "erasure.sealed", "erasure-progress.sealed"
"""What is to be done, which names persons and is written once; and what of it is done."""
ERASING = "#erasure"
"""The key of the house under which both are sealed."""
Ask = Callable[[str], list[tuple[Any, ...]]]
"""Answers Spark SQL over the tables of the home."""
Tell = Callable[[str, str], None]
"""Told the step that begins, and what it comes to."""


@dataclass(frozen=True)
class Request:
    """Who is to be erased, by which keys and identifiers, and why.

    `persons` were named; `subjects` are the names of those and of what is linked to them in vault and keyring. `marks`
    and `lengths` are the traces (`lakehouse/privacy/traces.py`) of what can be looked for anywhere, `key_marks` and
    `key_lengths` those of all keys.
    """

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


@dataclass
class Progress:
    """What was done so far.

    Args:
        counts: place -> what -> how many, `removed` or `detached` rows, `hidden` rows of others, `files`, `bytes` and
            `versions` of the past.
        loads: batch -> rows that go of it, and its counts of before.
        states: table -> its state before the first change.
        versions: table -> the version that its history begins with from now on.
        files: file of the home -> what was done with it.
        models: those that were trained on one of the persons.
        elsewhere: where else something is that the house does not reach.
    """

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    loads: dict[str, dict[str, int]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    models: list[dict[str, str]] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    keys_destroyed: int = 0


class Journal:
    """What is being removed from a home, and how far that is: kept sealed in the home, so that it can go on."""

    kept_in = ""

    def __init__(self, settings: Settings, keyring: Keyring, progress: Progress, tell: Tell) -> None:
        self.settings, self.keyring, self.progress, self.tell = settings, keyring, progress, tell

    def save(self) -> None:
        """Keep the progress."""
        write_sealed(self.settings.home / self.kept_in, self.keyring, asdict(self.progress))

    def count(self, place: str, what: str, number: int, of: str = "") -> None:
        """Note what is about to be done in a place: written down before, and the same if it is written again.

        Args:
            of: where one place is changed by several commits, of which one.
        """
        self.progress.counts.setdefault(place, {})[f"{what} {of}".strip()] = number
        self.save()

    def touch(self, name: str) -> None:
        """Note in which state a table was, before it is changed for the first time."""
        if name not in self.progress.states:
            self.progress.states[name] = table_state(self.settings, name)
            self.save()


AnyJournal = TypeVar("AnyJournal", bound=Journal)


def perform(journal: AnyJournal, steps: Mapping[str, Callable[[AnyJournal], None]]) -> None:
    """Do the steps that are not done yet, in their order; each may have been begun before."""
    for name, step in steps.items():
        if name not in journal.progress.done:
            journal.tell(name, "")
            step(journal)
            journal.progress.done.append(name)
            journal.save()


class Erasing(Journal):
    """One erasure: its request, its progress, and what the steps need."""

    kept_in = PROGRESS

    def __init__(
        self, settings: Settings, keyring: Keyring, request: Request, progress: Progress, ask: Ask, tell: Tell
    ) -> None:
        super().__init__(settings, keyring, progress, tell)
        self.request, self.ask = request, ask
        self.keys = Keys.from_lists(request.keys)
        self.pseudonyms = Pseudonyms.of(keyring)
        self.traces = Traces(self.pseudonyms, request.marks, request.lengths)

    @classmethod
    def begun(cls, settings: Settings, keyring: Keyring, request: Request, ask: Ask, tell: Tell) -> Erasing:
        """A new one, written down."""
        (settings.home / PROGRESS).unlink(missing_ok=True)
        write_sealed(settings.home / REQUEST, keyring, asdict(request))
        return cls(settings, keyring, request, Progress(), ask, tell)

    @classmethod
    def under_way(cls, settings: Settings, keyring: Keyring, ask: Ask, tell: Tell) -> Erasing | None:
        """The one that was killed in this home; None where there is none."""
        request = read_sealed(settings.home / REQUEST, keyring)
        if request is None:
            return None
        progress = read_sealed(settings.home / PROGRESS, keyring) or {}
        return cls(settings, keyring, Request(**request), Progress(**progress), ask, tell)

    def forget(self) -> None:
        """There is a certificate: nothing is under way any more."""
        (self.settings.home / REQUEST).unlink(missing_ok=True)
        (self.settings.home / PROGRESS).unlink(missing_ok=True)


def is_under_way(settings: Settings) -> bool:
    """Whether an erasure was begun in this home and has not ended."""
    return (settings.home / REQUEST).exists()


def write_sealed(path: Path, keyring: Keyring, content: dict[str, Any]) -> None:
    """Write a file of the home that only who has the master key can read."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(keyring.house_key(ERASING)).encrypt(nonce, json.dumps(content).encode(), path.name.encode())
    replace_file(path, (nonce + sealed).hex())


def read_sealed(path: Path, keyring: Keyring) -> dict[str, Any] | None:
    """What `write_sealed` wrote; None where there is no such file.

    Raises:
        LakehouseError: it was changed.
    """
    try:
        whole = bytes.fromhex(path.read_text(encoding="ascii"))
        opened = AESGCM(keyring.house_key(ERASING)).decrypt(
            whole[:NONCE_BYTES], whole[NONCE_BYTES:], path.name.encode()
        )
    except FileNotFoundError:
        return None
    except (ValueError, InvalidTag):
        raise LakehouseError(f"{path} is not as it was written: remove it, and ask for it again") from None
    told: dict[str, Any] = json.loads(opened)
    return told
