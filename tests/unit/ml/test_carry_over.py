"""Numbers by which rows are known again."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from ml.carry_over import mixed, summed, with_new


def test_equal_rows_have_equal_numbers_and_others_have_others() -> None:
    rng = np.random.default_rng(3)
    item, value = rng.integers(0, 50, 5_000), rng.integers(0, 4, 5_000) / 4
    numbers = mixed(item, value, value > 0.5)
    kinds = {(i, v): number for i, v, number in zip(item, value, numbers, strict=True)}
    assert all(kinds[i, v] == number for i, v, number in zip(item, value, numbers, strict=True))
    assert len(set(kinds.values())) == len(kinds) == 200


@pytest.mark.parametrize("other", [([2, 1], [0.5, 0.25]), ([1, 2], [0.25, 0.5]), ([1, 2], [0.5, 0.25 + 2**-54])])
def test_neither_order_nor_the_last_bit_is_lost(other: tuple[list[int], list[float]]) -> None:
    assert not np.array_equal(mixed(np.array([1, 2]), np.array([0.5, 0.25])), mixed(*map(np.array, other)))


def test_a_sum_is_the_same_in_any_order_and_nothing_of_no_row() -> None:
    numbers = mixed(np.arange(6))
    told = summed(numbers[[2, 0, 1, 5, 4]], np.array([0, 3, 3, 5]))
    assert told.tolist() == summed(numbers[[0, 1, 2, 4, 5]], np.array([0, 3, 3, 5])).tolist()
    assert told[1] == 0
    assert len(set(told)) == 3


def test_new_rows_come_where_there_was_none() -> None:
    before, new = pa.table({"told": ["a", "b", "c"]}), pa.table({"told": ["x", "y"]})
    assert with_new(before, np.array([2, -1, 0, -1]), new)["told"].to_pylist() == ["c", "x", "a", "y"]
