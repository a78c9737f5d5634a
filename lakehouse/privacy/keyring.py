"""One data key for each person, wrapped by the master key, in a file of their own outside the tables.

They are in no Delta table on purpose: its old versions would keep a key that was destroyed. SQLite overwrites what is
deleted (`secure_delete`). A copy of this file from before is opened only by the master key of then: `rotate` after an
erasure, and old copies open nothing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lakehouse.errors import InputError, LakehouseError
from lakehouse.privacy.master_key import KEY_BYTES, KeySource, key_id, key_source, new_key
from lakehouse.settings import Settings

NONCE_BYTES = 12
ROTATED_AT_ONCE = 20_000
PSEUDONYMS, AUDIT = "#pseudonyms", "#audit"
"""Keys of the whole house beside those of persons, whose names never begin so."""
OF_BATCHES = "batch:"
"""How the names begin of keys of what is of nobody, a batch each."""
OTHER_KEYS = "~"
"""So begin names of what is no person's and never had a key: cookies and accounts of the erased."""
_SCHEMA = """
create table if not exists keys (
    subject_id text primary key,
    wrapped blob,
    master_id text,
    made_at text not null,
    destroyed_at text
) without rowid;
create index if not exists keys_by_master on keys (master_id);
create table if not exists facts (name text primary key, value text not null) without rowid;
"""


@dataclass(frozen=True)
class KeyringStatus:
    """What `lakehouse keys status` tells: `by_master` counts the keys under each master key, by that one's id."""

    master_key: str
    master_ids: tuple[str, ...]
    subjects: int
    destroyed: int
    by_master: dict[str, int]
    is_open_to_others: bool

    @property
    def waiting(self) -> int:
        """Keys that are not under the newest master key."""
        newest = self.master_ids[0] if self.master_ids else None
        return sum(count for master, count in self.by_master.items() if master != newest)


class Keyring:
    """The data keys of a home. Use `open_keyring`, or `Keyring.make` for the first time."""

    def __init__(self, settings: Settings, source: KeySource, masters: dict[str, bytes]) -> None:
        self.source = source
        self._masters = {name: AESGCM(key) for name, key in masters.items()}
        self._newest = next(iter(masters))
        self._path = settings.keys_dir / "keyring.db"
        self._db = _connect(settings)

    def __enter__(self) -> Keyring:
        return self

    def __exit__(self, *fault: object) -> None:
        self._db.close()

    def house_key(self, name: str) -> bytes:
        """A key of the whole house: `PSEUDONYMS` or `AUDIT`."""
        return self.keys_for([name])[name]

    def keys_for(self, subjects: Iterable[str]) -> dict[str, bytes]:
        """The key of each person, made where there is none yet; those whose key was destroyed are left out.

        All of them are on the disk when this returns.

        Raises:
            InputError: a master key that some are wrapped by is not there.
        """
        wanted = sorted(set(subjects))
        found = self._held(wanted)
        keys = {name: self._unwrap(name, master, wrapped) for name, master, wrapped in found if wrapped is not None}
        known = {name for name, _, _ in found}
        made = {name: new_key() for name in wanted if name not in known}
        now = _now()
        rows = [(name, self._wrap(name, key), self._newest, now) for name, key in made.items()]
        with self._db:
            self._db.executemany("insert into keys (subject_id, wrapped, master_id, made_at) values (?, ?, ?, ?)", rows)
        return keys | made

    def held(self, subjects: Iterable[str]) -> dict[str, bytes]:
        """The keys of those persons who have one; none is made.

        Raises:
            InputError: see `keys_for`.
        """
        found = self._held(sorted(set(subjects)))
        return {name: self._unwrap(name, master, wrapped) for name, master, wrapped in found if wrapped is not None}

    def destroyed(self, subjects: Iterable[str]) -> set[str]:
        """Those of the persons whose key was destroyed."""
        return {name for name, _, wrapped in self._held(sorted(set(subjects))) if wrapped is None}

    def all_destroyed(self) -> set[str]:
        """Everybody whose key was destroyed."""
        return {name for (name,) in self._db.execute("select subject_id from keys where wrapped is null")}

    def destroy(self, subjects: Iterable[str]) -> int:
        """Destroy the keys of these persons for good; their names stay, so that they are not given new ones.

        Persons without a key are marked in the same way. Returns the number of keys that were there.
        """
        names = [(name,) for name in sorted(set(subjects))]
        if any(name.startswith("#") for (name,) in names):
            raise LakehouseError("a key of the whole house is not destroyed")
        now = _now()
        with self._db:
            before = len([None for _, _, wrapped in self._held([name for (name,) in names]) if wrapped is not None])
            self._db.executemany(
                "insert into keys (subject_id, made_at, destroyed_at) values (?, ?, ?) on conflict (subject_id) do "
                "update set wrapped = null, master_id = null, destroyed_at = coalesce(destroyed_at, ?)",
                [(name, now, now, now) for (name,) in names],
            )
        return before

    def forget(self, subjects: Iterable[str]) -> int:
        """Destroy the keys of these persons and keep no name of theirs: should they come again, they get new ones.

        Returns the number of keys that were there; the names of those whose key was destroyed stay.
        """
        names = sorted(set(subjects))
        if any(name.startswith("#") for name in names):
            raise LakehouseError("a key of the whole house is not destroyed")
        there = [(name,) for name, _, wrapped in self._held(names) if wrapped is not None]
        with self._db:
            self._db.executemany("delete from keys where subject_id = ?", there)
        return len(there)

    def rotate(self, progress: Callable[[int, int], None] = lambda done, of: None) -> int:
        """Wrap every key by a new master key, without touching what they encrypted; a killed one is continued.

        Where the source has several master keys already, their first is the new one. Returns the keys wrapped anew.

        Raises:
            InputError: a person must put a new master key in place, or one that is needed is not there.
        """
        if self._waiting() == 0 and len(self._masters) == 1:
            key = new_key()
            self.source.add(key)
            self._masters = {key_id(key): AESGCM(key), **self._masters}
            self._newest = key_id(key)
        done, of = 0, self._waiting()
        while rows := self._db.execute(
            "select subject_id, master_id, wrapped from keys where master_id <> ? limit ?",
            (self._newest, ROTATED_AT_ONCE),
        ).fetchall():
            anew = [(self._wrap(n, self._unwrap(n, master, wrapped)), self._newest, n) for n, master, wrapped in rows]
            with self._db:
                self._db.executemany("update keys set wrapped = ?, master_id = ? where subject_id = ?", anew)
            done += len(rows)
            progress(done, of)
        if len(self._masters) > 1:
            self.source.keep_newest()
        return done

    def fact(self, name: str) -> str | None:
        """A remark kept beside the keys."""
        found = self._db.execute("select value from facts where name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    def note(self, name: str, value: str) -> None:
        """Keep a remark beside the keys."""
        with self._db:
            self._db.execute("insert or replace into facts (name, value) values (?, ?)", (name, value))

    def _waiting(self) -> int:
        return int(self._db.execute("select count(*) from keys where master_id <> ?", (self._newest,)).fetchone()[0])

    def _held(self, names: list[str]) -> list[tuple[str, str, bytes | None]]:
        self._db.execute("create temp table if not exists wanted (subject_id text primary key) without rowid")
        self._db.execute("delete from wanted")
        self._db.executemany("insert into wanted values (?)", [(name,) for name in names])
        found = self._db.execute("select subject_id, master_id, wrapped from keys join wanted using (subject_id)")
        return found.fetchall()

    def _wrap(self, name: str, key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._masters[self._newest].encrypt(nonce, key, _bound_to(name))

    def _unwrap(self, name: str, master: str, wrapped: bytes) -> bytes:
        opener = self._masters.get(master)
        if opener is None:
            raise InputError(_not_the_key(self.source, list(self._masters), master))
        try:
            key = opener.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _bound_to(name))
        except InvalidTag:
            key = b""
        if len(key) != KEY_BYTES:
            raise LakehouseError(f"{self._path} is damaged: a key in it does not open; bring the file's copy back")
        return key


def open_keyring(settings: Settings, make: bool = False) -> Keyring:
    """The keys of a home.

    Args:
        make: where the home has none yet, begin; where no place is set for it, a master key is made in the home.

    Raises:
        InputError: there are none yet, or the master key is lost, wrong or none. One sentence says which.
    """
    source = key_source(settings)
    masters = {key_id(key): key for key in source.read()}
    used = _masters_used(settings)
    if not masters and used:
        raise InputError(
            f"the master key is not in {source.name}, and without it nobody can read the vault of {settings.home}: "
            f"bring the key {used[0]} back from where you keep its copy"
        )
    if not masters and make and settings.master_key_from is None:
        source.add(new_key())
        masters = {key_id(key): key for key in source.read()}
    if not masters:
        raise InputError(f"there is no master key in {source.name}: `lakehouse keys init` makes or asks for one")
    if not used and not make:
        raise InputError(f"{settings.home} has no keys yet: `lakehouse keys init`, or the next run, makes them")
    if used and not set(used) & masters.keys():
        raise InputError(_not_the_key(source, list(masters), used[0]))
    ring = Keyring(settings, source, masters)
    if make:
        ring.keys_for([PSEUDONYMS, AUDIT])
    return ring


def initialise(settings: Settings) -> KeyringStatus:
    """Make the master key, where that can be done here, and the keys of the house; what is there stays.

    Raises:
        InputError: see `open_keyring`, and where a person must put the master key in place.
    """
    source = key_source(settings)
    if not source.read() and not _masters_used(settings):
        source.add(new_key())
    with open_keyring(settings, make=True):
        pass
    return status(settings)


def status(settings: Settings) -> KeyringStatus:
    """What keys there are.

    Raises:
        InputError: the master key cannot be read.
    """
    source = key_source(settings)
    ids = tuple(key_id(key) for key in source.read())
    counts: dict[str, int] = {}
    subjects = destroyed = 0
    if (settings.keys_dir / "keyring.db").exists():
        with closing(_connect(settings)) as db:
            grouped = db.execute("select master_id, count(*) from keys where wrapped is not null group by master_id")
            counts = dict(grouped.fetchall())
            persons = (
                f"from keys where substr(subject_id, 1, 1) not in ('#', '{OTHER_KEYS}') and "
                f"substr(subject_id, 1, {len(OF_BATCHES)}) <> '{OF_BATCHES}' and wrapped is"
            )
            subjects = db.execute(f"select count(*) {persons} not null").fetchone()[0]
            destroyed = db.execute(f"select count(*) {persons} null").fetchone()[0]
    return KeyringStatus(source.name, ids, subjects, destroyed, counts, getattr(source, "is_open_to_others", False))


def _not_the_key(source: KeySource, there: list[str], wanted: str) -> str:
    return (
        f"the master key in {source.name} ({', '.join(there)}) is not the one that the vault's keys are wrapped by "
        f"({wanted}): put that one there; if you are rotating keys, the new one first and that one after it"
    )


def _masters_used(settings: Settings) -> list[str]:
    """Ids of the master keys that keys of this home are wrapped by, the most used first."""
    if not (settings.keys_dir / "keyring.db").exists():
        return []
    with closing(_connect(settings)) as db:
        counted = "select master_id from keys where wrapped is not null group by master_id order by count(*) desc"
        return [row[0] for row in db.execute(counted)]


def _connect(settings: Settings) -> sqlite3.Connection:
    path = settings.keys_dir / "keyring.db"
    with _told_plainly(settings):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.chmod(0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        db = sqlite3.connect(path, timeout=60)
        db.execute("pragma secure_delete = on")
        db.executescript(_SCHEMA)
    return db


@contextmanager
def _told_plainly(settings: Settings) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise LakehouseError(f"the keys in {settings.keys_dir} cannot be opened: {error}") from None


def _bound_to(name: str) -> bytes:
    """What a wrapped key is bound to, so that one person's cannot be put in another's place."""
    return b"lakehouse data key\x00" + name.encode()


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
