"""The mark of the step that a run is in."""

from __future__ import annotations

from datetime import datetime, timezone

from lakehouse import ops
from lakehouse.running import Marker
from lakehouse.settings import Settings

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc)


def test_a_step_that_ended_has_one_row_and_leaves_no_mark(home_settings: Settings) -> None:
    marker = Marker(home_settings)
    marker.begin("run-1", "land", NOW)
    marker.end("done", NOW, 5, None, "2 new files")
    (row,) = ops.read(home_settings, "runs")
    assert (row["run_id"], row["step"], row["state"], row["rows"]) == ("run-1", "land", "done", 5)
    assert marker.settle() is None


def test_a_step_in_which_the_process_died_is_settled_once_by_the_next_run(home_settings: Settings) -> None:
    Marker(home_settings).begin("run-1", "silver", NOW)
    killed = Marker(home_settings).settle()
    assert killed is not None
    assert (killed.run_id, killed.step) == ("run-1", "silver")
    (row,) = ops.read(home_settings, "runs")
    assert (row["state"], row["started_at"], row["ended_at"]) == ("killed", NOW, None)
    assert Marker(home_settings).settle() is None
