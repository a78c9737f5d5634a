"""What every reader gives: blocks of records as text columns, and the records that could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa


@dataclass(frozen=True)
class Fault:
    """One record that could not be read; `row_number` counts from 1 at the first record after a header."""

    row_number: int
    reason: str
    raw: str


@dataclass(frozen=True)
class Block:
    """Consecutive records of a file.

    `seen` records were met; those that could be read stand in `columns` (raw name -> text, as long as
    `row_numbers`), the others in `faults`. `came_as`: of rows of a database what tells two versions of a row apart,
    once bronze hides some of what they hold.
    """

    seen: int
    row_numbers: pa.Array
    columns: dict[str, pa.Array]
    faults: list[Fault]
    came_as: pa.Array | None = None


class RecordFile(Protocol):
    """A file (or Delta folder) that can be read more than once."""

    @property
    def path(self) -> Path: ...

    def columns(self) -> list[str]:
        """Raw column names, from as little of the file as possible."""
        ...

    def all_columns(self) -> list[str]:
        """Raw column names of the whole file, however much must be read for it."""
        ...

    def blocks(self) -> Iterator[Block]:
        """All records, in the file's order, a bounded number at a time."""
        ...


def text_array(values: list[str | None]) -> pa.Array:
    """Text, or null, as an Arrow column."""
    return pa.array(values, pa.string())
