"""The mood of texts by a Spark NLP pipeline in a session of Spark's own: its tokens, MLlib's fit, in the executors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lakehouse.errors import LakehouseError
from ml.arrays import Floats
from ml.text.features import LEAST_WRITERS, Vocabulary
from ml.text.mood import STRENGTH, Mood
from ml.text.tokens import BLANK, plain

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

BETWEEN_WORDS = r"(?:[^\p{L}\p{N}']|(?<![\p{L}\p{N}])'|'(?![\p{L}\p{N}]))+"
"""What `tokens.WORD` leaves out, as a Java expression."""
JAVA_CLASS = "com.johnsnowlabs.nlp.DocumentAssembler"
TOLERANCE, MOST_STEPS = 1e-8, 500


def demand_spark_nlp(spark: SparkSession) -> None:
    """Find out whether the session has Spark NLP's classes.

    Raises:
        LakehouseError: it has not; says how to get them.
    """
    try:
        spark._jvm.java.lang.Class.forName(JAVA_CLASS, False, spark._jvm.Thread.currentThread().getContextClassLoader())
    except Exception as error:
        raise LakehouseError(
            "this session of Spark has no Spark NLP: run `make setup`, which fetches the jars of jars.lock"
        ) from error


def phrases_in_spark(rows: DataFrame, language: str) -> DataFrame:
    """`tokens` beside each row's `text`, as `separated` writes it: what `tokens.phrases` finds, by Spark NLP."""
    from pyspark.ml import Pipeline
    from sparknlp.annotator import NGramGenerator, RegexTokenizer  # type: ignore[import-untyped]
    from sparknlp.base import DocumentAssembler, Finisher  # type: ignore[import-untyped]

    stages: list[Any] = [
        DocumentAssembler().setInputCol("text").setOutputCol("document"),
        RegexTokenizer()
        .setInputCols(["document"])
        .setOutputCol("unit")
        .setPattern(r"\s+" if language == "zh" else BETWEEN_WORDS),
        NGramGenerator().setInputCols(["unit"]).setOutputCol("phrase").setN(2).setEnableCumulative(True),
        Finisher().setInputCols(["phrase"]).setOutputCols(["tokens"]).setCleanAnnotations(True),
    ]
    found = Pipeline(stages=stages).fit(rows).transform(rows)
    if language != "zh":
        return found
    return found.selectExpr(*rows.columns, "transform(tokens, phrase -> replace(phrase, ' ', '')) as tokens")


def separated(text: str, language: str) -> str:
    """A text as `phrases_in_spark` takes it: plain letters, Chinese characters each by itself."""
    return " ".join(BLANK.sub("", plain(text))) if language == "zh" else plain(text)


def fit_in_spark(
    spark: SparkSession,
    texts: Sequence[str],
    language: str,
    share: Floats,
    writers: Sequence[str],
    least_writers: int = LEAST_WRITERS,
) -> Mood | None:
    """`fits.fit_mood` of texts, with the same loss, by MLlib; None where no token is used by enough writers."""
    demand_spark_nlp(spark)
    content = pd.DataFrame(
        {
            "row": np.arange(len(texts)),
            "writer": list(writers),
            "share": share,
            "text": [separated(text, language) for text in texts],
        }
    )
    # One cached partition: sums then always run in the same order.
    rows = phrases_in_spark(spark.createDataFrame(content).coalesce(1), language).drop("text").cache()
    try:
        known = _vocabulary(rows, len(texts), least_writers)
        return _fitted(rows, known) if known.tokens else None
    finally:
        rows.unpersist()


def _vocabulary(rows: DataFrame, texts: int, least_writers: int) -> Vocabulary:
    from pyspark.sql import functions as F

    found = (
        rows.select("row", "writer", F.explode(F.array_distinct("tokens")).alias("token"))
        .groupBy("token")
        .agg(F.count("row").alias("text_count"), F.countDistinct("writer").alias("writer_count"))
        .where(F.col("writer_count") >= least_writers)
        .toPandas()
        .sort_values("token")
    )
    rarity = np.log((1.0 + texts) / (1.0 + found["text_count"].to_numpy(dtype=np.float64)))
    return Vocabulary(tuple(found["token"]), rarity)


def _fitted(rows: DataFrame, known: Vocabulary) -> Mood:
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import CountVectorizerModel, ElementwiseProduct, Normalizer
    from pyspark.ml.linalg import Vectors
    from pyspark.sql import functions as F

    stages: list[Any] = [
        CountVectorizerModel.from_vocabulary(list(known.tokens), inputCol="tokens", outputCol="inside").setBinary(True),
        ElementwiseProduct(scalingVec=Vectors.dense(known.inverse_frequency), inputCol="inside", outputCol="rare"),
        Normalizer(inputCol="rare", outputCol="features", p=2.0),
    ]
    sides = F.explode(
        F.array(
            F.struct(F.lit(1.0).alias("label"), F.col("share").alias("weight")),
            F.struct(F.lit(0.0).alias("label"), (1.0 - F.col("share")).alias("weight")),
        )
    )
    ready = Pipeline(stages=stages).fit(rows).transform(rows).select("features", sides.alias("side"))
    weighed = ready.select("features", "side.label", "side.weight").where("weight > 0")
    regression = LogisticRegression(
        regParam=1.0 / (STRENGTH * rows.count()),
        standardization=False,
        weightCol="weight",
        maxIter=MOST_STEPS,
        tol=TOLERANCE,
    )
    fitted = regression.fit(weighed)
    return Mood(known, np.asarray(fitted.coefficients.toArray(), dtype=np.float64), float(fitted.intercept))


def pretrained(spark: SparkSession, name: str, language: str) -> Any:
    """A pipeline of Spark NLP's hub by name, such as `analyze_sentiment` in `en`; `annotate(text)` of it tells a text.

    The hub is asked over the network, and what it sends is kept in `~/cache_pretrained`. Pipelines with neural models
    also need Spark NLP's TensorFlow or ONNX jars, which jars.lock does not have.

    Raises:
        LakehouseError: there is no Spark NLP, the hub cannot be reached, or it has no such pipeline.
    """
    demand_spark_nlp(spark)
    if not re.fullmatch(r"\w+", name):
        raise LakehouseError(f"{name!r} is no name of a pipeline: letters, digits and _ only")
    from sparknlp.pretrained import PretrainedPipeline  # type: ignore[import-untyped]

    try:
        return PretrainedPipeline(name, lang=language)
    except Exception as error:
        causes = [line.strip(" :") for line in str(error).splitlines() if "An error occurred while calling" not in line]
        reason = next(filter(None, causes), type(error).__name__)
        raise LakehouseError(
            f"the pretrained pipeline {name!r} ({language}) could not be had from Spark NLP's hub ({reason}): check "
            "the name and the network; moods learnt from this home's own tickets need neither"
        ) from error
