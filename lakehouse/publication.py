"""What readers see: one file names the Delta version of every gold table of the last run that passed its gates.

Replacing that file is the publication, one atomic rename for all tables (docs/decisions/0003-publication.md).
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from deltalake import DeltaTable

from lakehouse.catalog import tables_on_disk
from lakehouse.settings import Settings

POINTER = "published.json"


@dataclass(frozen=True)
class Publication:
    """One published set: the versions of its tables, and what it was made from.

    `fingerprint` stands for everything that a run depends on: batches, source definitions, code, day and seed.
    """

    run_id: str
    published_at: str
    as_of_on: str
    fingerprint: str
    tables: dict[str, int]


def current(settings: Settings) -> Publication | None:
    """The set that readers see now, or None before the first."""
    path = settings.home / POINTER
    if not path.exists():
        return None
    return Publication(**json.loads(path.read_text(encoding="utf-8")))


def publish(settings: Settings, run_id: str, published_at: datetime, as_of_on: str, fingerprint: str) -> Publication:
    """Make the newest version of every gold table the one that readers see, all in one step."""
    versions = {
        f"{schema}.{table}": DeltaTable(settings.table_path(schema, table)).version()
        for schema, table in tables_on_disk(settings.tables_dir)
        if schema == "gold"
    }
    publication = Publication(run_id, published_at.isoformat(timespec="seconds"), as_of_on, fingerprint, versions)
    replace_file(settings.home / POINTER, json.dumps(asdict(publication), indent=1))
    return publication


def replace_file(path: Path, text: str) -> None:
    """Write a file so that a reader, or a power cut, finds the old one or the new one."""
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    with open(scratch, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    os.replace(scratch, path)
