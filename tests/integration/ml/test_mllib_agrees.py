"""MLlib's fits against independent ones on the same rows, and our Spark words against our plain ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression

from ml.click import train as click
from ml.click.features import Span, read_impressions, span, vocabulary, word_counts
from ml.click.tokens import words
from ml.recommend.factors import solve_customers
from ml.recommend.features import read_history, read_seen
from ml.recommend.train import SETTLED, fit
from ml.segment.evaluate import cost
from ml.segment.train import draw_curve
from tests.integration.ml.gold_tables import AS_OF, write_shop

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lakehouse.settings import Settings


@pytest.fixture
def impressions(home_spark: SparkSession, home_settings: Settings) -> DataFrame:
    from lakehouse.catalog import register_tables

    write_shop(home_settings)
    register_tables(home_spark, home_settings.tables_dir)
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
        rank=SETTLED.rank,
        maxIter=SETTLED.iterations,
        regParam=SETTLED.regularisation,
        alpha=SETTLED.alpha,
        implicitPrefs=True,
        userCol="user",
        itemCol="item",
        ratingCol="r",
        numUserBlocks=1,
        numItemBlocks=1,
        seed=7,
    ).fit(home_spark.createDataFrame(rows).coalesce(1))
    theirs = als.userFactors.toPandas().sort_values("id")
    model = fit(home_spark, seen, SETTLED, 7)

    ours, _ = solve_customers(seen.matrix(seen.weight), model.aligned(seen.products), SETTLED)

    assert ours[theirs["id"]] == pytest.approx(np.array(theirs["features"].to_list()), abs=2e-4)


def test_history_is_split_at_four_fifths_of_its_days(impressions: DataFrame, home_settings: Settings) -> None:
    history = read_history(home_settings, AS_OF)
    assert history.cut is not None
    assert (AS_OF - history.cut).days == pytest.approx(19, abs=1)
    total = history.before.purchase_count.sum() + history.after.purchase_count.sum()
    assert history.whole.purchase_count.sum() == total


def test_k_means_costs_are_those_of_scikit_learn(home_spark: SparkSession) -> None:
    rng = np.random.default_rng(4)
    points = np.concatenate([rng.normal(size=(40, 4)) + 6 * np.eye(4)[k] for k in range(4)])
    curve = draw_curve(home_spark, points, 7)
    theirs = {k: KMeans(k, n_init=10, random_state=0).fit(points).inertia_ for k in curve}
    assert cost(points, curve[4]) == pytest.approx(theirs[4], rel=1e-3)  # the four clouds
    for k in curve:  # elsewhere a single start may end a little above the best of ten
        assert cost(points, curve[k]) <= theirs[k] * 1.05


def test_fewer_different_customers_than_groups_give_as_many_groups_as_there_are(home_spark: SparkSession) -> None:
    assert list(draw_curve(home_spark, np.zeros((5, 4)), 7)) == [1]
    assert list(draw_curve(home_spark, np.array([[0.0], [0.0], [1.0]]), 7)) == [2]
    assert list(draw_curve(home_spark, np.array([[0.0], [1.0], [2.0], [3.0]]), 7)) == [2, 3]


def test_the_logistic_regression_is_that_of_scikit_learn(
    impressions: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(click, "ITERATIONS", 300)
    monkeypatch.setattr(click, "TOLERANCE", 1e-10)
    edges = span(impressions)
    known = vocabulary(word_counts(impressions))
    rows = click.encode(impressions, known, edges).cache()
    clicks, others = click.by_period(rows)
    ours = click.fit(rows, known, 2, clicks, others).model
    told = rows.select("features", "label").collect()
    rows.unpersist()
    design = np.array([row["features"].toArray() for row in told])
    label = np.array([row["label"] for row in told])
    weight = np.where(label > 0, sum(others) / sum(clicks), 1.0)
    penalty = 1.0 / (click.REGULARISATION * weight.sum())
    theirs = LogisticRegression(C=penalty, tol=1e-10, max_iter=5000).fit(design, label, sample_weight=weight)

    assert list(ours.coefficients.values()) == pytest.approx(theirs.coef_[0], abs=2e-3)
    assert ours.intercept == pytest.approx(theirs.intercept_[0] - np.log(sum(others) / sum(clicks)), abs=2e-3)


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
