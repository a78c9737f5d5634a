"""K-means: by scikit-learn in this process, or of many customers by Spark MLlib in a session of Spark's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.arrays import Floats
from ml.frames import is_connected

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Fit = Callable[[int, int], Floats]
"""Centres (k x dimensions) for a k and a seed."""
STARTS = 10
"""Of k-means++ (Arthur and Vassilvitskii, SODA 2007); the best of them is taken."""
STARTS_BY_MLLIB = 3
"""Each is a chain of Spark jobs, seconds of them."""
MOST_IN_PROCESS = 20_000
"""Customers. So many are fitted here in tenths of a second, from more starts than MLlib could try: one start of MLlib
gave other groups by another seed (adjusted Rand .62 on 55 customers).
"""


def fits_of(session: SparkSession, points: Floats) -> Fit:
    """Fits of these points (customers x dimensions), by what the session calls for; repeatable to the last bit."""
    is_small = len(points) <= MOST_IN_PROCESS
    return by_scikit_learn(points) if is_small or is_connected(session) else by_mllib(session, points)


def by_scikit_learn(points: Floats) -> Fit:
    def fit(k: int, seed: int) -> Floats:
        from sklearn.cluster import KMeans
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):  # the order in which threads add up their sums is not always the same
            fitted = KMeans(k, n_init=STARTS, random_state=seed).fit(points)
        return np.asarray(fitted.cluster_centers_, dtype=np.float64)

    return fit


def by_mllib(spark: SparkSession, points: Floats) -> Fit:
    from pyspark.ml.functions import array_to_vector

    rows = spark.createDataFrame(pd.DataFrame({"point": list(points)}))
    # One cached partition: sums then always run in the same order.
    frame = rows.coalesce(1).select(array_to_vector("point").alias("features")).cache()

    def fit(k: int, seed: int) -> Floats:
        """With k-means|| starts (Bahmani et al., VLDB 2012)."""
        from pyspark.ml.clustering import KMeans

        starts = range(STARTS_BY_MLLIB * seed, STARTS_BY_MLLIB * (seed + 1))
        tried = [KMeans(k=k, seed=start, maxIter=20, tol=1e-2, initSteps=2).fit(frame) for start in starts]
        best = min(tried, key=lambda fitted: fitted.summary.trainingCost)
        return np.array(best.clusterCenters(), dtype=np.float64)

    return fit
