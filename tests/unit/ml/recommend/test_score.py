from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.recommend.content import weighed_tags
from ml.recommend.factors import FactorModel, Settled, solve_customers
from ml.recommend.methods.bpr import fit_bpr
from ml.recommend.methods.ease import fit_ease
from ml.recommend.methods.item_to_item import fit_cosine, fit_pearson
from ml.recommend.methods.item_weights import ItemWeights
from ml.recommend.methods.model import own_products
from ml.recommend.methods.sar import fit_sar
from ml.recommend.methods.user_to_user import fit_user_to_user
from ml.recommend.ranking import is_withheld
from ml.recommend.score import evidence_types, recommend, similar_products
from tests.unit.ml.recommend.shop import history

TODAY = 1_000
SETTLED = Settled(rank=3, iterations=1, regularisation=0.1, alpha=0.5)


def random_shop(seed: int, customers: int, products: int, share: float):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    rows = [
        (
            f"c{c:03d}",
            f"p{p:03d}",
            float(rng.integers(1, 9)),
            bought,
            TODAY - int(rng.integers(0, 200)) if bought else None,
        )
        for c in range(customers)
        for p in range(products)
        if rng.random() < share and c % 5
        for bought in [int(rng.random() < 0.5)]
    ]
    seen = history(rows, [f"c{c:03d}" for c in range(customers)], [f"p{p:03d}" for p in range(products)])
    known = np.array([f"p{p:03d}" for p in range(products) if p % 7], dtype=object)  # some came after the training
    return seen, FactorModel(known, rng.normal(size=(len(known), 3)), SETTLED)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 25), st.integers(1, 30), st.sampled_from([0.0, 0.1, 0.9]))
def test_every_customer_gets_ten_distinct_products_where_the_catalogue_has_ten(
    seed: int, customers: int, products: int, share: float
) -> None:
    seen, model = random_shop(seed, customers, products, share)
    segment = np.random.default_rng(seed).integers(-1, 3, customers)

    told = pd.DataFrame(recommend(model, seen, segment, TODAY))

    k = min(10, products)
    assert told["customer_id"].tolist() == [name for name in seen.customers for _ in range(k)]
    assert told.groupby("customer_id")["product_id"].nunique().eq(k).all()
    assert told.groupby("customer_id")["rank"].apply(list).map(lambda ranks: ranks == list(range(1, k + 1))).all()


def test_the_ten_are_exactly_the_best_of_a_brute_force_over_all_products() -> None:
    seen, model = random_shop(7, 40, 60, 0.2)
    told = pd.DataFrame(recommend(model, seen, np.full(40, -1), TODAY))
    factors = model.aligned(seen.products)
    known = (factors != 0).any(axis=1)
    weights = seen.matrix(np.where(known[seen.item], seen.weight, 0.0))
    weights.eliminate_zeros()
    scores = solve_customers(weights, factors, SETTLED)[0] @ factors.T
    withheld = seen.matrix(is_withheld(seen, TODAY)).toarray()
    for row in np.flatnonzero(np.diff(weights.indptr)):
        allowed = [item for item in range(60) if known[item] and not withheld[row, item]]
        best = sorted(allowed, key=lambda item: (-scores[row, item], item))[:10]
        mine = told[told["customer_id"] == seen.customers[row]]
        assert mine["product_id"].tolist() == seen.products[best].tolist()
        assert set(mine["strategy"]) == {"als"}


def test_a_new_customer_is_served_from_their_segment_then_from_everybody_without_evidence() -> None:
    rows = [("a", "p", 5, 1, 1), ("b", "q", 5, 1, 1), ("c", "q", 5, 1, 1)]
    seen = history(rows, ["a", "b", "c", "new", "stranger"], ["p", "q", "r"])
    model = FactorModel(np.array(["p", "q"], dtype=object), np.eye(2), Settled(2, 1, 0.1, 1.0))

    told = pd.DataFrame(recommend(model, seen, np.array([1, 2, 2, 1, -1]), TODAY)).set_index("customer_id")

    assert told.loc["new", ["product_id", "strategy", "score"]].to_numpy().tolist() == [
        ["p", "segment", 1.0],
        ["q", "popularity", 2 / 3],
        ["r", "popularity", 0.0],
    ]
    assert told.loc["stranger", "product_id"].tolist() == ["q", "p", "r"]
    assert told.loc[["new", "stranger"], "evidence_product_id"].isna().all()


def test_what_was_bought_lately_comes_only_after_everything_else() -> None:
    seen = history([("a", "p", 5, 1, TODAY - 1), ("a", "q", 1, 0, None)], ["a"], ["p", "q", "r"])
    model = FactorModel(np.array(["p", "q"], dtype=object), np.array([[1.0, 0.1], [0.1, 1.0]]), Settled(2, 1, 0.1, 1.0))
    told = recommend(model, seen, np.array([-1]), TODAY)
    assert told["product_id"].tolist() == ["q", "r", "p"]
    assert told["strategy"].tolist() == ["als", "popularity", "als"]


def test_a_product_that_nobody_touched_is_scored_as_those_like_it_and_says_so() -> None:
    products = ["brush", "comb", "new comb", "tent"]
    seen = history([("a", "comb", 5, 0, None), ("b", "brush", 1, 0, None)], ["a", "b"], products)
    tags = weighed_tags([np.array(["hair", "hair", "hair", "camp"], dtype=object)])
    weights = np.array([[0.0, 0.2, 0.0], [0.4, 0.0, 0.1], [0.0, 0.0, 0.0]])
    model = ItemWeights("item_to_item", np.array(["brush", "comb", "tent"], dtype=object), "touched", weights)

    told = pd.DataFrame(recommend(model, seen, np.array([-1, -1]), TODAY, tags)).query("customer_id == 'a'")

    # the new comb is like the brush and the comb: (0.4 + 0.0) / 2; nothing speaks for the comb itself
    assert told["product_id"].tolist() == ["brush", "new comb", "tent", "comb"]
    assert told["score"].tolist()[:3] == pytest.approx([0.4, 0.2, 0.1])
    assert told["strategy"].tolist() == ["item_to_item", "content", "item_to_item", "popularity"]
    assert told["evidence_product_id"].tolist()[:3] == ["comb"] * 3


def test_where_nothing_speaks_for_a_product_it_is_listed_by_popularity_and_not_by_the_method() -> None:
    seen = history([("a", "p", 1, 0, None), ("b", "s", 5, 1, 1), ("c", "s", 5, 1, 1), ("c", "r", 5, 1, 1)], list("abc"),
                   list("pqrs"))  # fmt: skip
    weights = np.zeros((4, 4))
    weights[0, 1] = 0.5
    model = ItemWeights("sar", np.array(list("pqrs"), dtype=object), "touched", weights)
    told = pd.DataFrame(recommend(model, seen, np.full(3, -1), TODAY)).query("customer_id == 'a'")
    assert told["product_id"].tolist() == ["q", "s", "r", "p"]
    assert told["strategy"].tolist() == ["sar", "popularity", "popularity", "popularity"]
    assert told["evidence_product_id"].tolist() == ["p", None, None, None]


@pytest.mark.parametrize(
    "fit", [fit_cosine, fit_pearson, fit_sar, fit_ease, fit_user_to_user, fit_bpr, lambda seen, seed: None]
)
def test_the_reason_names_the_own_product_that_contributed_most(fit) -> None:  # type: ignore[no-untyped-def]
    seen, factors = random_shop(5, 60, 40, 0.2)
    model = fit(seen, 7) or factors
    told = pd.DataFrame(recommend(model, seen, np.full(60, -1), TODAY))
    whole = model.over(seen.products)
    own = own_products(model, seen)
    reasons = 0
    for row in range(60):
        mine = own[row].indices
        of = told[told["customer_id"] == seen.customers[row]]
        assert len(mine) or of["evidence_product_id"].isna().all()
        by_model = of[of["strategy"] == model.name] if len(mine) else of[:0]
        for product, named in zip(by_model["product_id"], by_model["evidence_product_id"], strict=True):
            place = int(np.searchsorted(seen.products, product))
            parts = whole.scored(own[row]).terms(np.array([[place]]))[:, 0]  # they add up to the score: test_methods.py
            assert named == (seen.products[mine[parts.argmax()]] if parts.max() > 0 else None)
            reasons += named is not None
    assert reasons > 100


def test_the_type_of_evidence_is_the_strongest_thing_the_customer_did() -> None:
    seen = history([("a", "p", 5, 1, 1), ("a", "q", 1, 0, None)], ["a"], ["p", "q"])
    assert evidence_types(seen, np.array([0, 0, 0]), np.array([0, 1, -1])).tolist() == ["bought", "viewed", None]


def test_similar_products_are_those_of_the_same_customers_by_cosine() -> None:
    rows = [(who, what, 1.0, 0, None) for who, what in ["ap", "aq", "bp", "bq", "br", "cr"]]
    told = similar_products(history(rows, list("abc"), list("pqrs")))
    table = {
        (own, other): round(float(value), 6)
        for own, other, value in zip(told["product_id"], told["similar_product_id"], told["similarity"], strict=True)
    }
    assert table == {
        ("p", "q"): 1.0,
        ("q", "p"): 1.0,
        ("p", "r"): 0.5,  # one customer of both, two of each
        ("q", "r"): 0.5,
        ("r", "p"): 0.5,
        ("r", "q"): 0.5,
    }
