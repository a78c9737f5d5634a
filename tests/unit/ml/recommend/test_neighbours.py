from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.recommend import ranking
from ml.recommend.neighbours import nearest
from tests.unit.ml.recommend.shop import history


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 12), st.integers(1, 6), st.integers(0, 10_000))
def test_the_nearest_are_those_of_all_pairs_by_hand(products: int, k: int, seed: int) -> None:
    touched = np.random.default_rng(seed).random((8, products)) < 0.3
    names = [f"P{number:02d}" for number in range(products)]
    people = [f"C{number}" for number in range(8)]
    rows = [(people[c], names[p], 1.0, 0, None) for c, p in zip(*np.nonzero(touched))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "CELLS_AT_ONCE", 5 * products)  # so that a few products are several blocks
        places, values = nearest(history(rows, people, names), k)

    for product in range(products):
        found = {p: v for p, v in zip(places[product].tolist(), values[product].tolist()) if v > 0}
        both = (touched[:, [product]] & touched).sum(axis=0)
        cosine = both / np.sqrt(np.maximum(touched[:, product].sum() * touched.sum(axis=0), 1))
        others = sorted((p for p in range(products) if p != product and both[p]), key=lambda p: (-cosine[p], p))
        assert list(found.values()) == pytest.approx([cosine[p] for p in others[:k]])
        assert all(found[p] == pytest.approx(cosine[p]) for p in found)
        assert len(places[product]) == min(k, products - 1)
