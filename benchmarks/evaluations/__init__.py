"""What each task reaches, beside what is known of the data: a module a task.

A module has `rows()`, all its figures, and `ON`, its data sets by the name that `lakehouse evaluate TASK --on` takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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

    def told(self, what: str) -> list[Row]:
        """Its rows, or one that says which file is not there."""
        absent = [file for file in self.files if not (load_settings().data_dir / file).exists()]
        return [(what, f"no {absent[0]}", "LAKEHOUSE_DATA_DIR", False)] if absent else self.rows()
