"""Impressions as words in Spark: the one-hot columns of the click model, for training and for scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from ml.click import tokens as T
from ml.frames import F
from ml.tables import without_withheld

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

READS = (
    "feat_impressions",
    "feat_customer_behaviour",
    "feat_customer_rfm",
    "feat_interactions",
    "feat_product",
)
FIT_SHARE, TEST_FROM_SHARE = 0.64, 0.80
"""Quantiles of the impressions by time: calibration is learned between them, the last fifth is predicted."""
LEAST_ROWS_OF_A_LEVEL = 30
MOST_LEVELS = 5000
SEPARATOR = "="


@dataclass(frozen=True)
class Span:
    """How much there is to learn from, and where its time is cut (seconds since 1970)."""

    impressions: int
    clicks: int
    first: int
    calibrate_from: int
    test_from: int
    last: int


def read_impressions(spark: SparkSession, as_of: date) -> DataFrame | None:
    """gold.feat_impressions up to and including `as_of` with `words`, `label` (1 = clicked) and `second`; None where
    this home has no such table.
    """
    if not spark.catalog.tableExists("gold.feat_impressions"):
        return None
    rows = without_withheld(spark.table("gold.feat_impressions"))
    is_by_then = F.to_date("shown_at") <= F.lit(as_of)
    return (
        rows.where(is_by_then)
        .withColumn("words", words(rows.columns))
        .withColumn("label", F.coalesce(F.col("is_clicked"), F.lit(False)).cast("double"))
        .withColumn("second", F.unix_timestamp("shown_at"))
    )


def span(impressions: DataFrame) -> Span:
    """Counts and exact quantiles in one pass."""
    shares = F.array(F.lit(FIT_SHARE), F.lit(TEST_FROM_SHARE))
    row = impressions.agg(
        F.count("*"),
        F.coalesce(F.sum("label"), F.lit(0.0)),
        F.min("second"),
        F.percentile("second", shares),
        F.max("second"),
    ).first()
    assert row is not None  # an aggregate without groups has one row
    cuts = row[3] or [0.0, 0.0]
    return Span(row[0], int(row[1]), row[2] or 0, int(cuts[0]), int(cuts[1]), row[4] or 0)


def last_second(impressions: DataFrame) -> int | None:
    """When the last impression was shown, seconds since 1970."""
    row = impressions.agg(F.max("second")).first()
    return None if row is None else row[0]


def words(columns: Sequence[str]) -> Column:
    """`tokens.words` as a Spark expression over the columns of gold.feat_impressions that are there."""
    has = set(columns)
    anyone = plain_words([name for name in (*T.CONTEXT, *T.PERSON[:2]) if name in has])
    attributes = _attributes() if T.ATTRIBUTES in has else F.array().cast("array<string>")
    if "customer_id" not in has:
        return F.concat(F.array(*anyone), attributes)
    history = F.concat(
        F.array(*person_words(columns)).cast("array<string>"), _taste_words() if T.TASTE in has else F.array()
    )
    of_customer = F.when(F.col("customer_id").isNotNull(), history).otherwise(F.array().cast("array<string>"))
    return F.concat(F.array(*anyone), attributes, of_customer)


def plain_words(names: Sequence[str]) -> list[Column]:
    """Columns whose values are levels as they are."""
    return [_word(name, F.col(name)) for name in names]


def person_words(columns: Sequence[str]) -> list[Column]:
    """The words that depend on the customer alone, device and region left out."""
    has = set(columns)
    zero = F.lit(0)
    return [
        *[_word(name, F.col(name)) for name in T.PERSON[2:] if name in has],
        *[
            _word(name, _level(F.coalesce(F.col(name), zero), T.COUNT_EDGES, T.COUNT_LEVELS))
            for name in T.COUNTS
            if name in has
        ],
        *[_word(name, _level(F.col(name), T.DAY_EDGES, T.DAY_LEVELS), T.NEVER) for name in T.DAYS if name in has],
        *[_word(name, _level(F.col(name), T.AGE_EDGES, T.AGE_LEVELS)) for name in (T.AGE,) if name in has],
    ]


def word_counts(impressions: DataFrame) -> dict[str, int]:
    """In how many impressions each word appears."""
    rows = impressions.select(F.explode(F.array_distinct("words")).alias("word")).groupBy("word").count().collect()
    return {row[0]: row[1] for row in rows}


def period(edges: Span) -> Column:
    """0, 1 or 2: which of the three slices of time an impression is in."""
    second = F.col("second")
    return F.when(second < edges.calibrate_from, 0).when(second < edges.test_from, 1).otherwise(2)


def vocabulary(rows: Mapping[str, int]) -> list[str]:
    """The words that get a coefficient, in a fixed order.

    A level with fewer than `LEAST_ROWS_OF_A_LEVEL` rows is pooled into its column's `(rare)`, as is one that appears
    only at scoring. At most `MOST_LEVELS` words, the most frequent ones. Clicks play no part.
    """
    frequent = [word for word, count in rows.items() if count >= LEAST_ROWS_OF_A_LEVEL]
    kept = sorted(frequent, key=lambda word: (-rows[word], word))[:MOST_LEVELS]
    return sorted({*kept, *(rare_of(word) for word in rows)})


def rare_of(word: str) -> str:
    """The pooled level of a word's column."""
    return word.split(SEPARATOR, 1)[0] + SEPARATOR + T.RARE


def pooled(vocabulary: Sequence[str]) -> Column:
    """`words` with levels outside the vocabulary replaced by their column's `(rare)`."""
    known = list(vocabulary)

    def one(word: Column) -> Column:
        rare = F.concat(F.substring_index(word, SEPARATOR, 1), F.lit(SEPARATOR + T.RARE))
        return F.when(word.isin(known), word).otherwise(rare)

    return F.array_distinct(F.transform("words", one))


def _word(name: str, value: Column, absent: str = T.UNKNOWN) -> Column:
    return F.concat(F.lit(name + SEPARATOR), F.coalesce(value.cast("string"), F.lit(absent)))


def _level(value: Column, edges: Sequence[float], levels: Sequence[str]) -> Column:
    found = F.when(value < edges[0], levels[0])
    for edge, level in zip(edges[1:], levels[1:-1], strict=True):
        found = found.when(value < edge, level)
    return F.when(value.isNotNull(), found.otherwise(levels[-1]))


def _attributes() -> Column:
    def one(entry: Column) -> Column:
        return F.concat(
            F.lit(f"{T.ATTRIBUTES}."),
            entry["key"],
            F.lit(SEPARATOR),
            F.coalesce(entry["value"], F.lit(T.UNKNOWN)),
        )

    named = F.transform(F.map_entries(F.col(T.ATTRIBUTES)), one)
    return F.coalesce(named, F.array().cast("array<string>"))


def _taste_words() -> Column:
    taste, rate = F.col(T.TASTE), F.coalesce(F.col(T.TASTE_RATE), F.lit(0.0))
    values = F.coalesce(F.map_values(T.ATTRIBUTES), F.array().cast("array<string>"))
    strength = _level(rate, T.RATE_EDGES, T.RATE_LEVELS)
    is_match = F.coalesce(F.array_contains(values, taste), F.lit(False))
    match = F.when(is_match, F.concat(F.lit("yes, "), strength, F.lit(" of views"))).otherwise("no")
    pair = F.concat(taste, F.lit(" x "), F.coalesce(F.col("creative_id"), F.lit("None")))
    return F.array(_word(T.MATCH, F.when(taste.isNotNull(), match)), _word(T.PAIR, F.when(taste.isNotNull(), pair)))
