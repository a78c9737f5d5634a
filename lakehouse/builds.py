"""What was built from what: a node whose inputs are those of its last build is not built again.

The ledger is one file of the home, `builds.json`, replaced after every node. It may lag behind the tables, never run
ahead: an entry holds only while its tables are in the state that it names. What is about to be built is written down
first, under a token that every commit carries (Delta's `userMetadata`): so a kill between a commit and its entry loses
nothing, and an increment is never merged twice.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterable, Mapping, Set
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lakehouse.atomic_file import replace_file
from lakehouse.cluster.lease import confirm_held
from lakehouse.settings import Settings
from lakehouse.storage import delta_table, find_table

LEDGER = "builds.json"
CHANGE_DATA = "delta.enableChangeDataFeed"
LARGEST_INCREMENT = 0.3
"""More of a table than this, new or touched, and it is made whole."""


@dataclass(frozen=True)
class Build:
    """A finished node: the digest of all it depends on, and the state of every table it wrote.

    A node that can grow by increments also says of which batches it is made (batch -> rows), a digest of what else its
    rows come from, its text and the definitions of the sources, and the models it read (name -> their signature). One
    that follows the changes of other tables says in which state they were, and the day that it is valid for.
    """

    signature: str
    tables: dict[str, str] = field(default_factory=dict)
    batches: dict[str, int] = field(default_factory=dict)
    rest: str = ""
    read: dict[str, str] = field(default_factory=dict)
    followed: dict[str, str] = field(default_factory=dict)
    as_of_on: str = ""


@dataclass(frozen=True)
class Intent:
    """What is being built now; the commits that do it carry the token."""

    token: str = ""
    builds: dict[str, Build] = field(default_factory=dict)


class Ledger:
    """The builds of a home, by node name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = settings.home / LEDGER
        self._lock = threading.Lock()
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            self._builds = {name: Build(**one) for name, one in content["builds"].items()}
            self._intended = Intent(content["token"], {n: Build(**one) for n, one in content["intended"].items()})
        except (OSError, ValueError, TypeError, KeyError):
            self._builds, self._intended = {}, Intent()  # built again at worst
        self._adopt()

    def is_fresh(self, node: str, signature: str) -> bool:
        """Whether the node was built from exactly this, and its tables are as it left them."""
        build = self._builds.get(node)
        return (
            build is not None
            and build.signature == signature
            and all(table_state(self._settings, name) == state for name, state in build.tables.items())
        )

    def increment(self, node: str, wanted: Build, may_lose: bool = False) -> dict[str, list[str]] | None:
        """The batches that are `new` to the node, those that have `gone`, the models it reads that have `changed`.

        None where it is made anew. It takes an increment where its table is as it was left, the rest that its rows come
        from is the same, it has `increments_from_rows` or more and the new batches bring at most `LARGEST_INCREMENT`
        of them: otherwise the whole costs less than the merge.

        Args:
            wanted: what the node is to be.
            may_lose: the node can let go of a batch; one that cannot is made anew when one has gone.
        """
        build = self._builds.get(node)
        if build is None or not build.rest or build.rest != wanted.rest:
            return None
        if any(table_state(self._settings, name) != state for name, state in build.tables.items()):
            return None
        new = sorted(wanted.batches.keys() - build.batches.keys())
        gone = sorted(build.batches.keys() - wanted.batches.keys())
        changed = sorted(name for name, signature in wanted.read.items() if build.read.get(name) != signature)
        rows = sum(wanted.batches.values())
        new_rows = sum(wanted.batches[batch] for batch in new)
        if rows < self._settings.increments_from_rows or new_rows > LARGEST_INCREMENT * rows:
            return None
        return None if gone and not may_lose else {"new": new, "gone": gone, "changed": changed}

    def changes(self, node: str, wanted: Build, rebuilt: Set[str]) -> dict[str, Any] | None:
        """Of each table that the node follows and that moved the version `since`; and the `day` that it is valid for.

        Tables that `may_move` yet are among them; whether too `much` is touched is found when the node is built. None
        where it is made anew: as for `increment`, and where a table's changes are not on record any more.

        Args:
            wanted: what the node is to be.
            rebuilt: tables that are built before the node in the same dbt invocation, and may move yet.
        """
        build = self._builds.get(node)
        if build is None or not build.rest or build.rest != wanted.rest or not build.followed:
            return None
        if build.followed.keys() != wanted.followed.keys() or wanted.as_of_on < build.as_of_on:
            return None
        if any(table_state(self._settings, name) != state for name, state in build.tables.items()):
            return None
        if sum(wanted.batches.values()) < self._settings.increments_from_rows:
            return None
        since = {}
        for table, state in build.followed.items():
            if table in rebuilt or table_state(self._settings, table) != state:
                version = _version_on_record(self._settings, table, state)
                if version is None:
                    return None
                since[table] = version
        may_move = sorted(since.keys() & rebuilt)
        return {"since": since, "may_move": may_move, "day": build.as_of_on, "much": LARGEST_INCREMENT}

    def intend(self, token: str, builds: Mapping[str, Build]) -> None:
        """Write down what is about to be built, by node; `tables` of each names the table, without a state."""
        with self._lock:
            self._intended = Intent(token, dict(builds))
            self._save()

    def finished(self, node: str) -> None:
        """Write down that an intended node is built; call it after its table is committed."""
        build = self._intended.builds[node]
        self._put(node, build)

    def record(self, node: str, signature: str, tables: Iterable[str] = ()) -> None:
        """Write down that the node is built; call it after its tables are committed."""
        self._put(node, Build(signature, dict.fromkeys(tables, "")))

    def moved(self, table: str, before: str) -> None:
        """Write down that a table was rewritten without a change of its rows (OPTIMIZE)."""
        now = table_state(self._settings, table)
        with self._lock:
            for node, build in self._builds.items():
                if build.tables.get(table) == before:
                    self._builds[node] = build = replace(build, tables={**build.tables, table: now})
                if build.followed.get(table) == before:
                    self._builds[node] = replace(build, followed={**build.followed, table: now})
            self._save()

    def forget_all_but_merged(self) -> None:
        """Let everything be built anew but the tables whose rows each come of one row of bronze, as an erasure wants:
        what is counted, ranked or learnt of the others is not what it would be without the erased."""
        with self._lock:
            self._builds = {name: one for name, one in self._builds.items() if one.batches and not one.followed}
            self._intended = Intent()
            self._save()

    def _put(self, node: str, build: Build) -> None:
        states = {name: table_state(self._settings, name) for name in build.tables}
        followed = {name: table_state(self._settings, name) for name in build.followed}
        with self._lock:
            self._builds[node] = replace(build, tables=states, followed=followed)
            self._save()

    def _adopt(self) -> None:
        """Take up what a killed run had committed and not yet written down."""
        for node, build in self._intended.builds.items():
            known = self._builds.get(node)
            if (known is None or known.signature != build.signature) and build.tables:
                tokens = {_last_token(self._settings, name) for name in build.tables}
                if tokens == {self._intended.token}:
                    self._put(node, build)

    def _save(self) -> None:
        confirm_held()
        content = {
            "builds": {name: asdict(build) for name, build in sorted(self._builds.items())},
            "token": self._intended.token,
            "intended": {name: asdict(build) for name, build in sorted(self._intended.builds.items())},
        }
        replace_file(self._path, json.dumps(content, indent=1))


def _last_token(settings: Settings, table: str) -> str | None:
    found = find_table(settings, table)
    last = [] if found is None else found.history(1)
    return str(last[0].get("userMetadata")) if last else None


def _version_on_record(settings: Settings, table: str, state: str) -> int | None:
    """The version of a state whose later changes can all be read.

    None where another table was put in its place, it keeps no change data, or VACUUM may have taken what those changes
    are told by.
    """
    identity, _, version = state.partition("@")
    try:
        then, now = delta_table(settings, table, int(version)).metadata(), delta_table(settings, table)
        later = now.history(now.version() - int(version))
    except Exception:  # delta-rs: no table, or its log does not reach back so far
        return None
    oldest = min((commit["timestamp"] for commit in later), default=None)
    kept_since = (time.time() - settings.retention_hours * 3600) * 1000
    is_told = then.id == identity and all(
        metadata.configuration.get(CHANGE_DATA) == "true" for metadata in (then, now.metadata())
    )
    return int(version) if is_told and (oldest is None or oldest > kept_since) else None


def table_state(settings: Settings, table: str) -> str:
    """Identity and version of a Delta table; empty where there is none. Equal states hold equal rows."""
    delta = find_table(settings, table)
    return "" if delta is None else f"{delta.metadata().id}@{delta.version()}"


def digest(content: Any) -> str:
    """A SHA-256 over anything that JSON can say; mappings in any order."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def files_digest(files: Iterable[Path], root: Path) -> str:
    """A SHA-256 over names and contents."""
    together = hashlib.sha256()
    for path in sorted(files):
        together.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return together.hexdigest()


def signatures(parents: Mapping[str, Iterable[str]], own: Mapping[str, str]) -> dict[str, str]:
    """A digest for each node over its own and, through its parents, over all that it is made from.

    Args:
        parents: node -> the nodes that it reads; without a cycle.
        own: node -> a digest of what is its own (its text; for a root its content).
    """
    found: dict[str, str] = {}

    def of(node: str) -> str:
        if node not in found:
            found[node] = digest([own.get(node, ""), sorted((parent, of(parent)) for parent in parents.get(node, ()))])
        return found[node]

    for node in parents:
        of(node)
    return found
