"""python -m benchmarks.evaluations TASK [--on NAME]: the figures as JSON, on the last line.

Exit code 2: the data set is unknown or not on this machine, and the last line says so.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Mapping

from benchmarks.evaluations import DataSet, Row
from benchmarks.movielens import NotThere
from lakehouse.errors import InputError
from lakehouse.evaluations import WRONG_INPUT
from lakehouse.settings import load_settings


def measured(task: str, name: str, there: Mapping[str, DataSet]) -> list[Row]:
    """The figures on one data set.

    Raises:
        InputError: the task has none of this name, or its files are not on this machine.
    """
    if name not in there:
        raise InputError(f"{task!r} is not evaluated on {name!r}: it is on {', '.join(sorted(there)) or 'nothing'}")
    data, chosen = load_settings().data_dir, there[name]
    absent = [file for file in chosen.files if not (data / file).exists()]
    if absent:
        raise InputError(
            f"{name!r} is not on this machine: no {', '.join(absent)} in {data}; set LAKEHOUSE_DATA_DIR (or data_dir "
            "in lakehouse.toml) to the folder that has it"
        )
    try:
        return chosen.rows()
    except NotThere as error:
        raise InputError(f"{name!r} is not on this machine: {error}") from None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task")
    parser.add_argument("--on", metavar="NAME")
    given = parser.parse_args()
    module = importlib.import_module(f"benchmarks.evaluations.{given.task}")
    try:
        rows = module.rows() if given.on is None else measured(given.task, given.on, getattr(module, "ON", {}))
    except InputError as error:
        print(f"\n{error}")
        return WRONG_INPUT
    print()
    print(json.dumps(rows, default=bool))  # NumPy's is not Python's
    return 0


if __name__ == "__main__":
    sys.exit(main())
