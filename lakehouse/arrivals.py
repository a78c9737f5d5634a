"""How often files of an entity arrive, and which have stopped: from `ops.loads` alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any

FEWEST_INTERVALS = 3


@dataclass(frozen=True)
class Silence:
    """A source's entity of which nothing has come for `days`, where `usual_days` between two landings are usual."""

    source: str
    entity: str
    days: int
    usual_days: float

    @property
    def sentence(self) -> str:
        usual = "every day" if self.usual_days == 1 else f"every {self.usual_days:.0f} days"
        return (
            f"{self.source}: nothing new of {self.entity} for {self.days} days, where something comes {usual}; "
            f"ask the exporter whether data stopped coming"
        )

    @property
    def row(self) -> dict[str, Any]:
        """As a finding about no batch; `deviation` is in usual intervals."""
        return {
            "source": self.source,
            "entity": self.entity,
            "file": None,
            "batch_id": None,
            "column_name": "",
            "is_mapped": False,
            "check_name": "arrival",
            "value": float(self.days),
            "usual": self.usual_days,
            "deviation": self.days / self.usual_days,
            "finding": self.sentence,
            "is_new": True,
        }


def silences(loads: Iterable[Mapping[str, Any]], now: datetime) -> list[Silence]:
    """Entities whose last landing is longer ago than usual, by source and name.

    The usual interval is the median between the days on which something was landed; four such days are the fewest from
    which to tell one. All that is landed on one day (UTC) counts once: somebody trying things out lands often.
    """
    days: dict[tuple[str, str], set[date]] = {}
    for load in loads:
        days.setdefault((load["source"], load["entity"]), set()).add(load["loaded_at"].date())
    found = []
    for (source, entity), landed_on in sorted(days.items()):
        ordered = sorted(landed_on)
        if len(ordered) <= FEWEST_INTERVALS:
            continue
        usual = median((later - earlier).days for earlier, later in zip(ordered, ordered[1:]))
        since = (now.date() - ordered[-1]).days
        if since > usual:
            found.append(Silence(source, entity, since, usual))
    return found


def overdue(loads: Iterable[Mapping[str, Any]], now: datetime) -> list[str]:
    """What to tell a person who lands and finds nothing: silences of more than a day and three usual intervals."""
    return [s.sentence for s in silences(loads, now) if s.days > 1 and s.days > 3 * s.usual_days]
