"""What silver finds of the defects that the sample plants, and how often it cries wolf.

A shop of a seed of its own, landed and cleaned as a run does; judged by `truth/defects.csv`, which nothing else reads.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.evaluations import DataSet, Row
from benchmarks.generated_shop import landed_shop
from benchmarks.planted_defects import FALSE_ALARM_TARGET, FOUND_TARGET, measure

CUSTOMERS, DAYS, SEED = 2500, 365, 20260714


def rows() -> list[Row]:
    """A row per kind of defect, entity and column: how many were found, and sound rows taken for it."""
    with tempfile.TemporaryDirectory(prefix="defects-") as folder:
        settings, truth = landed_shop(Path(folder), CUSTOMERS, DAYS, SEED, ("silver",))
        return [
            (
                f"defects, {one.kind} in {one.entity}.{one.column}",
                f"{one.found} of {one.planted} found, {one.false_alarms} false alarms",
                f"at least {FOUND_TARGET:.0%} found, at most {FALSE_ALARM_TARGET:.1%} of {one.sound_rows:,} sound rows",
                one.is_on_target,
            )
            for one in measure(settings, truth.parent)
        ]


ON = {"sample": DataSet(rows)}
