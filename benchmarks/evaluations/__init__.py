"""What each task reaches, beside what is known of the data: a module a task.

A module has `ON`, its data sets by the name that `lakehouse evaluate TASK --on` takes; `make evaluate` measures on all.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from benchmarks.movielens import NotThere
from lakehouse.errors import InputError
from lakehouse.settings import load_settings

Row = tuple[str, str, str, bool]
"""What was measured, our figure, the reference, and whether ours will do."""


@dataclass(frozen=True)
class DataSet:
    """A data set that a task is measured on.

    Args:
        rows: measures.
        files: of the folder `LAKEHOUSE_DATA_DIR`, without which there is nothing to measure.
    """

    rows: Callable[[], list[Row]]
    files: tuple[str, ...] = ()


def data_sets(task: str) -> Mapping[str, DataSet]:
    """Those of a task, by name."""
    there: Mapping[str, DataSet] = importlib.import_module(f"benchmarks.evaluations.{task}").ON
    return there


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


def of_all(task: str) -> list[Row]:
    """The figures on all data sets of a task, each in a process of its own: the engine keeps its first home's folders.

    A data set that is not on this machine is a figure that is not reached.
    """
    told: list[Row] = []
    for name in data_sets(task):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
            told += apart.submit(_of_one, task, name).result()
    return told


def _of_one(task: str, name: str) -> list[Row]:
    try:
        return measured(task, name, data_sets(task))
    except InputError as error:
        return [(f"{task}, {name}", "not measured", str(error), False)]
