"""Every task's figures beside what is known of the data: python benchmarks/evaluate.py [TASK ...] [--on NAME] [--json]

A task's figures are the `rows()` of its module in benchmarks/evaluations: what, ours, reference, passed. The exit code
is 1 where one is not reached.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from lakehouse.errors import LakehouseError
from lakehouse.evaluations import evaluated_tasks, figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    there = evaluated_tasks()
    parser.add_argument("task", nargs="*", choices=[*there, []], help="these only")
    parser.add_argument("--on", metavar="NAME", help="on this of its data sets only")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    screen, told = Console(stderr=given.json, width=None if sys.stdout.isatty() else 180), []
    table = Table("task", "what", "ours", "reference", "reached")
    for name in given.task or there:
        began = time.perf_counter()
        try:
            found = figures(name, given.on)
        except LakehouseError as error:
            raise SystemExit(str(error)) from None
        screen.print(f"{name}: {len(found)} figures in {time.perf_counter() - began:.0f} s", highlight=False)
        for one in found:
            told.append({"task": name, **asdict(one)})
            table.add_row(name, one.what, one.ours, one.reference, "yes" if one.passed else "[red]no[/red]")
    if given.json:
        print(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        screen.print(table)
    raise SystemExit(0 if all(row["passed"] for row in told) else 1)


if __name__ == "__main__":
    main()
