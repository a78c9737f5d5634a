"""A task's evaluation on public or generated data: `benchmarks/evaluations/<task>.py`, in a process of its own.

The evaluations stay outside of the package: they read data sets that are not ours to ship, and other libraries judge
there what `ml` does. A process of its own, because Sail keeps the folders of the first home it opens.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import InputError, LakehouseError
from lakehouse.settings import CHECKOUT, config_file, load_settings

FOLDER = CHECKOUT / "benchmarks" / "evaluations"
WRONG_INPUT = 2
"""Exit code of the process where what it was asked for is not there; its last line says so."""


@dataclass(frozen=True)
class Figure:
    """What was measured, our figure, the reference beside it, and whether ours will do."""

    what: str
    ours: str
    reference: str
    passed: bool


def evaluated_tasks(folder: Path = FOLDER) -> list[str]:
    """The tasks that have an evaluation, by name.

    Raises:
        InputError: there is no checkout beside the package.
    """
    found = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
    if not found:
        raise InputError(f"evaluations are part of the checkout, and there are none in {folder}")
    return found


def figures(task: str, on: str | None = None) -> list[Figure]:
    """The figures of a task on a named data set, or of all its evaluation.

    What the evaluation prints besides goes to standard error.

    Raises:
        InputError: no such task, none of its data sets has this name, or the data set is not on this machine.
        LakehouseError: the evaluation failed.
    """
    there = evaluated_tasks()
    if task not in there:
        raise InputError(f"there is no evaluation of {task!r}: there are those of {', '.join(there)}")
    path = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))
    here = {"LAKEHOUSE_CONFIG": str(config_file().absolute()), "LAKEHOUSE_DATA_DIR": str(load_settings().data_dir)}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.evaluations", task, *([] if on is None else ["--on", on])],
        cwd=CHECKOUT,  # -m looks there first: another folder may have benchmarks of its own
        env={**os.environ, **here, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
    *printed, last = done.stdout.splitlines() or [""]
    if any(printed):
        print(*printed, sep="\n", file=sys.stderr)
    if done.returncode == WRONG_INPUT and last:
        raise InputError(last)
    if done.returncode:
        raise LakehouseError(f"the evaluation of {task!r} failed")
    return [Figure(*row) for row in json.loads(last)]
