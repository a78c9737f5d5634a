"""What a table of `ml` tells already and need not be worked out again: of equal inputs by the same model and code.

Beside the rows, in the commit that wrote them, stands by what they were told (`note_of`). Rows of another note, or that
anybody else has changed since, are not looked at. Of which inputs a row was told is for the room to know: it keeps a
number beside each (`MADE_OF`), or compares them with those of then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from deltalake import DeltaTable

from lakehouse.builds import digest, files_digest
from lakehouse.settings import Settings
from lakehouse.storage import find_table
from ml.arrays import Ints

NOTE = "lakehouse.told"
"""Of a commit: JSON with `by`, a digest of model, code and libraries, and what else the room says."""
MADE_OF = "made_of"
"""A column: a number of all that is the customer's own in a row; none of one that is always worked out anew."""
LIBRARIES = ("numpy", "pandas", "pyarrow", "scipy")
KEEPS_ROWS = ("OPTIMIZE", "VACUUM START", "VACUUM END")
ROOMS = Path(__file__).parent


def note_of(room: str, model: Path, besides: Any = None, libraries: Iterable[str] = (), **told: str) -> dict[str, str]:
    """What a commit says of its rows, told now by the model in this folder.

    Args:
        room: of `ml`, whose code tells them.
        besides: anything else that all rows depend on.
        libraries: beyond `LIBRARIES`.
        told: what else is to be noted.
    """
    by = [
        files_digest((path for path in model.rglob("*") if path.is_file()), model),
        files_digest([*ROOMS.glob("*.py"), *(ROOMS / room).rglob("*.py")], ROOMS),
        [metadata.version(name) for name in (*LIBRARIES, *libraries)],
        besides,
    ]
    return {NOTE: json.dumps({"by": digest(by), **told})}


def told_before(settings: Settings, table: str, note: Mapping[str, str]) -> tuple[DeltaTable, dict[str, str]] | None:
    """`ml.<table>` and its note; None where it was told by anything else, or changed since."""
    stored = find_table(settings, f"ml.{table}")
    before = None if stored is None else _noted(stored)
    if stored is None or before is None or before["by"] != json.loads(note[NOTE])["by"]:
        return None
    return stored, before


def _noted(stored: DeltaTable) -> dict[str, str] | None:
    for commit in stored.history():
        if NOTE in commit:
            told: dict[str, str] = json.loads(commit[NOTE])
            return told
        if commit.get("operation") not in KEEPS_ROWS:
            return None
    return None


def with_new(before: pa.Table, place: Ints, new: pa.Table) -> pa.Table:
    """The rows of `before` at these places; at a place below 0 the next one of `new`."""
    is_new = place < 0
    place = place.copy()
    place[is_new] = len(before) + np.arange(int(is_new.sum()))
    return pa.concat_tables([before, new]).take(place)


def summed(numbers: Ints, starts: npt.NDArray[np.integer[Any]]) -> Ints:
    """Of the numbers from each start to the next, their sum modulo 2^64: the same in whatever order they come."""
    so_far = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(numbers)])
    return np.asarray(so_far[starts[1:]] - so_far[starts[:-1]])


def mixed(*columns: npt.NDArray[Any]) -> Ints:
    """A number for each row of these columns of 64 bits or fewer: of other rows another, but for a chance of 2^-64.

    Each step is the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
    """
    state = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        wide = np.ascontiguousarray(column, dtype=np.float64 if column.dtype.kind == "f" else np.int64)
        state += wide.view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            state ^= state >> np.uint64(shift)
            state *= np.uint64(factor)
        state ^= state >> np.uint64(31)
    return state.view(np.int64)
