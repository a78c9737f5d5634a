"""Fit ALS by Spark MLlib, measure it on the held-out period, register the model fitted on everything."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lakehouse.settings import Settings
from ml import registry, tables
from ml.concurrency import AT_ONCE, each
from ml.recommend.evaluate import evaluate
from ml.recommend.factors import FactorModel, Settled
from ml.recommend.features import READS, Interactions, read_history

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SETTLED = Settled(rank=16, iterations=6, regularisation=0.1, alpha=0.5)
"""Chosen on the generated shop's held-out period; ranks 8 and 32 and an alpha of 10 are each about a tenth worse."""
PAIRS_PER_BLOCK = 2_000_000
MOST_BLOCKS = 2
"""A floating sum of two parts is the same in either order; of three it is not. So that a fit can be repeated."""


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Register a champion for `recommend`; without interactions there is none and the metrics say so."""
    history = read_history(settings, as_of)
    if len(history.whole.user) == 0:
        return registry.nothing_to_learn("recommend")
    at_once = 1 if len(history.whole.user) > PAIRS_PER_BLOCK else AT_ONCE  # large ones fill the heap and both cores
    model, earlier = each(lambda seen: fit(spark, seen, SETTLED, seed), (history.whole, history.before), at_once)
    metrics = evaluate(earlier, history)
    version = registry.register(
        settings,
        registry.Training(
            task="recommend",
            loader="ml.recommend.factors",
            save=model.save,
            inputs={"customer_id": "string", "product_id": "string", "weight": "double"},
            parameters={**SETTLED.__dict__, "seed": seed, "as_of": as_of, "cut": history.cut},
            data_versions=tables.gold_versions(settings, READS),
            metrics=metrics,
        ),
    )
    return registry.Summary("recommend", version, metrics)


def fit(spark: SparkSession, seen: Interactions, settled: Settled, seed: int) -> FactorModel:
    """Item factors by ALS on implicit feedback; the same rows in the same order give the same factors."""
    from pyspark.ml.recommendation import ALS

    rows = pd.DataFrame(
        {
            "user": seen.user.astype(np.int32),
            "item": seen.item.astype(np.int32),
            "weight": seen.weight.astype(np.float32),
        }
    )
    blocks = min(MOST_BLOCKS, 1 + len(rows) // PAIRS_PER_BLOCK)
    als = ALS(
        rank=settled.rank,
        maxIter=settled.iterations,
        regParam=settled.regularisation,
        alpha=settled.alpha,
        implicitPrefs=True,
        userCol="user",
        itemCol="item",
        ratingCol="weight",
        numUserBlocks=blocks,
        numItemBlocks=blocks,
        seed=seed,
    )
    fitted = als.fit(spark.createDataFrame(rows).coalesce(1))
    found = fitted.itemFactors.toPandas().sort_values("id")
    factors = np.array(found["features"].to_list(), dtype=np.float64).reshape(len(found), settled.rank)
    return FactorModel(seen.products[found["id"].to_numpy()], factors, settled)
