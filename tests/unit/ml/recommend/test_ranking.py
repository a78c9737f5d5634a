from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.recommend.ranking import is_withheld, popularity, repeat_products, top_k
from tests.unit.ml.recommend.shop import history

TODAY = 1_000


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 6), st.integers(1, 40), st.integers(1, 12), st.integers(0, 10_000))
def test_top_k_is_the_head_of_a_full_sort_with_ties_in_column_order(rows: int, columns: int, k: int, seed: int) -> None:
    k = min(k, columns)
    scores = np.random.default_rng(seed).integers(0, 5, (rows, columns)).astype(float)

    brute_force = [sorted(range(columns), key=lambda column: (-row[column], column))[:k] for row in scores]

    assert top_k(scores, k).tolist() == brute_force


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
