"""Every task's figures beside what is known of the data: python benchmarks/evaluate.py [TASK ...] [--json]

A task's figures are the `rows()` of its module in benchmarks/evaluations: what, ours, reference, passed. The exit code
is 1 where one is not reached.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

Row = tuple[str, str, str, bool]
FOLDER = Path(__file__).parent / "evaluations"


def told_by(task: str) -> list[Row]:
    """The figures of a task, worked out in a process of its own: Sail keeps the folders of the first home it opens."""
    code = f"import json; from benchmarks.evaluations.{task} import rows; print(); print(json.dumps(rows()))"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"the evaluation of {task} failed")
    return [tuple(row) for row in json.loads(done.stdout.splitlines()[-1])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    there = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
    parser.add_argument("task", nargs="*", choices=[*there, []], help="these only")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    screen, told = Console(stderr=given.json, width=None if sys.stdout.isatty() else 180), []
    table = Table("task", "what", "ours", "reference", "reached")
    for name in given.task or there:
        began = time.perf_counter()
        rows = told_by(name)
        screen.print(f"{name}: {len(rows)} figures in {time.perf_counter() - began:.0f} s", highlight=False)
        for what, ours, reference, passed in rows:
            told.append({"task": name, "what": what, "ours": ours, "reference": reference, "passed": passed})
            table.add_row(name, what, ours, reference, "yes" if passed else "[red]no[/red]")
    if given.json:
        print(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        screen.print(table)
    raise SystemExit(0 if all(row["passed"] for row in told) else 1)


if __name__ == "__main__":
    main()
