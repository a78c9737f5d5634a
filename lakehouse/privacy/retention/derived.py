"""What is made of rows that went: the next run makes it anew, and then what was made before goes, in every version."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from lakehouse import publication
from lakehouse.atomic_file import replace_file
from lakehouse.builds import Ledger, table_state
from lakehouse.privacy.erasure import tables
from lakehouse.settings import Settings
from lakehouse.storage import has_table, list_tables

WAITING = "expired.json"
"""In which state each table of `gold` and `ml`, and each of silver that is made of columns that went, was before."""


def note(settings: Settings, expiry: str, silver: Collection[str], is_made_anew: bool) -> None:
    """Remember the tables as they are, unless they wait for a run already.

    Args:
        silver: tables whose rows stay and are made anew.
    """
    waiting = _waiting(settings)
    if not is_made_anew or waiting.get("expiry") == expiry:
        return
    now = {name: table_state(settings, name) for name in _made(settings, silver)}
    replace_file(settings.home / WAITING, json.dumps({"expiry": expiry, "states": now | waiting.get("states", {})}))


def tasks_of(settings: Settings, made: Collection[str]) -> list[str]:
    """The models that learn from one of these tables."""
    from ml.store import has_store
    from ml.tasks import TASKS

    if not has_store(settings):
        return []
    return [name for name, task in TASKS.items() if any(f"gold.{table}" in made for table in task.reads)]


def outdate(settings: Settings, tasks: Iterable[str], expiry: str) -> None:
    """Let the next run train these models anew: none of theirs serves longer."""
    from ml import champions

    for task in tasks:
        champions.outdate(settings, task, expiry)


def settle(settings: Settings, now: datetime) -> int:
    """After a run that published: end the past of every table that it made anew, and of the sets that name them.

    Returns:
        How many tables.
    """
    waiting = _waiting(settings)
    if not waiting:
        return 0
    silver = [name for name in waiting["states"] if name.startswith("silver.")]
    anew = {name: state for name in _made(settings, silver) for state in [table_state(settings, name)]}
    anew = {name: state for name, state in anew.items() if state != waiting["states"].get(name, state)}
    ledger, versions = Ledger(settings), {}
    for name, before in anew.items():
        versions[name] = tables.end_history(settings, name, waiting["expiry"])
        ledger.moved(name, before)
    publication.replace_tables(settings, {n: v for n, v in versions.items() if n.startswith("gold.")}, now)
    for name in versions:
        tables.forget_past(settings, name, lambda removed: None)
    (settings.home / WAITING).unlink()
    return len(versions)


def _made(settings: Settings, silver: Collection[str]) -> list[str]:
    names = [f"{schema}.{table}" for schema, table in list_tables(settings)]
    names = [name for name in names if name.startswith(("gold.", "ml.")) or name in silver]
    return [name for name in names if has_table(settings, name)]


def _waiting(settings: Settings) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads((settings.home / WAITING).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return told
