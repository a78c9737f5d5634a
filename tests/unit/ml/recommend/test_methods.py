"""Each method on four customers and four products, against figures worked out by hand or by the plain formula."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from ml.recommend.factors import FactorModel, Settled
from ml.recommend.features import NEVER, Daily, Interactions, interactions
from ml.recommend.methods import als_explicit, user_to_user
from ml.recommend.methods.als_explicit import fit_als_explicit, fit_factors
from ml.recommend.methods.bpr import PairwiseModel, Steps, fit_bpr, suits_bpr
from ml.recommend.methods.ease import fit_ease
from ml.recommend.methods.item_to_item import fit_cosine, fit_pearson
from ml.recommend.methods.item_weights import ItemWeights
from ml.recommend.methods.model import Model, own_products
from ml.recommend.methods.popularity import fit_popularity
from ml.recommend.methods.sar import fit_sar
from ml.recommend.methods.user_to_user import fit_user_to_user
from ml.recommend.served import load
from tests.unit.ml.recommend.shop import history

TOUCHED = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 1]])
SEEN = history(
    [(f"c{u}", f"p{i}", 1.0 + u + i, 0, None) for u, i in zip(*np.nonzero(TOUCHED))],
    [f"c{n}" for n in range(4)],
    [f"p{n}" for n in range(4)],
)
WEIGHTS = np.where(TOUCHED, np.log1p(1.0 + np.add.outer(np.arange(4), np.arange(4))), 0.0)
FITS: list[Callable[[Interactions, int], Model]] = [
    fit_popularity,
    fit_cosine,
    fit_pearson,
    fit_sar,
    fit_ease,
    fit_user_to_user,
    fit_als_explicit,
    fit_bpr,
]


def matrix_of(model: Model) -> np.ndarray:
    assert isinstance(model, ItemWeights)
    return model.matrix if isinstance(model.matrix, np.ndarray) else model.matrix.toarray()


def scores_of(model: Model, seen: Interactions = SEEN) -> np.ndarray:
    return model.scored(own_products(model, seen)).scores


def test_cosine_of_who_touched_by_hand() -> None:
    model = fit_cosine(SEEN, 7)
    a, b, c = 2 / sqrt(2 * 3), 1 / sqrt(2 * 3), 2 / 3  # p0 and p1 share two of 2 and 3 customers, and so on
    d = 1 / sqrt(3 * 1)
    assert matrix_of(model) == pytest.approx(np.array([[0, a, b, 0], [a, 0, c, 0], [b, c, 0, d], [0, 0, d, 0]]))
    assert scores_of(model) == pytest.approx(WEIGHTS @ matrix_of(model))


def test_pearson_is_numpys_correlation_of_the_columns_where_it_is_above_zero() -> None:
    expected = np.maximum(np.corrcoef(WEIGHTS.T), 0.0)
    np.fill_diagonal(expected, 0.0)
    assert matrix_of(fit_pearson(SEEN, 7)) == pytest.approx(expected)


def test_sar_is_jaccard_times_the_decayed_affinity() -> None:
    daily = Daily(
        user=np.array([0, 0, 0, 1]),
        item=np.array([0, 0, 1, 0]),
        day=np.array([700, 640, 670, 700]),  # 0, 60 and 30 days old
        view_count=np.ones(4, np.int64),
        cart_count=np.zeros(4, np.int64),
        purchase_count=np.zeros(4, np.int64),
        is_rated=np.zeros(4, np.bool_),
        millionths=np.array([4_000_000, 8_000_000, 6_000_000, 1_000_000]),
        rating_millionths=np.zeros(4, np.int64),
    )
    seen = interactions(daily, np.array(["a", "b"], dtype=object), np.array(["p", "q"], dtype=object))
    assert seen.recent_weight.tolist() == [4.0 + 8.0 / 4, 6.0 / 2, 1.0]
    model = fit_sar(seen, 7)
    assert matrix_of(model).tolist() == [[0.0, 0.5], [0.5, 0.0]]  # one customer of both, two of either
    assert scores_of(model, seen).tolist() == [[0.5 * 0.5, 1.0 * 0.5], [0.0, 0.5]]  # relative to each one's largest


def test_sars_jaccard_by_hand() -> None:
    expected = [[0, 2 / 3, 1 / 4, 0], [2 / 3, 0, 1 / 2, 0], [1 / 4, 1 / 2, 0, 1 / 3], [0, 0, 1 / 3, 0]]
    assert matrix_of(fit_sar(SEEN, 7)) == pytest.approx(np.array(expected))


def test_a_large_catalogue_keeps_the_highest_jaccards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.recommend.methods.sar.MOST_CELLS", 4)
    expected = [[0, 2 / 3, 0, 0], [2 / 3, 0, 0, 0], [0, 1 / 2, 0, 0], [0, 0, 1 / 3, 0]]
    assert matrix_of(fit_sar(SEEN, 7)) == pytest.approx(np.array(expected))


def test_ease_is_the_ridge_regression_of_each_product_on_the_others() -> None:
    # min |x_i - X_-i b|^2 + lambda |b|^2 for each product by itself, without the closed form
    weights = matrix_of(fit_ease(SEEN, 7, regularisation=2.0))
    for product in range(4):
        others = [other for other in range(4) if other != product]
        design = TOUCHED[:, others].astype(float)
        expected = np.linalg.solve(design.T @ design + 2.0 * np.eye(3), design.T @ TOUCHED[:, product])
        assert weights[others, product] == pytest.approx(expected)
        assert weights[product, product] == 0.0


def test_user_to_user_sums_what_the_nearest_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_to_user, "NEIGHBOURS", 2)
    rows = WEIGHTS / np.linalg.norm(WEIGHTS, axis=1)[:, None]
    cosine = rows @ rows.T
    np.fill_diagonal(cosine, 0.0)  # oneself
    cosine[cosine < np.sort(cosine, axis=1)[:, [-2]]] = 0.0
    assert scores_of(fit_user_to_user(SEEN, 7)) == pytest.approx(cosine @ rows)


def two_tastes() -> Interactions:
    """Forty customers: of twenty products each touched six of their taste's ten, the first ones more often."""
    rng = np.random.default_rng(3)
    liked = [
        (u, i) for u in range(40) for i in (u % 2) * 10 + rng.choice(10, 6, replace=False, p=np.arange(10, 0, -1) / 55)
    ]
    rows = [(f"c{u:02d}", f"p{i:02d}", 1.0, 0, None) for u, i in liked]
    return history(rows, [f"c{u:02d}" for u in range(40)], [f"p{i:02d}" for i in range(20)])


def test_bpr_puts_the_products_of_a_customers_taste_before_all_others() -> None:
    seen = two_tastes()
    scores = scores_of(fit_bpr(seen, 7), seen)
    own, other = (
        scores.reshape(40, 2, 10)[np.arange(40), np.arange(40) % 2],
        scores.reshape(40, 2, 10)[np.arange(40), 1 - np.arange(40) % 2],
    )
    assert (own.mean(axis=1) > other.mean(axis=1)).all()
    assert (own.argsort(axis=1)[:, -1] < 5).all()  # and of these a popular one: what is drawn often is added again


def test_bpr_can_be_repeated_and_depends_on_its_seed() -> None:
    once, again, other = (fit_bpr(two_tastes(), seed) for seed in (7, 7, 8))
    assert np.array_equal(once.factors, again.factors)
    assert np.array_equal(once.bias, again.bias)
    assert not np.array_equal(once.factors, other.factors)


def test_a_score_of_bpr_by_hand() -> None:
    model = PairwiseModel(
        np.array(["p", "q"], dtype=object), np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[3.0, 1.0], [1.0, 5.0]]),
        np.array([0.5, 0.25]), Steps(rank=2),
    )  # fmt: skip
    told = model.scored(sparse.csr_matrix([[1.0, 1.0], [0.0, 1.0]]))
    # the first customer's factors are the mean of (3, 1) and (1, 5), the second's are (1, 5)
    assert told.scores.tolist() == [[2.0 + 0.5, 2 * 3.0 + 0.25], [1.0 + 0.5, 2 * 5.0 + 0.25]]
    assert told.terms(np.array([[0, 1], [0, 1]])).tolist() == [[1.5, 1.0], [0.5, 5.0], [1.0, 10.0]]


def test_bpr_suits_what_one_thread_can_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    assert suits_bpr(SEEN)
    monkeypatch.setattr("ml.recommend.methods.bpr.MOST_PAIRS", len(SEEN.user) - 1)
    assert not suits_bpr(SEEN)


def test_popularity_is_the_same_for_all() -> None:
    assert scores_of(fit_popularity(SEEN, 7)).tolist() == [[0.5, 0.75, 0.75, 0.25]] * 4


RATINGS = np.array([[5.0, 3.0, 0.0, 1.0], [4.0, 0.0, 0.0, 1.0], [1.0, 1.0, 0.0, 5.0], [0.0, 1.0, 5.0, 4.0]])


def rated() -> Interactions:
    user, item = np.nonzero(RATINGS)
    rating = RATINGS[user, item]
    zeros = np.zeros(len(user), np.int64)
    daily = Daily(
        user, item, np.full(len(user), NEVER), zeros, zeros, zeros, rating > 0, np.full(len(user), 1_000_000),
        (1e6 * rating).astype(np.int64),
    )  # fmt: skip
    return interactions(daily, SEEN.customers, SEEN.products)


def test_each_half_step_of_explicit_als_is_the_ridge_regression_of_a_row() -> None:
    settled = Settled(rank=2, iterations=3, regularisation=0.05, alpha=1.0)
    model = fit_als_explicit(rated(), 7, settled)
    factors = np.random.default_rng(7).normal(size=(4, 2))
    factors /= np.linalg.norm(factors, axis=1)[:, None]
    for _ in range(3):
        people = np.array([_ridge(RATINGS[u], factors) for u in range(4)])
        factors = np.array([_ridge(RATINGS[:, i], people) for i in range(4)])
    assert model.factors == pytest.approx(factors)
    people = np.array([_ridge(RATINGS[u], factors) for u in range(4)])
    assert scores_of(model, rated()) == pytest.approx(people @ factors.T, rel=1e-5, abs=1e-6)


def _ridge(ratings: np.ndarray, factors: np.ndarray) -> np.ndarray:
    told = ratings > 0
    design = factors[told]
    return np.linalg.solve(design.T @ design + 0.05 * told.sum() * np.eye(2), design.T @ ratings[told])


def test_explicit_als_fills_in_what_a_matrix_of_rank_one_lacks() -> None:
    whole = np.outer([1.0, 2.0, 3.0, 4.0], [1.0, 0.5, 1.2])
    known = whole.copy()
    known[3, 2] = 0.0
    factors = fit_factors(sparse.csr_matrix(known), Settled(1, 50, 1e-6, 1.0), 7)
    people, _ = als_explicit.solve(sparse.csr_matrix(known), factors, 1e-6)
    assert (people @ factors.T)[3, 2] == pytest.approx(4.8, rel=1e-3)


def test_explicit_als_suits_ratings_that_differ_only() -> None:
    assert als_explicit.suits_als_explicit(rated())
    assert not als_explicit.suits_als_explicit(SEEN)


@pytest.mark.parametrize("fit", FITS[1:])
def test_the_terms_of_a_score_add_up_to_it(fit: Callable[[Interactions, int], Model]) -> None:
    model = fit(rated(), 7)
    own = own_products(model, rated())
    told = model.scored(own)
    terms = told.terms(np.tile(np.arange(4), (4, 1)))
    for row in range(4):
        mine = terms[own.indptr[row] : own.indptr[row + 1]].sum(axis=0)
        bias = model.bias if isinstance(model, PairwiseModel) else 0.0
        assert mine + bias == pytest.approx(told.scores[row], rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    "fit", [*FITS, lambda seen, seed: FactorModel(seen.products, np.eye(4), Settled(4, 1, 0.1, 1.0))]
)
def test_a_saved_model_comes_back_and_serves_another_catalogue(
    fit: Callable[[Interactions, int], Model], tmp_path: Path
) -> None:
    model = fit(rated(), 7)
    model.save(tmp_path)
    again = load(tmp_path)
    assert (again.name, again.products.tolist()) == (model.name, model.products.tolist())
    assert np.array_equal(scores_of(again, rated()), scores_of(model, rated()))

    wider = again.over(np.array(["a new one", "p1", "p3", "z"], dtype=object))
    own = own_products(model, rated()).toarray()[:, [1, 3]]
    only = model.over(np.array(["p1", "p3"], dtype=object))
    theirs = only.scored(sparse.csr_matrix(own)).scores
    ours = wider.scored(sparse.csr_matrix(np.pad(own, ((0, 0), (1, 1))))).scores
    assert ours == pytest.approx(np.pad(theirs, ((0, 0), (1, 1))))
    assert ours[:, [0, 3]].tolist() == [[0.0, 0.0]] * 4
