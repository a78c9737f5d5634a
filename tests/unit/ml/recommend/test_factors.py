from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from ml.recommend.factors import FactorModel, Settled, solve_customers
from ml.recommend.methods.model import strongest
from ml.recommend.served import Recommender, load

SETTLED = Settled(rank=2, iterations=1, regularisation=0.1, alpha=2.0)
PRODUCTS = np.array(["p", "q", "r"], dtype=object)
FACTORS = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


def test_a_customer_of_one_product_has_the_factors_worked_out_by_hand() -> None:
    weights = sparse.csr_matrix([[3.0, 0.0, 0.0]])
    # Y'Y = [[2, 1], [1, 2]]; alpha r = 6 on p = (1, 0); lambda n = 0.1: A = [[8.1, 1], [1, 2.1]], b = 7 (1, 0)
    determinant = 8.1 * 2.1 - 1.0

    people, inverses = solve_customers(weights, FACTORS, SETTLED)

    assert people[0] == pytest.approx([7 * 2.1 / determinant, -7 * 1.0 / determinant])
    assert inverses[0] @ np.array([[8.1, 1.0], [1.0, 2.1]]) == pytest.approx(np.eye(2))


def test_a_customer_without_interactions_has_no_factors() -> None:
    people, _ = solve_customers(sparse.csr_matrix((1, 3)), FACTORS, SETTLED)
    assert people.tolist() == [[0.0, 0.0]]


def test_the_evidence_terms_of_a_score_add_up_to_the_score_and_the_largest_is_named() -> None:
    rng = np.random.default_rng(3)
    factors = rng.normal(size=(8, 3))
    settled = Settled(rank=3, iterations=1, regularisation=0.1, alpha=0.5)
    weights = sparse.csr_matrix(np.where(rng.random((5, 8)) < 0.5, rng.random((5, 8)) * 4, 0.0))
    people, inverses = solve_customers(weights, factors, settled)
    for row in range(5):
        own = weights.indices[weights.indptr[row] : weights.indptr[row + 1]]
        confidence = 1 + 0.5 * weights[row, own].toarray().ravel()
        others = [item for item in range(8) if item not in own]
        terms = factors[others] @ inverses[row] @ factors[own].T * confidence

        assert terms.sum(axis=1) == pytest.approx(factors[others] @ people[row])
        model = FactorModel(np.arange(8).astype(str).astype(object), factors, settled)
        found = strongest(weights[row], model.scored(weights[row]).terms, np.array([others], dtype=np.int64))
        largest = np.where(terms.max(axis=1) > 0, own[terms.argmax(axis=1)], -1)  # nothing speaks for it: no reason
        assert found[0].tolist() == largest.tolist()


def test_a_product_recommended_again_is_the_evidence_for_itself_where_its_own_term_is_the_largest() -> None:
    weights = sparse.csr_matrix([[3.0, 1.0, 0.0]])

    def terms(products: np.ndarray) -> np.ndarray:
        return np.array([[9.0, 1.0], [2.0, 1.0], [0.0, -1.0]])[products[0]].T

    assert strongest(weights, terms, np.array([[0, 1, 2]])).tolist() == [[0, 0, -1]]


def test_a_saved_model_comes_back_and_recommends_what_the_basket_lacks(tmp_path: Path) -> None:
    FactorModel(PRODUCTS, FACTORS, SETTLED).save(tmp_path)
    model = load(tmp_path)

    told = Recommender(model).predict(
        pd.DataFrame({"customer_id": ["a", "a"], "product_id": ["p", "unknown"], "weight": [3.0, 1.0]})
    )

    assert isinstance(model, FactorModel)
    assert model.settled == SETTLED
    assert told["product_id"].tolist() == ["r", "q"]
    assert told["rank"].tolist() == [1, 2]


def test_products_that_the_model_has_not_seen_get_zeros() -> None:
    model = FactorModel(PRODUCTS, FACTORS, SETTLED)
    aligned = model.aligned(np.array(["new", "q"], dtype=object))
    assert aligned.tolist() == [[0.0, 0.0], [0.0, 1.0]]
