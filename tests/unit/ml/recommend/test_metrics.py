from __future__ import annotations

from math import log2

import numpy as np
import pytest

from ml.recommend.metrics import average_precision, coverage, ndcg, novelty, recall, self_information
from tests.unit.ml.recommend.shop import history


def test_ndcg_of_hits_at_ranks_one_and_three_of_two_relevant() -> None:
    best = np.array([[4, 0, 2]])
    relevant = np.zeros((1, 5), dtype=bool)
    relevant[0, [2, 4]] = True
    assert ndcg(best, relevant)[0] == pytest.approx((1 + 1 / log2(4)) / (1 + 1 / log2(3)))


def test_ndcg_is_one_when_all_ten_are_right_even_if_more_are_relevant() -> None:
    relevant = np.ones((1, 30), dtype=bool)
    assert ndcg(np.arange(10)[None, :], relevant)[0] == pytest.approx(1.0)


def test_recall_is_the_share_of_the_relevant_that_was_found() -> None:
    relevant = np.array([[True, True, True, False]])
    assert recall(np.array([[0, 3]]), relevant)[0] == pytest.approx(1 / 3)


def test_average_precision_of_hits_at_ranks_one_and_three_of_four_relevant() -> None:
    relevant = np.array([[True, False, True, True, True, False]])
    assert average_precision(np.array([[0, 1, 2]]), relevant)[0] == pytest.approx((1 / 1 + 2 / 3) / 4)


def test_coverage_counts_each_product_once() -> None:
    assert coverage(np.array([[0, 1], [1, 2]]), 6) == 0.5


def test_novelty_is_the_mean_surprise_in_bits() -> None:
    rows = [(who, "p", 1.0, 0, None) for who in "abcd"] + [("a", "q", 1.0, 0, None)]
    seen = history(rows, list("abcde"), list("pqr"))  # e touched nothing and does not count; nor does r surprise more
    assert self_information(seen).tolist() == [0.0, 2.0, 2.0]
    assert novelty(np.array([[0, 1]]), self_information(seen)).tolist() == [1.0]
