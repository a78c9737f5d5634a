"""Every task's figures beside what is known of the data.

    python benchmarks/evaluate.py [TASK ...] [--on NAME] [--json] [--write]

A task's figures are those on all data sets of its module in benchmarks/evaluations: what, ours, reference, passed. The
exit code is 1 where one is not reached. With --write docs/evaluation.md has them too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.evaluation_page import EMPTY, checked, summed_up, written
from lakehouse.errors import LakehouseError
from lakehouse.evaluations import Figure, evaluated_tasks, figures

PAGE = Path(__file__).parents[1] / "docs" / "evaluation.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    there = evaluated_tasks()
    parser.add_argument("task", nargs="*", choices=[*there, []], help="these only")
    parser.add_argument("--on", metavar="NAME", help="on this of its data sets only")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.name}, a section for each task")
    given = parser.parse_args()
    if given.write and given.on is not None:
        parser.error("--write wants the whole of a task: leave --on out")
    screen = Console(stderr=given.json, width=None if sys.stdout.isatty() else 180)
    commit = _commit()  # before --write makes it a changed one
    told: dict[str, list[Figure]] = {}
    for name in given.task or there:
        began = time.perf_counter()
        try:
            told[name] = figures(name, given.on)
        except LakehouseError as error:
            raise SystemExit(str(error)) from None
        took = time.perf_counter() - began
        screen.print(f"{name}: {len(told[name])} figures in {took:.0f} s", highlight=False)
        if given.write:
            page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else EMPTY
            PAGE.write_text(written(page, {name: told[name]}, {name: _how(name, commit, took)}), encoding="utf-8")
    if given.json:
        rows = [{"task": name, **asdict(one)} for name, found in told.items() for one in found]
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        _show(screen, told)
    raise SystemExit(0 if all(one.passed for found in told.values() for one in found) else 1)


def _show(screen: Console, told: Mapping[str, Sequence[Figure]]) -> None:
    every = Table("task", "figure", "ours", "reference", "reached")
    for name, found in told.items():
        for one in found:
            every.add_row(name, one.what, one.ours, one.reference, _yes(one.passed))
    screen.print(every)
    asked = Table("task", "asked", "ours", "reference", "reached")
    for check, rows in checked([one for found in told.values() for one in found]):
        ours, reference, _ = summed_up(rows)
        asked.add_row(check.task, check.asks, ours, reference, _yes(all(one.passed for one in rows)))
    screen.print(asked)


def _yes(passed: bool) -> str:
    return "yes" if passed else "[red]no[/red]"


def _commit() -> str:
    described = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(described, cwd=PAGE.parent, capture_output=True, text=True).stdout.strip()


def _how(name: str, commit: str, took: float) -> str:
    """When, how long, at which commit and by which command."""
    at = f" at commit {commit}" if commit else ""
    return f"`make evaluate TASK={name} ARGS=--write` on {date.today()}{at}, {took:.0f} s."


if __name__ == "__main__":
    main()
