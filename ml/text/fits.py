"""Fits of moods: by scikit-learn in this process, or by Spark NLP and MLlib in a session of Spark's own.

A score of three out of five is neither praise nor complaint, so what is fitted is the share of the scale and not a yes
or no: the fractional logit of Papke and Wooldridge (1996), each text a praise with the weight of its share and a
complaint with the weight of the rest. Texts that are labelled 0 or 1 make it the usual logistic regression.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ml.arrays import Floats
from ml.frames import is_connected
from ml.text.features import LEAST_WRITERS, vocabulary
from ml.text.mood import STRENGTH, Mood
from ml.text.spark_nlp import fit_in_spark
from ml.text.tokens import phrases

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TOLERANCE, MOST_STEPS = 1e-5, 500


Fit = Callable[[Sequence[str], str, Floats, Sequence[str]], Mood | None]
"""The mood that texts of one language teach, given their shares of the scale and their writers (`fit_mood`)."""


def fits_of(session: SparkSession) -> Fit:
    """Fits by what the session calls for; repeatable to the last bit."""
    return by_scikit_learn if is_connected(session) else partial(fit_in_spark, session)


def by_scikit_learn(texts: Sequence[str], language: str, share: Floats, writers: Sequence[str]) -> Mood | None:
    return fit_mood([phrases(text, language) for text in texts], share, writers)


def fit_mood(
    texts: Sequence[Sequence[str]], share: Floats, writers: Sequence[str], least_writers: int = LEAST_WRITERS
) -> Mood | None:
    """The mood that these texts teach; None where no token is used by enough writers.

    Args:
        texts: the tokens of each text (`tokens.phrases`).
        share: the given score of each, 0 (complaint) to 1 (praise); both sides of one half must be there.
        writers: who wrote each.
    """
    from sklearn.linear_model import LogisticRegression

    known = vocabulary(texts, writers, least_writers)
    if not known.tokens:
        return None
    inside = known.matrix(texts)
    weight = np.concatenate([share, 1.0 - share])
    told = np.flatnonzero(weight > 0)
    regression = LogisticRegression(C=STRENGTH, tol=TOLERANCE, max_iter=MOST_STEPS)
    label = np.repeat([1, 0], len(share))
    regression.fit(sparse.vstack([inside, inside]).tocsr()[told], label[told], sample_weight=weight[told])
    return Mood(known, np.asarray(regression.coef_[0], dtype=np.float64), float(regression.intercept_[0]))
