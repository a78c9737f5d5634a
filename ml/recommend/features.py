"""What the recommender learns from: who touched which product, how much, and when, as dense arrays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from ml import tables
from ml.frames import F

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

READS = ("feat_interactions", "feat_customer_behaviour", "feat_product")
HELD_OUT_SHARE = 0.2
"""The last fifth of the days is what evaluation predicts."""
LEAST_DAYS = 10
"""Shorter histories are not split."""
NEVER = -(10**6)
"""A day far before any other, for 'not bought'."""

Texts = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Interactions:
    """Customers x products, sparse, one entry per pair in the order (customer, product).

    Args:
        customers: sorted ids, every known customer.
        products: sorted ids, the catalogue.
        user, item: positions in `customers` and `products`, one per pair.
        weight: r = log(1 + sum of feat_interactions.weight over days) (Hu, Koren, Volinsky 2008, eq. 6).
        view_count, cart_count, purchase_count: sums over days.
        bought_days: distinct days with a purchase of the pair.
        last_bought_day: proleptic ordinal of the last purchase, `NEVER` without one.
        is_rated: whether the customer rated the product.
    """

    customers: Texts
    products: Texts
    user: Ints
    item: Ints
    weight: Floats
    view_count: Floats
    cart_count: Floats
    purchase_count: Floats
    bought_days: Floats
    last_bought_day: Floats
    is_rated: npt.NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.customers), len(self.products)

    @property
    def has_purchases(self) -> bool:
        """False for a source of ratings or views only."""
        return bool((self.purchase_count > 0).any())

    def matrix(self, values: npt.NDArray[np.generic]) -> sparse.csr_matrix:
        """The pairs as a customers x products matrix of these values."""
        return sparse.csr_matrix((values, (self.user, self.item)), shape=self.shape)

    @property
    def is_taken(self) -> npt.NDArray[np.bool_]:
        """Pairs that count as taken up: bought; where nothing is ever bought, rated; else any."""
        if self.has_purchases:
            return self.purchase_count > 0
        return self.is_rated if self.is_rated.any() else np.ones(len(self.user), dtype=np.bool_)


@dataclass(frozen=True)
class History:
    """All interactions, and the same split in time: `before` the cut, `after` it (inclusive of the cut day)."""

    whole: Interactions
    before: Interactions
    after: Interactions
    cut: date | None


def read_history(spark: SparkSession, as_of: date) -> History:
    """Interactions up to and including `as_of` from gold, split for evaluation.

    Without `LEAST_DAYS` of interactions there is no cut and `after` is empty. Weights are summed as exact
    decimals, so that the sums do not depend on the order in which Spark meets the rows.
    """
    daily = _daily(spark, as_of)
    cut = _cut(daily)
    pairs, customers, products = _collect(spark, _pairs(daily, cut))
    is_after = pairs["is_after"].to_numpy(dtype=bool)
    return History(
        whole=interactions(pairs, customers, products),
        before=interactions(pairs[~is_after], customers, products),
        after=interactions(pairs[is_after], customers, products),
        cut=cut,
    )


def read_seen(spark: SparkSession, as_of: date) -> Interactions:
    """All interactions up to and including `as_of`, not split."""
    return interactions(*_collect(spark, _pairs(_daily(spark, as_of), None)))


def interactions(pairs: pd.DataFrame, customers: Texts, products: Texts) -> Interactions:
    """Arrays from rows of (customer, product, period); rows of unknown customers or products are left out."""
    user = pd.Index(customers).get_indexer(pd.Index(pairs["customer_id"]))
    item = pd.Index(products).get_indexer(pd.Index(pairs["product_id"]))
    kept = (user >= 0) & (item >= 0)
    key = user[kept].astype(np.int64) * max(1, len(products)) + item[kept]
    unique, place = np.unique(key, return_inverse=True)

    def total(column: str) -> Floats:
        values = pairs[column].to_numpy(dtype=np.float64)[kept]
        return np.bincount(place, values, minlength=len(unique)).astype(np.float64)

    last = np.full(len(unique), float(NEVER))
    np.maximum.at(last, place, pairs["last_bought_day"].fillna(NEVER).to_numpy(dtype=np.float64)[kept])
    return Interactions(
        customers=customers,
        products=products,
        user=unique // max(1, len(products)),
        item=unique % max(1, len(products)),
        weight=np.log1p(total("weight")),
        view_count=total("view_count"),
        cart_count=total("cart_count"),
        purchase_count=total("purchase_count"),
        bought_days=total("bought_days"),
        last_bought_day=last,
        is_rated=total("rating_count") > 0,
    )


def _daily(spark: SparkSession, as_of: date) -> DataFrame:
    daily = tables.gold(
        spark,
        "feat_interactions",
        {
            "customer_id": "string",
            "product_id": "string",
            "interacted_on": "date",
            "view_count": "bigint",
            "cart_count": "bigint",
            "purchase_count": "bigint",
            "rating": "double",
            "weight": "decimal(18,6)",
        },
    )
    is_by_then = F.col("interacted_on").isNull() | (F.col("interacted_on") <= F.lit(as_of))
    is_whole = F.col("customer_id").isNotNull() & F.col("product_id").isNotNull()
    return daily.where(is_by_then & is_whole & (F.col("weight") > 0))


def _cut(daily: DataFrame) -> date | None:
    row = daily.agg(F.min("interacted_on"), F.max("interacted_on")).first()
    first, last = (None, None) if row is None else (row[0], row[1])
    if first is None or last is None or (last - first).days < LEAST_DAYS:
        return None
    return date.fromordinal(last.toordinal() - round(HELD_OUT_SHARE * (last - first).days) + 1)


def _pairs(daily: DataFrame, cut: date | None) -> DataFrame:
    is_after = F.lit(False) if cut is None else F.coalesce(F.col("interacted_on") >= F.lit(cut), F.lit(False))
    is_bought = F.col("purchase_count") > 0
    day = F.datediff("interacted_on", F.lit("1970-01-01")) + date(1970, 1, 1).toordinal()
    return (
        daily.withColumn("is_after", is_after)
        .groupBy("customer_id", "product_id", "is_after")
        .agg(
            F.sum("weight").cast("double").alias("weight"),
            F.sum("view_count").alias("view_count"),
            F.sum("cart_count").alias("cart_count"),
            F.sum("purchase_count").alias("purchase_count"),
            F.count_if(is_bought).alias("bought_days"),
            F.max(F.when(is_bought, day)).alias("last_bought_day"),
            F.count_if(F.col("rating").isNotNull() & ~F.isnan("rating")).alias("rating_count"),
        )
        .fillna(0, ["view_count", "cart_count", "purchase_count"])
    )


def _collect(spark: SparkSession, pairs: DataFrame) -> tuple[pd.DataFrame, Texts, Texts]:
    """The pairs, every known customer and the catalogue; where gold lists none, those of the pairs."""
    told = pairs.toPandas()
    customers = _ids(tables.gold(spark, "feat_customer_behaviour", {"customer_id": "string"}))
    products = _ids(tables.gold(spark, "feat_product", {"product_id": "string"}))
    return (
        told,
        customers if len(customers) else _sorted_ids(told["customer_id"]),
        products if len(products) else _sorted_ids(told["product_id"]),
    )


def _ids(frame: DataFrame) -> Texts:
    return _sorted_ids(frame.toPandas().iloc[:, 0])


def _sorted_ids(values: pd.Series) -> Texts:
    return np.asarray(sorted(set(values.dropna())), dtype=object)
