"""Fit a logistic regression by Spark MLlib on one-hot words, calibrate it on later impressions, register it.

Three fits of one recipe, each one step later in time: on the first 64 % of the impressions, on the first 80 %, and on
all of them. The slope of a fit's calibration is learned where the fit before it looks ahead (the 16 %, the last 20 %),
its offset from the level of clicks there. The second fit predicts the last 20 % and gives the metrics; the third is
the champion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lakehouse.settings import Settings
from ml import registry, tables
from ml.click.calibration import Floats, offset, slope
from ml.click.evaluate import evaluate
from ml.click.features import READS, Span, period, pooled, read_impressions, span, vocabulary, word_counts
from ml.click.model import ClickModel, base_rate_model
from ml.concurrency import each
from ml.frames import F

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

REGULARISATION = 0.01
"""L2 on the coefficients, beside a mean loss in which clicks and others weigh the same."""
ITERATIONS, TOLERANCE = 30, 1e-6
LEAST_CLICKS = 20
"""With fewer clicks (or others) before the test period everybody gets the base rate."""
ROWS_PER_PARTITION = 500_000
MOST_PARTITIONS = 2
"""A floating sum of two parts is the same in either order; of three it is not. So that a fit can be repeated."""


@dataclass(frozen=True)
class Fitted:
    """A fit of MLlib, our reading of it, and the log of the clicks' weight that its intercept still holds."""

    model: ClickModel
    fitted: Any
    correction: float


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Register a champion for `click` and write its coefficients to `ml.click_coefficients`."""
    impressions = read_impressions(spark, as_of)
    edges = span(impressions) if impressions is not None else Span(0, 0, 0, 0, 0, 0)
    if impressions is None or edges.impressions == 0:
        tables.write_empty(spark, settings, "click_coefficients")
        return registry.nothing_to_learn("click")
    model, metrics = learn(impressions, edges)
    version = registry.register(
        settings,
        registry.Training(
            task="click",
            loader="ml.click.model",
            save=model.save,
            inputs={},
            parameters={
                "regularisation": REGULARISATION,
                "words": len(model.coefficients),
                "seed": seed,
                "as_of": as_of,
                "impressions": edges.impressions,
                "clicks": edges.clicks,
            },
            data_versions=tables.gold_versions(settings, READS),
            metrics=metrics,
        ),
    )
    told = {
        "(intercept)": model.intercept,
        "(calibration slope)": model.slope,
        "(calibration offset)": model.offset,
        **model.coefficients,
    }
    tables.write(
        spark,
        settings,
        "click_coefficients",
        {"feature": list(told), "coefficient": list(told.values()), "model_version": version},
    )
    return registry.Summary("click", version, metrics)


def learn(impressions: DataFrame, edges: Span) -> tuple[ClickModel, list[registry.Metric]]:
    """The calibrated model and its measures on the last fifth of the impressions."""
    if min(edges.clicks, edges.impressions - edges.clicks) < LEAST_CLICKS:
        return _base_rate(edges)
    words = vocabulary(word_counts(impressions))
    rows = encode(impressions, words, edges).cache()
    try:
        clicks, others = by_period(rows)
        if min(clicks[0], others[0]) == 0 or min(sum(clicks[:2]), sum(others[:2])) < LEAST_CLICKS:
            return _base_rate(edges)
        fits = each(lambda when: fit(rows, words, when, clicks, others), range(3))
        later = predictions(rows, fits)
    finally:
        rows.unpersist()
    label = later["label"].to_numpy(dtype=np.float64)
    early, middle, whole = (later[f"logit_{number}"].to_numpy(dtype=np.float64) for number in range(3))
    tune, test = (later["period"].to_numpy() == when for when in (1, 2))
    tested = _calibrated(fits[1].model, early[tune], middle[tune], label[tune])
    metrics = evaluate(tested.probability(middle[test]), label[test], tested.base_rate)
    return _calibrated(fits[2].model, middle[test], whole[test], label[test]), metrics


def encode(impressions: DataFrame, words: list[str], edges: Span) -> DataFrame:
    """`impression_id`, `features` (one-hot), `label`, `period`: in the same partitions and order every time."""
    from pyspark.ml.feature import CountVectorizerModel

    rows = impressions.select("impression_id", pooled(words).alias("words"), "label", period(edges).alias("period"))
    parts = min(MOST_PARTITIONS, 1 + edges.impressions // ROWS_PER_PARTITION)
    one_hot = CountVectorizerModel.from_vocabulary(words, inputCol="words", outputCol="features").setBinary(True)
    return one_hot.transform(rows.repartition(parts, "impression_id").sortWithinPartitions("impression_id")).drop(
        "words"
    )


def by_period(rows: DataFrame) -> tuple[list[int], list[int]]:
    """Clicks and other impressions of each of the three periods."""
    told = {row[0]: row for row in rows.groupBy("period").agg(F.sum("label"), F.count("*")).collect()}
    clicks = [int(told[when][1]) if when in told else 0 for when in range(3)]
    return clicks, [told[when][2] - clicks[when] if when in told else 0 for when in range(3)]


def fit(rows: DataFrame, words: list[str], last_period: int, clicks: list[int], others: list[int]) -> Fitted:
    """A model, not yet calibrated, of the periods up to `last_period`.

    A click weighs (others / clicks), so that both classes weigh the same; the log of that weight is then taken off
    the intercept, which gives log-odds at the true click rate again (King and Zeng, "Logistic Regression in Rare
    Events Data", 2001, prior correction).
    """
    from pyspark.ml.classification import LogisticRegression

    clicked, other = sum(clicks[: last_period + 1]), sum(others[: last_period + 1])
    weight = F.when(F.col("label") > 0, other / clicked).otherwise(1.0)
    past = rows.where(F.col("period") <= last_period).withColumn("weight", weight)
    regression = LogisticRegression(
        regParam=REGULARISATION, standardization=False, weightCol="weight", maxIter=ITERATIONS, tol=TOLERANCE
    )
    fitted = regression.fit(past)
    correction = math.log(other / clicked)
    model = ClickModel(
        coefficients=dict(zip(words, map(float, fitted.coefficients.toArray()), strict=True)),
        intercept=float(fitted.intercept) - correction,
        slope=1.0,
        offset=0.0,
        base_rate=clicked / (clicked + other),
    )
    return Fitted(model, fitted, correction)


def predictions(rows: DataFrame, fits: list[Fitted]) -> pd.DataFrame:
    """`impression_id`, `period`, `label` and each fit's log-odds, of the impressions after the first period."""
    from pyspark.ml.functions import vector_to_array

    told = rows.where(F.col("period") > 0)
    for number, one in enumerate(fits):
        named = one.fitted.setRawPredictionCol(f"raw_{number}").setPredictionCol("").setProbabilityCol("")
        told = named.transform(told)
    logits = [
        (vector_to_array(f"raw_{number}")[1] - F.lit(one.correction)).alias(f"logit_{number}")
        for number, one in enumerate(fits)
    ]
    collected = told.select("impression_id", "period", "label", *logits).toPandas()
    return collected.sort_values("impression_id", ignore_index=True)


def _calibrated(model: ClickModel, unseen: Floats, own: Floats, label: Floats) -> ClickModel:
    """A model calibrated by the log-odds of the fit before it (`unseen` rows) and its own on the same rows."""
    stretch = slope(unseen, label)
    return model.calibrated(stretch, offset(own, label, stretch))


def _base_rate(edges: Span) -> tuple[ClickModel, list[registry.Metric]]:
    why = "base rate for all: too few clicks"
    rate = edges.clicks / edges.impressions
    return base_rate_model(edges.clicks, edges.impressions), [
        registry.Metric("mean_click_probability", rate, "click_rate", rate, why)
    ]
