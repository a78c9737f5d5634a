from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.recommend.ranking import (
    is_withheld,
    popularity,
    repeat_products,
    scores_of_factors,
    top_k,
    top_k_of_factors,
)
from tests.unit.ml.recommend.shop import history

TODAY = 1_000


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, 6),
    st.sampled_from([1, 2, 9, 40, 41, 150, 641]),
    st.integers(1, 12),
    st.sampled_from([1, 5, 10**6]),
    st.sampled_from(["float32", "float64"]),
    st.integers(0, 10_000),
)
def test_top_k_is_the_head_of_a_full_sort_with_ties_in_column_order(
    rows: int, columns: int, k: int, levels: int, kind: str, seed: int
) -> None:
    k = min(k, columns)
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, (rows, columns)).astype(kind)
    scores[rng.random((rows, columns)) < 0.1] = -np.inf  # withheld
    scores[0] = scores[0, 0]  # a row of ties beside others

    brute_force = [sorted(range(columns), key=lambda column: (-row[column], column))[:k] for row in scores]

    assert top_k(scores, k).tolist() == brute_force


def test_top_k_of_nothing_is_nothing() -> None:
    assert top_k(np.zeros((0, 5)), 3).shape == (0, 3)
    assert top_k(np.zeros((5, 0)), 3).shape == (5, 0)


@pytest.mark.parametrize("at_once", [1, 7, 1_000])
def test_the_best_by_factors_are_those_of_a_brute_force_whatever_the_blocks(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(5)
    people, factors = (rng.normal(size=(n, 8)).astype(np.float32) for n in (50, 300))
    monkeypatch.setattr("ml.recommend.ranking.CELLS_AT_ONCE", 300 * at_once)

    best = top_k_of_factors(people, factors, 10)

    exact = people.astype(np.float64) @ factors.T.astype(np.float64)
    assert best.tolist() == np.argsort(-exact, axis=1)[:, :10].tolist()
    assert top_k_of_factors(people[:0], factors, 10).shape == (0, 10)


def test_scores_of_factors_are_written_where_they_are_wanted() -> None:
    people, factors = np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[3.0, 0.0], [1.0, 1.0], [0.0, 5.0]])
    out = np.full((2, 3), 9.0, dtype=np.float32)
    assert scores_of_factors(people, factors, out) is not None
    assert out.tolist() == scores_of_factors(people, factors).tolist() == [[3.0, 3.0, 10.0], [0.0, 1.0, 5.0]]
    assert scores_of_factors(people[:, :0], factors[:, :0]).tolist() == [[0.0] * 3] * 2


def test_a_limit_on_blas_threads_holds_for_every_blas_that_a_task_uses() -> None:
    said = """
import ml.tasks
from threadpoolctl import threadpool_info, threadpool_limits
import numpy as np
with threadpool_limits(1, user_api="blas"):
    from ml.recommend.ranking import scores_of_factors
    scores_of_factors(np.ones((2, 2)), np.ones((2, 2)))
    told = [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]
assert len(told) >= 2 and set(told) == {1}, told
"""
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_product_bought_within_the_pause_is_withheld_and_one_bought_before_it_is_not() -> None:
    seen = history(
        [("a", "p", 5, 1, TODAY - 89), ("a", "q", 5, 1, TODAY - 90), ("a", "r", 1, 0, None)], ["a"], ["p", "q", "r"]
    )
    assert is_withheld(seen, TODAY).tolist() == [True, False, False]


def test_a_product_that_a_third_of_its_buyers_buy_again_may_be_recommended_right_away() -> None:
    rows = [(f"c{n}", "coffee", 5, 2 if n < 2 else 1, TODAY - 1) for n in range(6)]
    rows += [(f"c{n}", "fridge", 5, 1, TODAY - 1) for n in range(6)]
    seen = history(rows, [f"c{n}" for n in range(6)], ["coffee", "fridge"])

    assert repeat_products(seen).tolist() == [True, False]
    assert is_withheld(seen, TODAY).tolist() == [False, True] * 6


def test_popularity_is_the_share_of_buyers_and_can_be_asked_of_a_group() -> None:
    rows = [("a", "p", 5, 1, 1), ("b", "p", 5, 1, 1), ("b", "q", 5, 1, 1), ("c", "q", 5, 1, 1), ("d", "q", 1, 0, None)]
    seen = history(rows, list("abcd"), ["p", "q", "r"])

    assert popularity(seen).tolist() == [2 / 3, 2 / 3, 0.0]
    assert popularity(seen, np.array([True, True, False, False])).tolist() == [1.0, 0.5, 0.0]


def test_in_a_group_that_has_not_bought_yet_popularity_is_what_they_look_at() -> None:
    rows = [("a", "p", 5, 1, 1), ("new1", "q", 1, 0, None), ("new2", "q", 1, 0, None), ("new2", "r", 1, 0, None)]
    seen = history(rows, ["a", "new1", "new2"], ["p", "q", "r"])
    assert popularity(seen, np.array([False, True, True])).tolist() == [0.0, 1.0, 0.5]
