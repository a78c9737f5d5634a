"""What a landing has to tell beside its counts: columns that are new, and entities of which nothing comes any more."""

from __future__ import annotations

from datetime import datetime

from lakehouse import ops
from lakehouse.arrivals import overdue
from lakehouse.settings import Settings

_TOLD = 5


def news(settings: Settings, run_id: str, now: datetime) -> list[str]:
    """Sentences about the landing of a run; of more than five new columns, five and how many more there are.

    All else that moved is judged by the bronze gate, which says it as warnings or errors.
    """
    found = ops.read_where(settings, "drift", "run_id", [run_id], check_name="column_added")
    added = sorted(row["finding"] for row in found)
    more = [f"{len(added) - _TOLD} more columns are new, see ops.drift"] if len(added) > _TOLD else []
    return added[:_TOLD] + more + overdue(ops.read(settings, "loads"), now)
