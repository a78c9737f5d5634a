"""What a run says, one JSON object a line: written by a run in a pod, read by who follows its log.

A line of progress begins with `{"lakehouse": `; any other line of the log is log. The events are the calls of
`Progress`, and `summary` and `failed`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any, TextIO

from lakehouse.pipeline import Progress, StepResult

MARK = "lakehouse"
_BEGINNING = f'{{"{MARK}": '
SECONDS_BETWEEN_ADVANCES = 1.0


class ProgressLines(Progress):
    """Writes each event as a line, at once; advances within a step at most once a second."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._advanced_at = float("-inf")
        self._lock = threading.Lock()

    def begun(self, sources: str, home: str) -> None:
        self._write("begun", sources=sources, home=home)

    def started(self, step: str, title: str) -> None:
        self._write("started", step=step, title=title)

    def advanced(self, step: str, what: str) -> None:
        now = self._clock()
        if now - self._advanced_at >= SECONDS_BETWEEN_ADVANCES:
            self._advanced_at = now
            self._write("advanced", step=step, what=what)

    def ended(self, step: str, result: StepResult, seconds: float) -> None:
        self._write("ended", step=step, rows=result.rows, message=result.message, seconds=round(seconds, 1))

    def skipped(self, step: str, title: str, why: str) -> None:
        self._write("skipped", step=step, title=title, why=why)

    def noted(self, what: str) -> None:
        self._write("noted", what=what)

    def summary(self, summary: dict[str, Any]) -> None:
        """The run is published; this is what it ends with."""
        self._write("summary", summary=summary)

    def failed(self, sentence: str, exit_code: int) -> None:
        """The run ends with this error."""
        self._write("failed", sentence=sentence, exit_code=exit_code)

    def _write(self, event: str, **more: Any) -> None:
        line = json.dumps({MARK: event, **more}, ensure_ascii=False, default=str)
        with self._lock:
            self._out.write(line + "\n")
            self._out.flush()


def event_of(line: str) -> dict[str, Any] | None:
    """The event that a line of a log tells; None for any other line."""
    if not line.startswith(_BEGINNING):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get(MARK), str) else None


def retell(event: dict[str, Any], progress: Progress) -> None:
    """Call the method of `progress` that the event was; one that is none of them is left out."""
    kind = event[MARK]
    if kind == "begun":
        progress.begun(event["sources"], event["home"])
    elif kind == "started":
        progress.started(event["step"], event["title"])
    elif kind == "advanced":
        progress.advanced(event["step"], event["what"])
    elif kind == "ended":
        progress.ended(event["step"], StepResult(event["rows"], event["message"]), event["seconds"])
    elif kind == "skipped":
        progress.skipped(event["step"], event["title"], event["why"])
    elif kind == "noted":
        progress.noted(event["what"])
