"""What readers see: one file names the Delta version of every gold table of the runs that passed their gates.

Replacing that file is the publication, one atomic rename for all tables (docs/decisions/0003-publication.md). It keeps
the last sets, so that an older one can be made current again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

import pyarrow as pa

from lakehouse.errors import InputError
from lakehouse.settings import Settings
from lakehouse.storage import delta_table, list_tables, read_text, replace_text, sizes

POINTER = "published.json"


@dataclass(frozen=True)
class Publication:
    """One published set: the versions of its tables, and what it was made from.

    `fingerprint` stands for everything that a run depends on: batches, source definitions, code, day and seed.
    `sources` counts the batches of each source, `rules` the verdicts of the gates (passed, failed).
    """

    run_id: str
    published_at: str
    as_of_on: str
    fingerprint: str
    tables: dict[str, int]
    version: int = 1
    sources: dict[str, int] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Shelf:
    """The sets that can be made current, oldest first, and which one is.

    `held_back` is the fingerprint of the set that a rollback took away: a run that would only make it again publishes
    nothing.
    """

    current: int | None = None
    sets: tuple[Publication, ...] = ()
    held_back: str = ""

    def find(self, version: int | None) -> Publication | None:
        """The set of that number."""
        return next((one for one in self.sets if one.version == version), None)


def shelf(settings: Settings) -> Shelf:
    """All retained sets of a home."""
    text = read_text(settings, POINTER)
    if text is None:
        return Shelf()
    content = json.loads(text)
    if "sets" not in content:  # a home of 0.1: the pointer was the set
        content = {"current": 1, "held_back": "", "sets": [content]}
    sets = tuple(Publication(**one) for one in content["sets"])
    return Shelf(content["current"], sets, content["held_back"])


def current(settings: Settings) -> Publication | None:
    """The set that readers see now, or None before the first."""
    kept = shelf(settings)
    return kept.find(kept.current)


def publish(
    settings: Settings,
    run_id: str,
    published_at: datetime,
    as_of_on: str,
    fingerprint: str,
    sources: Mapping[str, int] | None = None,
    rules: Mapping[str, int] | None = None,
) -> Publication:
    """Make the newest version of every gold table the one that readers see, all in one step.

    Only the last `retained_publications` sets stay on the shelf.
    """
    kept = shelf(settings)
    made = Publication(
        run_id=run_id,
        published_at=published_at.isoformat(timespec="seconds"),
        as_of_on=as_of_on,
        fingerprint=fingerprint,
        tables=gold_versions(settings),
        version=1 + max((one.version for one in kept.sets), default=0),
        sources=dict(sources or {}),
        rules=dict(rules or {}),
    )
    _write(settings, Shelf(made.version, (*kept.sets, made)[-settings.retained_publications :]))
    return made


def replace_tables(settings: Settings, versions: Mapping[str, int], published_at: datetime) -> Publication | None:
    """Publish the set that readers see with other versions of some tables, in one step; None where none is published.

    No other set that names one of these tables is offered any more: what they name of it is about to go.
    """
    kept = shelf(settings)
    seen = kept.find(kept.current)
    if seen is None or all(seen.tables.get(name) == version for name, version in versions.items()):
        return seen
    made = replace(
        seen,
        published_at=published_at.isoformat(timespec="seconds"),
        tables=seen.tables | {name: version for name, version in versions.items() if name in seen.tables},
        version=1 + max(one.version for one in kept.sets),
    )
    staying = tuple(one for one in kept.sets if one.tables.keys().isdisjoint(versions))
    _write(settings, replace(kept, current=made.version, sets=(*staying, made)))
    return made


def rollback(settings: Settings, version: int) -> Publication:
    """Make an older (or again a newer) set current, in one step.

    A run that finds the same input as the set that is taken away leaves readers with the older one; the next new batch
    publishes again.

    Raises:
        InputError: no such set is kept, or one of its tables has lost its files.
    """
    kept = shelf(settings)
    chosen = kept.find(version)
    if chosen is None:
        known = ", ".join(str(one.version) for one in kept.sets) or "none"
        raise InputError(f"there is no published set {version}; kept are {known} (`lakehouse versions` lists them)")
    for name, table_version in chosen.tables.items():
        if not _is_whole(settings, name, table_version):
            raise InputError(f"set {version} cannot be made current: files of {name} version {table_version} are gone")
    newest = kept.sets[-1]
    held_back = newest.fingerprint if chosen is not newest else ""
    _write(settings, replace(kept, current=version, held_back=held_back))
    return chosen


def gold_versions(settings: Settings) -> dict[str, int]:
    """The newest version of every gold table, by full name."""
    return {
        f"{schema}.{table}": int(delta_table(settings, f"{schema}.{table}").version())
        for schema, table in list_tables(settings)
        if schema == "gold"
    }


def retained_versions(settings: Settings) -> dict[str, set[int]]:
    """The versions of every gold table that some kept set names: those that VACUUM must leave whole."""
    versions: dict[str, set[int]] = {}
    for one in shelf(settings).sets:
        for name, version in one.tables.items():
            versions.setdefault(name, set()).add(version)
    return versions


def _is_whole(settings: Settings, name: str, version: int) -> bool:
    try:
        actions = delta_table(settings, name, version).get_add_actions(flatten=True)
    except Exception:  # delta-rs: the log itself is gone
        return False
    files = pa.table(actions).column("path").to_pylist()
    return len(sizes(settings, name, files)) == len(files)


def _write(settings: Settings, kept: Shelf) -> None:
    content = {"current": kept.current, "held_back": kept.held_back, "sets": [asdict(one) for one in kept.sets]}
    replace_text(settings, POINTER, json.dumps(content, indent=1))
