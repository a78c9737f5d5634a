"""Logistic regression on one-hot words: by scikit-learn in this process, or by Spark MLlib in a session of Spark's own.

Both minimise the mean log loss, in which clicks and others weigh the same, plus the L2 norm of the coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from ml.arrays import Floats
from ml.click.features import SEPARATOR, Span, period, pooled, rare_of, vocabulary, word_counts
from ml.click.model import ClickModel
from ml.frames import F, batches, is_connected
from ml.leakage import Level

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

REGULARISATIONS = (0.003, 0.01, 0.03, 0.1)
"""L2 on the coefficients, beside a mean loss in which clicks and others weigh the same: those that are tried."""
REGULARISATION = 0.01
"""Where there is nothing to choose by."""
ITERATIONS, TOLERANCE = 30, 1e-6
"""Of MLlib; after these the coefficients are within a hundredth of where they end."""
MOST_STEPS, STEEPEST = 200, 1e-5
"""Of scikit-learn: until no part of the gradient of the mean loss is steeper."""
ROWS_PER_PARTITION = 500_000
MOST_PARTITIONS = 2
"""A floating sum of two parts is the same in either order; of three it is not. So that a fit can be repeated."""


@dataclass(frozen=True)
class Fitted:
    """A model, not yet calibrated, and MLlib's own where it fitted it."""

    model: ClickModel
    learnt: Any = None


@dataclass(frozen=True)
class Later:
    """The impressions after the first period, in an order that is always the same.

    Args:
        customer: to whom each was shown, None where that is not known.
        period: 1 or 2, of each.
        logits: log-odds before calibration by each fit, one array per fit.
    """

    customer: npt.NDArray[np.object_]
    period: npt.NDArray[np.int64]
    label: Floats
    logits: list[Floats]


class Rows(Protocol):
    """Impressions as one-hot rows, to be fitted period by period."""

    def by_period(self) -> tuple[list[int], list[int]]:
        """Clicks and other impressions of each of the three periods."""

    def levels(self) -> dict[str, list[Level]]:
        """Of each column how often its levels came with a click and without, before the last period and in it."""

    def leave_out(self, columns: Collection[str]) -> None:
        """Forget the words of these columns."""

    def fit(
        self, last_period: int, clicks: list[int], others: list[int], regularisation: float = REGULARISATION
    ) -> Fitted:
        """A model, not yet calibrated, of the periods up to `last_period`.

        A click weighs (others / clicks), so that both classes weigh the same; the log of that weight is then taken off
        the intercept, which gives log-odds at the true click rate again (King and Zeng, "Logistic Regression in Rare
        Events Data", 2001, prior correction).
        """

    def later(self, fits: Sequence[Fitted]) -> Later:
        """What each fit says of the impressions after the first period."""

    def close(self) -> None:
        """Let go of what is held."""


def rows_of(impressions: DataFrame, edges: Span) -> Rows:
    """The impressions as rows, held where the session calls for it."""
    if is_connected(impressions.sparkSession):
        return LocalRows.read(impressions, edges)
    return SparkRows(impressions, vocabulary(word_counts(impressions)), edges)


def _model(
    words: list[str], coefficients: Floats, intercept: float, click_weight: float, base_rate: float
) -> ClickModel:
    named = dict(zip(words, map(float, coefficients), strict=True))
    return ClickModel(named, float(intercept) - math.log(click_weight), slope=1.0, offset=0.0, base_rate=base_rate)


def weighing(last_period: int, clicks: list[int], others: list[int]) -> tuple[float, float]:
    """What a click weighs in the periods up to `last_period`, and the click rate there."""
    clicked, other = sum(clicks[: last_period + 1]), sum(others[: last_period + 1])
    return other / clicked, clicked / (clicked + other)


class LocalRows:
    """A sparse matrix of ones, in the order of time."""

    def __init__(
        self,
        words: list[str],
        matrix: sparse.csr_matrix,
        label: Floats,
        period: npt.NDArray[np.int64],
        customer: pa.ChunkedArray | None = None,
    ) -> None:
        self.words = words
        self.matrix = matrix
        self.label = label
        self.period = period
        self.customer = customer

    @classmethod
    def read(cls, impressions: DataFrame, edges: Span) -> LocalRows:
        """Bring them here as numbers of words, batch by batch."""
        known: dict[str, int] = {}
        rows, counts, codes = [], [], []
        told_of = impressions.select("impression_id", _customer(impressions), "second", "label", "words")
        for batch in batches(told_of):
            lists = batch["words"]
            told = lists.flatten().dictionary_encode()
            numbers = np.array([known.setdefault(word, len(known)) for word in told.dictionary.to_pylist()], np.int32)
            codes.append(numbers[told.indices.to_numpy()])
            counts.append(pc.list_value_length(lists).to_numpy())
            rows.append(batch.drop_columns(["words"]))
        table = pa.Table.from_batches(rows)
        order = pc.sort_indices(
            table, [("second", "ascending"), ("impression_id", "ascending"), ("label", "ascending")]
        ).to_numpy()
        ends = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
        matrix = ones(np.concatenate(codes), ends, len(known))[order]
        told_in = np.bincount(matrix.indices, minlength=len(known))
        words = vocabulary({word: int(told_in[number]) for word, number in known.items()})
        place = {word: number for number, word in enumerate(words)}
        column = np.array([place.get(word, place[rare_of(word)]) for word in known], dtype=np.int32)
        second = table["second"].to_numpy()[order]
        return cls(
            words,
            ones(column[matrix.indices], matrix.indptr, len(words)),
            table["label"].to_numpy()[order].astype(np.float64),
            (second >= edges.calibrate_from).astype(np.int64) + (second >= edges.test_from),
            table["customer_id"].take(order),
        )

    def by_period(self) -> tuple[list[int], list[int]]:
        clicks = np.bincount(self.period, self.label, minlength=3).astype(int)
        return clicks.tolist(), (np.bincount(self.period, minlength=3) - clicks).tolist()

    def levels(self) -> dict[str, list[Level]]:
        counts = []
        for is_in in (self.period < 2, self.period == 2):
            flags = np.stack([is_in & (self.label > 0), is_in & (self.label == 0)]).astype(np.float64)
            counts.append(self.matrix.T @ flags.T)
        clicks, others = self.by_period()
        earlier, now = (sum(clicks[:2]), sum(others[:2])), (clicks[2], others[2])
        return levels_by_column(self.words, np.hstack(counts), np.array([*earlier, *now], dtype=np.float64))

    def leave_out(self, columns: Collection[str]) -> None:
        kept = [number for number, word in enumerate(self.words) if column_of(word) not in columns]
        self.words = [self.words[number] for number in kept]
        self.matrix = self.matrix[:, kept]

    def fit(
        self, last_period: int, clicks: list[int], others: list[int], regularisation: float = REGULARISATION
    ) -> Fitted:
        from sklearn.linear_model import LogisticRegression

        count = int(np.searchsorted(self.period, last_period, side="right"))
        click_weight, base_rate = weighing(last_period, clicks, others)
        clicked = (self.label[:count] > 0).astype(np.int8)  # scikit-learn sorts it three times, a byte 28 times as fast
        weight = np.where(clicked, click_weight, 1.0)
        regression = LogisticRegression(C=1.0 / (regularisation * weight.sum()), tol=STEEPEST, max_iter=MOST_STEPS)
        regression.fit(_first(self.matrix, count), clicked, sample_weight=weight)
        return Fitted(_model(self.words, regression.coef_[0], regression.intercept_[0], click_weight, base_rate))

    def later(self, fits: Sequence[Fitted]) -> Later:
        first = int(np.searchsorted(self.period, 0, side="right"))
        rows = self.matrix[first:]
        logits = [rows @ np.array(list(one.model.coefficients.values())) + one.model.intercept for one in fits]
        customer = np.full(len(self.label) - first, None) if self.customer is None else _texts(self.customer[first:])
        return Later(customer, self.period[first:], self.label[first:], logits)

    def close(self) -> None: ...


def _customer(impressions: DataFrame) -> Column:
    has_one = "customer_id" in impressions.columns
    return (F.col("customer_id") if has_one else F.lit(None)).cast("string").alias("customer_id")


def _texts(column: pa.ChunkedArray) -> npt.NDArray[np.object_]:
    return np.asarray(column.to_pandas().to_numpy(dtype=object))


def column_of(word: str) -> str:
    """The column that a word is a level of."""
    return word.split(SEPARATOR, 1)[0]


def levels_by_column(words: Sequence[str], counts: Floats, totals: Floats) -> dict[str, list[Level]]:
    """The levels of each column, rows without any of its words as one more.

    Args:
        counts: words x (earlier clicks, earlier others, later clicks, later others).
        totals: the same over all rows.
    """
    names = np.array([column_of(word) for word in words], dtype=object)
    found = {}
    for name in sorted(set(names)):
        told = counts[names == name]
        absent = np.maximum(totals - told.sum(axis=0), 0.0)
        found[name] = [Level(*map(float, row)) for row in np.vstack([told, absent])]
    return found


def ones(columns: npt.NDArray[np.int32], ends: npt.NDArray[np.int64], width: int) -> sparse.csr_matrix:
    """A matrix that has a one wherever a row names a column, however often."""
    matrix = sparse.csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(ends) - 1, width))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def _first(matrix: sparse.csr_matrix, count: int) -> sparse.csr_matrix:
    """The first rows, without a copy."""
    end = matrix.indptr[count]
    parts = matrix.data[:end], matrix.indices[:end], matrix.indptr[: count + 1]
    return sparse.csr_matrix(parts, shape=(count, matrix.shape[1]), copy=False)


class SparkRows:
    """A cached data frame, always in the same order: `impression_id`, `customer_id`, `features` (one-hot), `label` and
    `period`.
    """

    def __init__(self, impressions: DataFrame, words: list[str], edges: Span) -> None:
        self.words = words
        told = pooled(words).alias("words"), "label", period(edges).alias("period")
        rows = impressions.select("impression_id", _customer(impressions), *told)
        parts = min(MOST_PARTITIONS, 1 + edges.impressions // ROWS_PER_PARTITION)
        self.rows = rows.repartition(parts, "impression_id").sortWithinPartitions("impression_id")
        self.frame = self._one_hot()

    def _one_hot(self) -> DataFrame:
        from pyspark.ml.feature import CountVectorizerModel

        made = CountVectorizerModel.from_vocabulary(self.words, inputCol="words", outputCol="features").setBinary(True)
        return made.transform(self.rows).drop("words").cache()

    def levels(self) -> dict[str, list[Level]]:
        from pyspark.ml.stat import Summarizer

        place = F.when(F.col("period") == 2, 2).otherwise(0) + F.when(F.col("label") > 0, 0).otherwise(1)
        told = self.frame.groupBy(place.alias("place")).agg(Summarizer.sum(F.col("features")), F.count("*")).collect()
        counts, totals = np.zeros((len(self.words), 4)), np.zeros(4)
        for row in told:
            counts[:, row[0]], totals[row[0]] = row[1].toArray(), row[2]
        return levels_by_column(self.words, counts, totals)

    def leave_out(self, columns: Collection[str]) -> None:
        self.frame.unpersist()
        self.words = [word for word in self.words if column_of(word) not in columns]
        self.frame = self._one_hot()

    def by_period(self) -> tuple[list[int], list[int]]:
        told = {row[0]: row for row in self.frame.groupBy("period").agg(F.sum("label"), F.count("*")).collect()}
        clicks = [int(told[when][1]) if when in told else 0 for when in range(3)]
        return clicks, [told[when][2] - clicks[when] if when in told else 0 for when in range(3)]

    def fit(
        self, last_period: int, clicks: list[int], others: list[int], regularisation: float = REGULARISATION
    ) -> Fitted:
        from pyspark.ml.classification import LogisticRegression

        click_weight, base_rate = weighing(last_period, clicks, others)
        weight = F.when(F.col("label") > 0, click_weight).otherwise(1.0)
        past = self.frame.where(F.col("period") <= last_period).withColumn("weight", weight)
        regression = LogisticRegression(
            regParam=regularisation, standardization=False, weightCol="weight", maxIter=ITERATIONS, tol=TOLERANCE
        )
        fitted = regression.fit(past)
        coefficients = fitted.coefficients.toArray()
        return Fitted(_model(self.words, coefficients, fitted.intercept, click_weight, base_rate), fitted)

    def later(self, fits: Sequence[Fitted]) -> Later:
        from pyspark.ml.functions import vector_to_array

        told = self.frame.where(F.col("period") > 0)
        for number, one in enumerate(fits):
            named = one.learnt.setRawPredictionCol(f"raw_{number}").setPredictionCol("").setProbabilityCol("")
            told = named.transform(told)
        raw = [vector_to_array(f"raw_{number}")[1].alias(f"raw_{number}") for number in range(len(fits))]
        rows = told.select("impression_id", "customer_id", "period", "label", *raw).toPandas()
        rows = rows.sort_values("impression_id", ignore_index=True)
        logits = [
            rows[f"raw_{number}"].to_numpy(dtype=np.float64) + (one.model.intercept - float(one.learnt.intercept))
            for number, one in enumerate(fits)
        ]
        customer = rows["customer_id"].to_numpy(dtype=object)
        return Later(customer, rows["period"].to_numpy(np.int64), rows["label"].to_numpy(np.float64), logits)

    def close(self) -> None:
        self.frame.unpersist()
