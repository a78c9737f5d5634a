"""MLlib's fits against those of this process on the same rows, and our Spark words against our plain ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from lakehouse import engine
from ml.click import fits as click
from ml.click.compare import later
from ml.click.features import Span, read_impressions, span, vocabulary, word_counts
from ml.click.tokens import words
from ml.frames import speaking_to
from ml.measures import auc
from ml.purchase import fits as purchase
from ml.recommend.content import read_tags
from ml.recommend.evaluate import judge
from ml.recommend.factors import solve_customers
from ml.recommend.features import read_history, read_seen
from ml.recommend.fits import OF_IMPLICIT, OF_MLLIB, by_implicit, by_mllib
from ml.segment.evaluate import cost
from ml.segment.fits import by_mllib as by_k_means_of_mllib
from ml.segment.fits import by_scikit_learn
from ml.segment.train import draw_curve
from tests.integration.ml.activity import habits
from tests.integration.ml.gold_tables import AS_OF, write_shop

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lakehouse.settings import Settings


@pytest.fixture
def impressions(home_spark: SparkSession, home_settings: Settings) -> DataFrame:
    from lakehouse.catalog import register_tables

    write_shop(home_settings, activity=habits(AS_OF))
    register_tables(home_spark, home_settings)
    found = read_impressions(home_spark, AS_OF)
    assert found is not None
    return found


def test_our_customer_factors_solve_what_spark_als_solves(
    impressions: DataFrame, home_spark: SparkSession, home_settings: Settings
) -> None:
    from pyspark.ml.recommendation import ALS

    seen = read_seen(home_settings, AS_OF)
    rows = pd.DataFrame({"user": seen.user.astype("int32"), "item": seen.item.astype("int32"), "r": seen.weight})
    als = ALS(
        rank=OF_MLLIB.rank,
        maxIter=OF_MLLIB.iterations,
        regParam=OF_MLLIB.regularisation,
        alpha=OF_MLLIB.alpha,
        implicitPrefs=True,
        userCol="user",
        itemCol="item",
        ratingCol="r",
        numUserBlocks=1,
        numItemBlocks=1,
        seed=7,
    ).fit(home_spark.createDataFrame(rows).coalesce(1))
    theirs = als.userFactors.toPandas().sort_values("id")
    model = by_mllib(home_spark, seen, OF_MLLIB, 7)

    ours, _ = solve_customers(seen.matrix(seen.weight), model.aligned(seen.products), OF_MLLIB)

    assert ours[theirs["id"]] == pytest.approx(np.array(theirs["features"].to_list()), abs=2e-4)


def test_history_is_split_at_four_fifths_of_its_days(impressions: DataFrame, home_settings: Settings) -> None:
    history = read_history(home_settings, AS_OF)
    assert history.cut is not None
    assert (AS_OF - history.cut).days == pytest.approx(19, abs=1)
    total = history.before.purchase_count.sum() + history.after.purchase_count.sum()
    assert history.whole.purchase_count.sum() == total


def test_customer_factors_solve_what_implicit_solves(impressions: DataFrame, home_settings: Settings) -> None:
    from implicit.als import AlternatingLeastSquares

    seen = read_seen(home_settings, AS_OF)
    model = by_implicit(seen, OF_IMPLICIT, 7)
    als = AlternatingLeastSquares(OF_IMPLICIT.rank, regularization=OF_IMPLICIT.regularisation, alpha=1.0, use_cg=False)
    confidence = seen.matrix((1.0 + OF_IMPLICIT.alpha * seen.weight).astype("float32")).tocsr()
    als.item_factors = model.aligned(seen.products).astype("float32")

    theirs = als.recalculate_user(np.arange(len(seen.customers)), confidence)
    ours, _ = solve_customers(seen.matrix(seen.weight).tocsr(), model.aligned(seen.products), OF_IMPLICIT)

    assert ours == pytest.approx(theirs, abs=1e-4)


def test_a_fit_by_implicit_can_be_repeated(impressions: DataFrame, home_settings: Settings) -> None:
    seen = read_seen(home_settings, AS_OF)
    once, again = (by_implicit(seen, OF_IMPLICIT, 7).factors for _ in range(2))
    assert np.array_equal(once, again)


def test_als_of_either_library_ranks_as_well(
    impressions: DataFrame, home_spark: SparkSession, home_settings: Settings
) -> None:
    history = read_history(home_settings, AS_OF)
    fitted = (by_implicit(history.before, OF_IMPLICIT, 7), by_mllib(home_spark, history.before, OF_MLLIB, 7))
    tags = read_tags(home_settings, history.whole.products)
    local, spark = (judge([one], history, tags).by_method["als"] for one in fitted)
    assert local["ndcg_at_10"] >= 0.98 * spark["ndcg_at_10"]


def test_k_means_costs_are_those_of_scikit_learn(home_spark: SparkSession) -> None:
    rng = np.random.default_rng(4)
    points = np.concatenate([rng.normal(size=(40, 4)) + 6 * np.eye(4)[k] for k in range(4)])
    fits = by_k_means_of_mllib(home_spark, points), by_scikit_learn(points)
    ours, theirs = ({k: fit(k, 7) for k in (2, 4, 6)} for fit in fits)
    assert cost(points, ours[4]) == pytest.approx(cost(points, theirs[4]), rel=1e-3)  # the four clouds
    for k in ours:  # elsewhere the best of three starts may end a little above the best of ten
        assert cost(points, theirs[k]) * 0.999 <= cost(points, ours[k]) <= cost(points, theirs[k]) * 1.05


def test_fewer_different_customers_than_groups_give_as_many_groups_as_there_are(home_spark: SparkSession) -> None:
    assert list(draw_curve(home_spark, np.zeros((5, 4)), 7)) == [1]
    assert list(draw_curve(home_spark, np.array([[0.0], [0.0], [1.0]]), 7)) == [2]
    assert list(draw_curve(home_spark, np.array([[0.0], [1.0], [2.0], [3.0]]), 7)) == [2, 3]


def test_the_logistic_regression_is_that_of_scikit_learn(
    impressions: DataFrame, home_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("ITERATIONS", 300), ("TOLERANCE", 1e-10), ("MOST_STEPS", 5000), ("STEEPEST", 1e-9)):
        monkeypatch.setattr(click, name, value)
    edges = span(impressions)
    rows = click.SparkRows(impressions, vocabulary(word_counts(impressions)), edges)
    session = _sail(home_settings)
    with speaking_to(session):
        found = read_impressions(session, AS_OF)
        assert found is not None
        local = click.rows_of(found, span(found))

    assert isinstance(local, click.LocalRows)
    assert local.words == rows.words
    assert local.by_period() == rows.by_period()
    for last in range(3):
        ours, theirs = (one.fit(last, *one.by_period()).model for one in (rows, local))
        assert list(ours.coefficients.values()) == pytest.approx(list(theirs.coefficients.values()), abs=2e-3)
        assert (ours.intercept, ours.base_rate) == pytest.approx((theirs.intercept, theirs.base_rate), abs=2e-3)
    assert local.levels() == rows.levels()
    for one in (local, rows):
        one.leave_out({"prior_top_category_x_creative", "region"})
    assert local.words == rows.words
    assert not any(word.startswith(("region=", "prior_top_category_x_creative=")) for word in local.words)
    ours, theirs = (one.fit(1, *one.by_period()).model for one in (rows, local))
    assert list(ours.coefficients.values()) == pytest.approx(list(theirs.coefficients.values()), abs=2e-3)
    rows.close()


def test_later_impressions_are_read_alike_from_either_session(impressions: DataFrame, home_settings: Settings) -> None:
    ours, label = later(impressions)
    session = _sail(home_settings)
    with speaking_to(session):
        found = read_impressions(session, AS_OF)
        assert found is not None
        theirs, clicked = later(found)
    assert [sorted(words) for words in ours.to_pylist()] == [sorted(words) for words in theirs.to_pylist()]
    assert label.tolist() == clicked.tolist()
    assert label.sum() > 100


def test_what_spark_says_of_later_impressions_is_what_its_coefficients_say(impressions: DataFrame) -> None:
    rows = click.SparkRows(impressions, vocabulary(word_counts(impressions)), span(impressions))
    fitted = rows.fit(1, *rows.by_period())
    predicted = rows.later([fitted])
    told = rows.frame.where("period > 0").orderBy("impression_id").select("features", "label", "period").collect()
    rows.close()
    design = np.array([row["features"].toArray() for row in told])
    expected = design @ np.array(list(fitted.model.coefficients.values())) + fitted.model.intercept
    assert predicted.logits[0] == pytest.approx(expected, abs=1e-9)
    assert predicted.label.tolist() == [row["label"] for row in told]
    assert predicted.period.tolist() == [row["period"] for row in told]


def test_spark_and_python_read_the_same_words(impressions: DataFrame) -> None:
    rows = impressions.limit(200).collect()
    for row in rows:
        plain = row.asDict()
        assert sorted(plain.pop("words")) == sorted(words(plain))


def test_the_three_slices_of_time_have_64_16_and_20_percent(impressions: DataFrame) -> None:
    edges = span(impressions)
    assert isinstance(edges, Span)
    seconds = np.sort([row[0] for row in impressions.select("second").collect()])
    assert edges.impressions == 3000
    assert np.searchsorted(seconds, edges.calibrate_from) == pytest.approx(1920, abs=1)
    assert np.searchsorted(seconds, edges.test_from) == pytest.approx(2400, abs=1)


def test_forests_of_either_library_are_as_good_and_can_be_repeated(home_spark: SparkSession) -> None:
    rng = np.random.default_rng(6)
    rows = np.round(rng.normal(size=(3000, 8)), 2).astype(np.float32).astype(np.float64)
    label = (rng.random(3000) < 1 / (1 + np.exp(1 - 2 * rows[:, 0] - rows[:, 1] * rows[:, 2]))).astype(np.float64)
    past, later = slice(0, 2000), slice(2000, None)
    spark, again = (purchase.by_mllib(home_spark, rows[past], label[past], 7) for _ in range(2))
    local = purchase.by_scikit_learn(rows[past], label[past], 7)

    assert all(np.array_equal(getattr(spark, name), getattr(again, name)) for name in ("feature", "threshold", "value"))
    ours, theirs = (forest.probability(rows[later]) for forest in (local, spark))
    assert spark.trees == local.trees == purchase.TREES
    assert auc(theirs, label[later]) == pytest.approx(auc(ours, label[later]), abs=0.01)
    assert np.abs(theirs - ours).mean() < 0.05
    assert theirs.mean() == pytest.approx(ours.mean(), abs=0.02)


def test_our_reading_of_mllibs_trees_predicts_what_mllib_predicts(home_spark: SparkSession) -> None:
    from pyspark.ml.linalg import Vectors
    from pyspark.ml.regression import RandomForestRegressor

    rng = np.random.default_rng(8)
    rows = np.round(rng.normal(size=(400, 3)), 1)
    given = [(Vectors.dense(row), float(row[0] > row[1])) for row in rows]
    frame = home_spark.createDataFrame(given, ["features", "label"]).coalesce(1)
    fitted = RandomForestRegressor(numTrees=7, maxDepth=6, minInstancesPerNode=3, seed=1).fit(frame)
    told = purchase.grown(purchase.trees_of(fitted.toDebugString), rows)
    theirs = [row[0] for row in fitted.transform(frame).select("prediction").collect()]
    assert told.probability(rows) == pytest.approx(theirs, abs=1e-12)


def _sail(settings: Settings) -> SparkSession:
    session: SparkSession = engine.frames(settings)
    return session
