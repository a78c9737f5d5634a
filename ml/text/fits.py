"""The mood of texts: a logistic regression on the tokens that they have, by scikit-learn in this process.

A score of three out of five is neither praise nor complaint, so what is fitted is the share of the scale and not a yes
or no: the fractional logit of Papke and Wooldridge (1996), each text a praise with the weight of its share and a
complaint with the weight of the rest. Texts that are labelled 0 or 1 make it the usual logistic regression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import expit

from ml.text.features import LEAST_WRITERS, Floats, Vocabulary, vocabulary

STRENGTH = 3.0
"""scikit-learn's C: the weight of the loss against half the squared norm. Of 1, 3 and 10 the best in three folds of the
training part of waimai and in four of that of the Amazon snippets."""
TOLERANCE, MOST_STEPS = 1e-5, 500


@dataclass(frozen=True)
class Mood:
    """Log odds of praise: the intercept, and a coefficient per token of a vocabulary."""

    known: Vocabulary
    coefficients: Floats
    intercept: float

    def logit(self, texts: Sequence[Sequence[str]]) -> Floats:
        """Log odds per text, given its tokens."""
        return np.asarray(self.known.matrix(texts) @ self.coefficients + self.intercept)

    def probability(self, texts: Sequence[Sequence[str]]) -> Floats:
        """Expected share of the scale per text, 0 to 1."""
        return np.asarray(expit(self.logit(texts)))


def fit_mood(
    texts: Sequence[Sequence[str]], share: Floats, writers: Sequence[str], least_writers: int = LEAST_WRITERS
) -> Mood:
    """The mood that these texts teach.

    Args:
        texts: the tokens of each text (`tokens.phrases`).
        share: the given score of each, 0 (complaint) to 1 (praise); both sides of one half must be there.
        writers: who wrote each.
    """
    from sklearn.linear_model import LogisticRegression

    known = vocabulary(texts, writers, least_writers)
    inside = known.matrix(texts)
    weight = np.concatenate([share, 1.0 - share])
    told = np.flatnonzero(weight > 0)
    regression = LogisticRegression(C=STRENGTH, tol=TOLERANCE, max_iter=MOST_STEPS)
    label = np.repeat([1, 0], len(share))
    regression.fit(sparse.vstack([inside, inside]).tocsr()[told], label[told], sample_weight=weight[told])
    return Mood(known, np.asarray(regression.coef_[0], dtype=np.float64), float(regression.intercept_[0]))
