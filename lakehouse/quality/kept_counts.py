"""What files of a table were found to hold, kept while the table has them: Delta never changes a file.

Rows that break a condition add up over files, so a gate over an increment reads the new files only. Counts are kept in
the home's `file_counts`, a JSON file per table; what was counted by other code is not believed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from lakehouse.atomic_file import replace_file
from lakehouse.builds import digest
from lakehouse.settings import Settings

FOLDER = "file_counts"
WORTH_KEEPING = 50_000
"""Rows of a table; fewer are counted sooner than looked up."""


class KeptCounts:
    """Numbers by name, each about one file or some files of a table, with the time at which they were counted.

    Args:
        path: where they are kept, None to keep them as long as this object lives.
        judge: a digest of the code that counts.
    """

    def __init__(self, path: Path | None = None, judge: str = "") -> None:
        self._path, self._judge = path, judge
        self._entries: dict[str, dict[str, Any]] = {}
        self._asked: set[str] = set()
        self._is_new = False
        if path is None:
            return
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            self._entries = content["counts"] if content["judge"] == judge else {}
        except (OSError, ValueError, TypeError, KeyError):
            self._entries = {}  # counted again

    def get(self, what: Any, files: Collection[str], since: datetime | None = None) -> Any:
        """What was found of these files, None where it is not known or was counted after `since`."""
        key = _key(what, files)
        entry = self._entries.get(key)
        if entry is None or (since is not None and datetime.fromisoformat(entry["at"]) > since):
            return None
        self._asked.add(key)
        return entry["found"]

    def put(self, what: Any, files: Collection[str], found: Any, at: datetime) -> None:
        """Keep what was found of these files."""
        key = _key(what, files)
        self._asked.add(key)
        self._entries[key] = {"found": found, "at": at.isoformat()}
        self._is_new = True

    def save(self) -> None:
        """Write down what was asked for since it was read; the rest is about files that are gone."""
        if self._path is not None and self._is_new:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            counts = {key: self._entries[key] for key in sorted(self._asked)}
            replace_file(self._path, json.dumps({"judge": self._judge, "counts": counts}))


def kept_counts(settings: Settings, table: str, judge: str) -> KeptCounts:
    """The counts of the table `schema.table`."""
    return KeptCounts(settings.home / FOLDER / f"{table}.json", judge)


def sharing(files: Sequence[str], may_share: Any) -> list[list[str]]:
    """The files in groups, such that no two of different groups may share a value.

    Args:
        may_share: whether two files may.
    """
    groups: list[list[str]] = []
    for file in files:
        met = [group for group in groups if any(may_share(file, other) for other in group)]
        groups = [group for group in groups if group not in met]
        groups.append([*(one for group in met for one in group), file])
    return groups


def _key(what: Any, files: Collection[str]) -> str:
    return digest([what, sorted(files)])[:32]
