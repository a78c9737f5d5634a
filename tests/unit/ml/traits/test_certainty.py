"""Thresholds by rows that can be counted, and the bound against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from ml.traits.certainty import LEAST_ROWS, NEVER, threshold, wilson_bound


@pytest.mark.parametrize(("right", "rows"), [(0, 20), (17, 20), (20, 20), (850, 1000)])
def test_the_bounds_are_the_ends_of_a_two_sided_interval_of_ninety_percent(right: int, rows: int) -> None:
    expected = binomtest(right, rows).proportion_ci(0.9, method="wilson")
    assert wilson_bound(right, rows, -1.6449) == pytest.approx(expected.low, abs=1e-4)
    assert wilson_bound(right, rows, 1.6449) == pytest.approx(expected.high, abs=1e-4)


def test_the_threshold_is_the_smallest_from_which_on_enough_are_right() -> None:
    # A hundred at .9, all right; a hundred at .7, half of them right: all two hundred are right in 150, bound .695.
    probability = np.repeat([0.9, 0.7], 100)
    is_right = np.r_[np.ones(100), np.arange(100) % 2]
    assert threshold(probability, is_right, 0.8, 0.6) == 0.9
    assert threshold(probability, is_right, 0.69, 0.6) == 0.6  # all there are: nothing lies between
    assert threshold(probability, is_right, 0.69, 0.8) == 0.8
    assert threshold(probability, is_right, 0.99, 0.6) == NEVER


def test_the_first_step_that_fails_ends_it_however_lucky_the_next_ones_are() -> None:
    # Fifty right, fifty of which 30 are right (80 of 100, bound .728), then two hundred right: 280 of 300, bound .905.
    probability = np.linspace(0.99, 0.61, 300)
    is_right = np.r_[np.ones(50), np.arange(50) >= 20, np.ones(200)].astype(np.float64)
    assert threshold(probability, is_right, 0.8, 0.6) == probability[49]
    assert threshold(probability, is_right, 0.7, 0.6) == 0.6
    assert threshold(probability, 1 - is_right, 0.8, 0.6) == NEVER


def test_what_is_left_over_comes_in_with_the_last_step() -> None:
    probability = np.linspace(0.99, 0.61, 149)
    is_right = np.r_[np.ones(50), np.ones(50), np.zeros(49)]
    assert threshold(probability, is_right, 0.8, 0.6) == probability[49]


def test_few_rows_prove_nothing() -> None:
    sure = np.full(LEAST_ROWS - 1, 0.99)
    assert threshold(sure, np.ones(len(sure)), 0.5, 0.6) == NEVER
    assert threshold(np.zeros(0), np.zeros(0), 0.5, 0.6) == NEVER


@given(st.lists(st.tuples(st.sampled_from([0.5, 0.62, 0.7, 0.8, 0.95]), st.booleans()), max_size=200))
def test_whatever_is_stated_is_right_often_enough_where_it_was_chosen(rows: list[tuple[float, bool]]) -> None:
    probability = np.array([row[0] for row in rows], dtype=np.float64)
    is_right = np.array([row[1] for row in rows], dtype=np.float64)
    found = threshold(probability, is_right, 0.8, 0.6)
    stated = is_right[probability >= found]
    assert found == NEVER or (len(stated) >= LEAST_ROWS and stated.mean() >= 0.8 and found >= 0.6)
