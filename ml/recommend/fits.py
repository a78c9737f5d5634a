"""ALS on implicit feedback: by the library `implicit` in this process, or by Spark MLlib in a session of Spark's own.

Both minimise what Hu, Koren and Volinsky wrote (ICDM 2008); they weigh the regularisation differently, and each has the
settings that were best on the generated shop's held-out period.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.frames import is_connected
from ml.recommend.factors import FactorModel, Settled
from ml.recommend.features import Interactions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Fit = Callable[[Interactions, int], FactorModel]
"""Item factors of these interactions for a seed; the same rows in the same order give the same factors."""
OF_IMPLICIT = Settled(rank=16, iterations=6, regularisation=3.0, alpha=0.5, is_scaled=False)
"""3 is good on shops of 60, 2,500 and 13,500 customers alike (0.01 to 30 tried); more steps or factors do not help."""
OF_MLLIB = Settled(rank=16, iterations=6, regularisation=0.1, alpha=0.5, is_scaled=True)
"""Ranks 8 and 32 and an alpha of 10 are each about a tenth worse."""
PAIRS_PER_BLOCK = 2_000_000
MOST_BLOCKS = 2
"""A floating sum of two parts is the same in either order; of three it is not. So that a fit can be repeated."""


def fit_of(session: SparkSession) -> tuple[Settled, Fit]:
    """What the session calls for, and its settings."""
    if is_connected(session):
        return OF_IMPLICIT, lambda seen, seed: by_implicit(seen, OF_IMPLICIT, seed)
    return OF_MLLIB, lambda seen, seed: by_mllib(session, seen, OF_MLLIB, seed)


def by_implicit(seen: Interactions, settled: Settled, seed: int) -> FactorModel:
    """By conjugate gradients (Takacs, Pilaszy, Tikk, RecSys 2011), in 32-bit floats."""
    from implicit.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    confidence = seen.matrix((1.0 + settled.alpha * seen.weight).astype(np.float32))
    with threadpool_limits(1, user_api="blas"):  # threads within its threads would wait for each other
        als = AlternatingLeastSquares(
            factors=settled.rank,
            regularization=settled.regularisation,
            alpha=1.0,
            iterations=settled.iterations,
            num_threads=os.cpu_count() or 1,  # each row is solved by itself: their number changes nothing
            random_state=seed,
        )
        als.fit(confidence, show_progress=False)
    touched = np.unique(seen.item)
    return FactorModel(seen.products[touched], np.asarray(als.item_factors, dtype=np.float64)[touched], settled)


def by_mllib(spark: SparkSession, seen: Interactions, settled: Settled, seed: int) -> FactorModel:
    """By Cholesky's method, in 32-bit floats, in blocks."""
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
