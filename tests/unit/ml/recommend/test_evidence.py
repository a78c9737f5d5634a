"""The reason of a recommendation is the product with the largest share of its score, by whichever method."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from ml.recommend.factors import FactorModel, Settled, solve_customers
from ml.recommend.features import Interactions
from ml.recommend.methods.ease import fit_ease
from ml.recommend.methods.item_to_item import fit_cosine, fit_pearson
from ml.recommend.methods.item_weights import ItemWeights
from ml.recommend.methods.model import Model, own_products
from ml.recommend.methods.sar import fit_sar
from ml.recommend.score import recommend
from tests.unit.ml.recommend.shop import history

TODAY = 800_000
ALS = Settled(rank=4, iterations=1, regularisation=0.1, alpha=0.7)


def a_shop(seed: int) -> Interactions:
    """Thirty customers and twenty products of two tastes; some were bought lately, some long ago."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"c{c:02d}", f"p{p:02d}", float(1 + rng.integers(0, 9)), bought, TODAY - ago if bought else None)
        for c in range(30)
        for p in range(20)
        if rng.random() < (0.5 if c % 2 == p % 2 else 0.1)
        for bought, ago in [(int(rng.random() < 0.4), int(rng.integers(1, 300)))]
    ]
    return history(rows, [f"c{c:02d}" for c in range(30)], [f"p{p:02d}" for p in range(20)])


def fit_als(seen: Interactions, seed: int) -> FactorModel:
    return FactorModel(seen.products, np.random.default_rng(seed).normal(size=(len(seen.products), 4)), ALS)


def shares(model: Model, own: sparse.csr_matrix) -> np.ndarray:
    """Customers x own products x products: what each own product adds to a score, by the formula of the method."""
    whole = own.toarray()
    if isinstance(model, ItemWeights):
        matrix = model.matrix.toarray() if sparse.issparse(model.matrix) else model.matrix
        return whole[:, :, None] * matrix[None]
    assert isinstance(model, FactorModel)
    _, inverses = solve_customers(own, model.factors, model.settled)
    confidence = np.where(whole > 0, 1 + model.settled.alpha * whole, 0.0)
    return np.einsum("uj,jr,urs,is->uji", confidence, model.factors, inverses, model.factors)


@pytest.mark.parametrize("fit", [fit_cosine, fit_pearson, fit_sar, fit_ease, fit_als])
@pytest.mark.parametrize("seed", range(3))
def test_the_evidence_is_the_product_with_the_largest_share_of_the_score(
    fit: Callable[[Interactions, int], Model], seed: int
) -> None:
    seen = a_shop(seed)
    model = fit(seen, seed)
    own = own_products(model, seen)
    part = shares(model, own)
    assert part.sum(axis=1) == pytest.approx(model.scored(own).scores, rel=1e-5, abs=1e-6)  # scores have 32 bits

    told = pd.DataFrame(recommend(model, seen, np.full(len(seen.customers), -1), TODAY))

    place = {name: number for number, name in enumerate(seen.products)}
    customer = {name: number for number, name in enumerate(seen.customers)}
    by_history = told["strategy"] == model.name
    assert by_history.mean() > 0.5
    for row in np.flatnonzero(by_history):
        mine = part[customer[told["customer_id"][row]], :, place[told["product_id"][row]]]
        named = told["evidence_product_id"][row]
        if named is None:
            assert mine.max() <= 1e-12
        else:
            assert mine[place[named]] == pytest.approx(mine.max())
            assert mine[place[named]] > 0
