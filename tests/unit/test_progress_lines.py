"""What a run says in lines is what a screen elsewhere shows."""

from __future__ import annotations

import io

from rich.console import Console

from lakehouse.cli.screen import ScreenProgress
from lakehouse.pipeline import Progress, StepResult
from lakehouse.progress_lines import ProgressLines, event_of, retell


def happen(progress: Progress) -> None:
    progress.begun("shop", "/lakehouse/home")
    progress.noted("run 1 was killed in step silver; continuing from there")
    progress.started("land", "Land files in bronze")
    progress.advanced("land", "orders.csv")
    progress.ended("land", StepResult(12_345, "2 new files\n(« Köln »)"), 1.25)
    progress.skipped("silver", "Clean into silver", "unchanged")


def screen() -> tuple[ScreenProgress, io.StringIO]:
    out = io.StringIO()
    return ScreenProgress(Console(file=out, highlight=False, soft_wrap=True)), out


def test_a_screen_that_is_told_the_lines_shows_what_one_beside_the_run_shows() -> None:
    here, shown_here = screen()
    happen(here)
    lines = io.StringIO()
    happen(ProgressLines(lines))
    there, shown_there = screen()
    events = [event_of(line) for line in lines.getvalue().splitlines()]
    assert len(events) == 6
    for event in events:
        assert event is not None
        retell(event, there)
    assert shown_there.getvalue() == shown_here.getvalue()
    assert "12,345 rows, 2 new files" in shown_here.getvalue()


def test_a_step_that_advances_fast_fills_no_log() -> None:
    lines, seconds = io.StringIO(), iter([0.0, 0.4, 0.99, 1.0, 1.5, 2.1])
    progress = ProgressLines(lines, clock=lambda: next(seconds))
    for number in range(6):
        progress.advanced("silver", str(number))
    told = [event_of(line) for line in lines.getvalue().splitlines()]
    assert [event["what"] for event in told if event] == ["0", "3", "5"]


def test_other_lines_of_a_log_are_no_events() -> None:
    for line in ("", "WARN Utils", '{"level": "info"}', '{"lakehouse": "started", "ste', '{"lakehouse": 3}', "[1]"):
        assert event_of(line) is None


def test_an_event_of_a_later_version_is_left_out() -> None:
    progress, shown = screen()
    retell({"lakehouse": "sang", "what": "a song"}, progress)
    assert shown.getvalue() == ""
