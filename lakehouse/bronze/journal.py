"""What is being landed, written down first: after a kill, unfinished batches are taken back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lakehouse import ops
from lakehouse.atomic_file import replace_file
from lakehouse.bronze import tables
from lakehouse.bronze.batch import Batch
from lakehouse.bronze.streams import written_plainly
from lakehouse.settings import Settings
from lakehouse.storage import delta_table


class Journal:
    """The batches begun and not yet in `ops.loads`, in one file of the home."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path: Path = settings.home / "landing.json"
        self._begun: list[list[str]] = []

    def recover(self, loads: Sequence[Mapping[str, Any]]) -> None:
        """Take back what a killed landing left behind."""
        if not self._path.exists():
            return
        done = {row["batch_id"] for row in loads if row["is_current"]}
        for source, entity, batch_id in json.loads(self._path.read_text(encoding="utf-8") or "[]"):
            if batch_id not in done:
                tables.delete_batch(self._settings, source, entity, batch_id)
        self._path.unlink()

    def begin(self, batch: Batch) -> None:
        """Write down that this batch is about to be written."""
        self._begun.append([batch.source, batch.entity, batch.batch_id])
        with written_plainly(self._settings.home):
            replace_file(self._path, json.dumps(self._begun))

    def take_back(self, batch: Batch) -> None:
        """Remove what a failed batch has written."""
        tables.delete_batch(self._settings, batch.source, batch.entity, batch.batch_id)

    def commit(
        self,
        rows: Sequence[Mapping[str, Any]],
        superseded_batch_ids: Sequence[str],
        known_of_batches: Mapping[str, list[dict[str, Any]]] = MappingProxyType({}),
    ) -> None:
        """Write `ops.loads`: earlier batches are current no longer, these rows are; then forget what was begun.

        Args:
            known_of_batches: rows of other `ops` tables about the batches, written first: a kill in between leaves
                rows of batches that were begun, and those are taken back. What is written is taken out of the lists,
                so that a commit that failed and is tried again does not write it twice.
        """
        with written_plainly(self._settings.home):
            for name, known in known_of_batches.items():
                ops.append(self._settings, name, known)
                known.clear()
            table = delta_table(self._settings, "ops.loads")
            if superseded_batch_ids:
                table.update(predicate=_one_of(superseded_batch_ids), updates={"is_current": "false"})
            if rows:
                table.delete(_one_of([row["batch_id"] for row in rows]))
                ops.append(self._settings, "loads", rows)
        self._begun.clear()
        self._path.unlink(missing_ok=True)


def _one_of(batch_ids: Sequence[str]) -> str:
    listed = ", ".join(f"'{batch_id}'" for batch_id in batch_ids)
    return f"batch_id IN ({listed})"
