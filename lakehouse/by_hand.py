"""What a person did to the models of a home, in `by_hand.json`: the next run sees it and scores anew.

The model registry knows it too, but asking it costs seconds, and a run with nothing new asks nothing.
"""

from __future__ import annotations

import json
from datetime import datetime

from lakehouse.atomic_file import replace_file
from lakehouse.settings import Settings

FILE = "by_hand.json"


def read(settings: Settings) -> dict[str, dict[str, str]]:
    """The last thing done by hand to each task; empty where nothing was."""
    try:
        told: dict[str, dict[str, str]] = json.loads((settings.home / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told


def note(settings: Settings, task: str, what: str, now: datetime) -> None:
    """Write down what is about to be done, so that a run after a kill scores anew all the same."""
    told = {**read(settings), task: {"what": what, "at": now.isoformat()}}
    replace_file(settings.home / FILE, json.dumps(told, indent=1))
