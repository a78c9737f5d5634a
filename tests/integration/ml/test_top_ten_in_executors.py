"""Ten products for each customer by Spark's executors: against this process, a brute force, and MLlib's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.recommend import blocks
from ml.recommend.content import weighed_tags
from ml.recommend.factors import FactorModel, solve_customers
from ml.recommend.features import NEVER, Interactions
from ml.recommend.fits import OF_MLLIB
from ml.recommend.methods.ease import fit_ease
from ml.recommend.methods.item_to_item import fit_cosine
from ml.recommend.methods.model import Model
from ml.recommend.methods.sar import fit_sar
from ml.recommend.ranking import top_k_of_factors
from ml.recommend.score import recommend

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CUSTOMERS, PRODUCTS, TODAY = 230, 90, 1_000


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Interactions:
    """Customers of two tastes, every ninth of whom nothing is known; in blocks of 40 customers."""
    monkeypatch.setattr("ml.recommend.ranking.CELLS_AT_ONCE", 40 * PRODUCTS)
    rng = np.random.default_rng(11)
    likes = np.where(np.add.outer(np.arange(CUSTOMERS), np.arange(PRODUCTS)) % 2 == 0, 0.12, 0.03)
    user, item = np.nonzero((rng.random(likes.shape) < likes) & (np.arange(CUSTOMERS) % 9 > 0)[:, None])
    bought = rng.random(len(user)) < 0.4
    weight = rng.integers(1, 9, len(user)).astype(np.float64)
    nothing = np.zeros(len(user))
    return Interactions(
        customers=np.array([f"c{n:03d}" for n in range(CUSTOMERS)], dtype=object),
        products=np.array([f"p{n:03d}" for n in range(PRODUCTS)], dtype=object),
        user=user,
        item=item,
        weight=np.log1p(weight),
        view_count=nothing + 1,
        cart_count=nothing,
        purchase_count=bought.astype(np.float64),
        bought_days=bought.astype(np.float64),
        last_bought_day=np.where(bought, TODAY - 5.0, NEVER),
        is_rated=nothing > 0,
        rating=nothing * np.nan,
        recent_weight=weight,
    )


def factors(seen: Interactions, seed: int) -> FactorModel:
    drawn = np.random.default_rng(seed).normal(size=(PRODUCTS, OF_MLLIB.rank))
    return FactorModel(seen.products[5:], drawn[5:], OF_MLLIB)  # five products came after the training


@pytest.mark.parametrize("fit", [factors, fit_ease, fit_sar, fit_cosine])
def test_executors_say_what_this_process_says(fit, seen: Interactions, spark: SparkSession) -> None:  # type: ignore[no-untyped-def]
    model: Model = fit(seen, 7)
    segment = np.arange(CUSTOMERS) % 4 - 1
    tags = weighed_tags([np.array([f"brand {n % 12}" for n in range(PRODUCTS)], dtype=object)])
    ours = pd.DataFrame(recommend(model, seen, segment, TODAY, tags))
    theirs = pd.DataFrame(recommend(model, seen, segment, TODAY, tags, spark))
    pd.testing.assert_frame_equal(theirs, ours, check_exact=True)
    assert set(ours["strategy"]) >= {model.name, "segment"}
    assert len(theirs) == 10 * CUSTOMERS


def test_the_reason_in_the_executors_is_the_own_product_that_contributed_most(
    seen: Interactions, spark: SparkSession
) -> None:
    model = factors(seen, 3)
    known = model.aligned(seen.products)
    told = pd.DataFrame(recommend(model, seen, np.full(CUSTOMERS, -1), TODAY, session=spark))
    told = told[told["strategy"] == "als"].merge(
        pd.DataFrame({"customer_id": seen.customers, "user": np.arange(CUSTOMERS)})
    )
    weights = seen.matrix(seen.weight).tocsr()
    weights = weights.multiply(np.arange(PRODUCTS) >= 5).tocsr()
    weights.eliminate_zeros()
    _, inverses = solve_customers(weights, known, OF_MLLIB)
    places = {name: n for n, name in enumerate(seen.products)}
    for row in told[::7].itertuples():
        mine = weights.indices[weights.indptr[row.user] : weights.indptr[row.user + 1]]
        confidence = 1 + OF_MLLIB.alpha * weights[row.user, mine].toarray().ravel()
        parts = known[mine] @ inverses[row.user] @ known[places[row.product_id]] * confidence
        assert row.evidence_product_id == (seen.products[mine[parts.argmax()]] if parts.max() > 0 else None)


def test_the_ten_are_those_of_mllibs_recommend_for_all_users_and_of_a_brute_force(spark: SparkSession) -> None:
    from pyspark.ml.recommendation import ALS

    rng = np.random.default_rng(2)
    user, item = np.nonzero(rng.random((120, 70)) < 0.15)
    rows = pd.DataFrame({"user": user, "item": item, "r": rng.integers(1, 6, len(user)).astype("float32")})
    fitted = ALS(
        rank=8, maxIter=3, implicitPrefs=True, userCol="user", itemCol="item", ratingCol="r", seed=1
    ).fit(spark.createDataFrame(rows))  # fmt: skip
    told = fitted.recommendForAllUsers(10).toPandas().sort_values("user")
    theirs = [[one["item"] for one in ten] for ten in told["recommendations"]]
    people, products = (
        np.array(found.toPandas().sort_values("id")["features"].to_list(), dtype=np.float32)
        for found in (fitted.userFactors, fitted.itemFactors)
    )

    assert top_k_of_factors(people, products, 10).tolist() == theirs
    exact = people.astype(np.float64) @ products.T.astype(np.float64)
    assert np.argsort(-exact, axis=1)[:, :10].tolist() == theirs


def test_a_block_holds_no_more_scores_than_fit_into_it(seen: Interactions) -> None:
    listing = blocks.Listing.of(factors(seen, 1), seen, weighed_tags([seen.products]))
    serving, parts = blocks.blocks(listing, seen, np.full(CUSTOMERS, -1), TODAY)
    sizes = [len(block) for block in parts]
    assert sizes == [40] * 5 + [30]
    assert serving.listing.own.shape[0] == 0  # what is broadcast holds no customer
