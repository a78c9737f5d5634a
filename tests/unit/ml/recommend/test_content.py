from __future__ import annotations

from math import log

import numpy as np
import pytest
from scipy import sparse

from ml.recommend.content import likenesses, weighed_tags, with_new_products
from ml.recommend.methods.model import Scored

BRANDS = np.array(["Finch", "Finch", "Juniper", None], dtype=object)
LEVELS = np.array(["Sports", "Beauty", "Sports", None], dtype=object)


def test_a_rare_tag_weighs_more_and_a_row_has_length_one() -> None:
    two, four = log(4 / 2), log(4 / 1)  # Finch and Sports have two of four products, Juniper and Beauty one
    rows = weighed_tags([BRANDS, LEVELS]).toarray()
    expected = np.array([[two, 0, 0, two], [two, 0, four, 0], [0, four, 0, two], [0, 0, 0, 0]])
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    assert rows == pytest.approx(expected / np.where(lengths > 0, lengths, 1))


def test_a_new_product_takes_equal_shares_of_its_nearest_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    tags = weighed_tags([BRANDS, LEVELS])
    assert likenesses(tags, np.array([False, True, True, True])).toarray()[:, 0].tolist() == [0, 0.5, 0.5, 0]
    assert likenesses(tags, np.array([True, True, True, False])).nnz == 0  # nothing is told of the last one
    monkeypatch.setattr("ml.recommend.content.NEAREST", 1)
    assert likenesses(tags, np.array([False, True, True, True])).toarray()[:, 0].tolist() == [0, 1, 0, 0]


def test_scores_and_terms_of_a_new_product_are_the_means_of_those_like_it() -> None:
    parts = np.array([[0.0, 0.0], [2.0, 1.0], [4.0, 0.0]])  # products x the two own ones
    plain = Scored(parts.sum(axis=1)[None, :].astype(np.float32), lambda products: parts[products[0]].T)
    like = sparse.csc_matrix([[0, 0, 0], [0.5, 0, 0], [0.5, 0, 0]])
    found = with_new_products(plain, like, sparse.csr_matrix([[0.0, 1.0, 1.0]]))
    assert found.scores.tolist() == [[3.5, 3.0, 4.0]]
    assert found.terms(np.array([[0, 2]])).T.tolist() == [[3.0, 0.5], [4.0, 0.0]]
