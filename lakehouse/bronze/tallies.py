"""What is counted of a file while it is landed: exact where that costs nearly nothing, else on a fixed sample.

Exact: rows, nulls of every column, and the values of columns that have few. The rest (shapes, formats, numbers)
is found in a sample: the rows whose number times the golden ratio has a fraction below 1/2^k, with the smallest k that
leaves at most `SAMPLE_ROWS`. Which rows these are depends on their numbers alone, not on how the file was cut into
blocks, so that the tallies of two blocks, merged, are the tally of both. They are spread evenly over the file, so that
a column that changes half way is seen to change, and follow no period of it (every second row of an export with two
lines an order would always be the second line).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.bronze.csv_lines import Ints

SAMPLE_ROWS = 1024
"""Shares are then known to within 2.2 percentage points at worst (one standard error of 513 rows)."""
MOST_VALUES = 64
"""A column with more distinct values is no list of categories."""
_GLANCE = 512
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: multiplied by it and overflowing, row numbers become fractions of 2^64."""
_ALL = np.uint64(2**64 - 1)


@dataclass(frozen=True)
class Tally:
    """Counts of a file's records so far.

    `values` are the distinct values of a column with their counts, None for a column with more than `MOST_VALUES`.
    `sample` are the sampled rows' columns, `numbers` their row numbers; `halvings` is k.
    """

    rows: int
    nulls: dict[str, int]
    values: dict[str, dict[str, int] | None]
    halvings: int
    numbers: Ints
    sample: dict[str, pa.Array]


def tally(row_numbers: pa.Array, columns: Mapping[str, pa.Array], halvings: int = 0) -> Tally:
    """The tally of one block.

    Args:
        row_numbers: of the block's records, counted from 1, ascending or not.
        columns: raw name -> text or null, as long as `row_numbers`.
        halvings: what the sample of the blocks before has come to; with fewer it would be thinned out anyway.
    """
    numbers = row_numbers.to_numpy(zero_copy_only=False).astype(np.int64)
    halvings, places = _sampled(numbers, halvings)
    taken = pa.array(places)
    return Tally(
        rows=len(numbers),
        nulls={name: column.null_count for name, column in columns.items()},
        values={name: _few_values(column) for name, column in columns.items()},
        halvings=halvings,
        numbers=numbers[places],
        sample={name: column.take(taken) for name, column in columns.items()},
    )


def merge(first: Tally, second: Tally) -> Tally:
    """The tally of the records of both; a column that one of them lacks was null there."""
    names = list(dict.fromkeys([*first.nulls, *second.nulls]))
    numbers = np.concatenate([first.numbers, second.numbers])
    halvings, places = _sampled(numbers, max(first.halvings, second.halvings))
    everything = len(places) == len(numbers)
    sample = {}
    for name in names:
        parts = [t.sample[name] if name in t.sample else pa.nulls(len(t.numbers), pa.string()) for t in (first, second)]
        both = pa.concat_arrays(parts)
        sample[name] = both if everything else both.take(pa.array(places))
    return Tally(
        rows=first.rows + second.rows,
        nulls={name: sum(t.nulls.get(name, t.rows) for t in (first, second)) for name in names},
        values={name: _union(first.values.get(name, {}), second.values.get(name, {})) for name in names},
        halvings=halvings,
        numbers=numbers[places],
        sample=sample,
    )


def _sampled(numbers: Ints, halvings: int) -> tuple[int, Ints]:
    """The fewest halvings, `halvings` or more, that leave few enough rows; the places of those rows."""
    fractions = numbers.astype(np.uint64) * _GOLDEN
    places = np.flatnonzero(fractions <= _ALL >> np.uint64(halvings))
    while len(places) > SAMPLE_ROWS:
        halvings += 1
        places = places[fractions[places] <= _ALL >> np.uint64(halvings)]
    return halvings, places


def _few_values(column: pa.Array) -> dict[str, int] | None:
    if len(column) > _GLANCE and pc.count_distinct(column.slice(0, _GLANCE)).as_py() > MOST_VALUES:
        return None
    counted = pc.value_counts(column)
    if len(counted) > MOST_VALUES + 1:
        return None
    pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist())
    found = {value: count for value, count in pairs if value is not None}
    return found if len(found) <= MOST_VALUES else None


def _union(first: dict[str, int] | None, second: dict[str, int] | None) -> dict[str, int] | None:
    if first is None or second is None:
        return None
    both = dict(first)
    for value, count in second.items():
        both[value] = both.get(value, 0) + count
    return both if len(both) <= MOST_VALUES else None
