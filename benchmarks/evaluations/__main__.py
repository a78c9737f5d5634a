"""python -m benchmarks.evaluations TASK [--on NAME]: the figures as JSON, on the last line.

Exit code 2: the data set is unknown or not on this machine, and the last line says so.
"""

from __future__ import annotations

import argparse
import json
import sys

from benchmarks.evaluations import data_sets, measured, of_all
from lakehouse.errors import InputError
from lakehouse.evaluations import WRONG_INPUT


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task")
    parser.add_argument("--on", metavar="NAME")
    given = parser.parse_args()
    try:
        rows = of_all(given.task) if given.on is None else measured(given.task, given.on, data_sets(given.task))
    except InputError as error:
        print(f"\n{error}")
        return WRONG_INPUT
    print()
    print(json.dumps(rows, default=bool))  # NumPy's is not Python's
    return 0


if __name__ == "__main__":
    sys.exit(main())
