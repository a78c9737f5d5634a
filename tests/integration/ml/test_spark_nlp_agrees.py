"""Spark NLP's tokens and MLlib's fit of moods against those of this process, on the same texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from lakehouse.errors import LakehouseError
from ml.text.fits import by_scikit_learn
from ml.text.spark_nlp import demand_spark_nlp, fit_in_spark, phrases_in_spark, pretrained, separated
from ml.text.tokens import phrases
from tests.integration.ml.gold_tables import TICKETS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ENGLISH = ["Not good, NOT bad. Don’t you know?", "'quoted' o'clock x_y 3rd-party \n new line", "", "?!", "Ｗide é À"]
CHINESE = ["味道好，送餐快！", "质量 太差 Finch 2 次", ""]


@pytest.fixture(scope="module")
def nlp(spark: SparkSession) -> SparkSession:
    demand_spark_nlp(spark)  # its jars are part of the set-up: their absence is a failure
    return spark


@pytest.mark.parametrize(("language", "texts"), [("en", ENGLISH), ("zh", CHINESE)])
def test_spark_nlp_cuts_texts_as_this_process_does(nlp: SparkSession, language: str, texts: list[str]) -> None:
    rows = pd.DataFrame({"row": range(len(texts)), "text": [separated(text, language) for text in texts]})
    told = phrases_in_spark(nlp.createDataFrame(rows), language).orderBy("row").toPandas()
    assert [sorted(tokens) for tokens in told["tokens"]] == [sorted(phrases(text, language)) for text in texts]


def test_both_ways_learn_the_same_mood_and_spark_nlp_the_same_twice(nlp: SparkSession) -> None:
    rng = np.random.default_rng(5)
    kinds = rng.integers(0, 4, 150)
    texts = [f"{TICKETS[k][1]} {' '.join(rng.choice(['today', 'again', 'please', 'order'], 2))}" for k in kinds]
    share = (np.array([TICKETS[k][0] for k in kinds]) - 1) / 4
    writers = [str(n) for n in range(150)]

    ours, theirs, again = (
        by_scikit_learn(texts, "en", share, writers),
        fit_in_spark(nlp, texts, "en", share, writers),
        fit_in_spark(nlp, texts, "en", share, writers),
    )

    assert ours is not None
    assert theirs is not None
    assert again is not None
    assert theirs.known.tokens == ours.known.tokens
    assert theirs.known.inverse_frequency.tolist() == ours.known.inverse_frequency.tolist()
    assert theirs.coefficients == pytest.approx(ours.coefficients, abs=2e-3)
    assert theirs.intercept == pytest.approx(ours.intercept, abs=2e-3)
    assert again.coefficients.tolist() == theirs.coefficients.tolist()


def test_a_name_that_is_none_is_refused_before_the_hub_is_asked(nlp: SparkSession) -> None:
    with pytest.raises(LakehouseError, match="is no name of a pipeline"):
        pretrained(nlp, "../x", "en")
