"""Which step a run is in, so that the next run can tell where a killed one ended."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime

from lakehouse import ops
from lakehouse.atomic_file import replace_file
from lakehouse.settings import Settings


@dataclass(frozen=True)
class Running:
    """A step that was begun."""

    run_id: str
    step: str
    started_at: str


class Marker:
    """One file of the home that is there while a step is worked on; each step that ended has its row of `ops.runs`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = settings.home / "running.json"

    def begin(self, run_id: str, step: str, started_at: datetime) -> None:
        """Write down that the step is about to be done."""
        replace_file(self._path, json.dumps(asdict(Running(run_id, step, started_at.isoformat()))))

    def end(self, state: str, ended_at: datetime, rows: int | None, as_of_on: date | None, message: str) -> None:
        """Write the step's row, then forget it."""
        begun = self._read()
        if begun is not None:
            self._append(begun, state, ended_at=ended_at, rows=rows, as_of_on=as_of_on, message=message)
        self._path.unlink(missing_ok=True)

    def settle(self) -> Running | None:
        """Give the step that a killed run was in its row, state `killed`; None where the last run ended by itself."""
        begun = self._read()
        if begun is not None:
            self._append(begun, "killed", message="the process ended in the middle; the next run continued")
            self._path.unlink()
        return begun

    def _read(self) -> Running | None:
        try:
            return Running(**json.loads(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def _append(self, begun: Running, state: str, **more: object) -> None:
        started_at = datetime.fromisoformat(begun.started_at)
        row = {"run_id": begun.run_id, "step": begun.step, "state": state, "started_at": started_at, **more}
        ops.append(self._settings, "runs", [row])
