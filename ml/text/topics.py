"""What tickets are about: non-negative factors of their words, as many as hang together best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ml.arrays import Floats, Ints
from ml.text.features import LEAST_WRITERS, Vocabulary, presence, vocabulary

COUNTS = range(3, 11)
MOST_SHARE = 0.5
"""A word of more than half of the texts, such as a greeting, tells no topic."""
LEAST_TEXTS = 30
TERMS, NAME_TERMS = 5, 3
NOTHING = -1


@dataclass(frozen=True)
class Topics:
    """Topics x words, each row of length 1; `terms` are each topic's heaviest words, the heaviest first."""

    known: Vocabulary
    weights: Floats

    @property
    def terms(self) -> list[list[str]]:
        heaviest = np.argsort(-self.weights, axis=1, kind="stable")[:, :TERMS]
        return [
            [self.known.tokens[place] for place in row if own[place] > 0]
            for row, own in zip(heaviest, self.weights, strict=True)
        ]

    def nearest(self, texts: Sequence[Sequence[str]]) -> Ints:
        """The topic of each text (by the cosine), `NOTHING` for one without a word of any."""
        closeness = np.asarray(self.known.matrix(texts) @ self.weights.T)
        return np.where(closeness.max(axis=1) > 0, closeness.argmax(axis=1), NOTHING)


def find_topics(
    texts: Sequence[Sequence[str]], writers: Sequence[str], seed: int, least_writers: int = LEAST_WRITERS
) -> Topics | None:
    """The topics of texts by non-negative matrix factorisation (Lee and Seung 1999); None where the texts are too few.

    Of `COUNTS` the number is taken whose topics hang together best (`coherence`), the smallest on a tie.

    Args:
        texts: the words of each text (`tokens.words`).
        writers: who wrote each.
    """
    known = vocabulary(texts, writers, least_writers, MOST_SHARE)
    if len(texts) < LEAST_TEXTS or len(known.tokens) < TERMS:
        return None
    matrix = known.matrix(texts)
    found = [factors(known, matrix, count, seed) for count in COUNTS if count < min(matrix.shape)]
    if not found:
        return None
    inside = presence(texts, {token: place for place, token in enumerate(known.tokens)})
    return max(found, key=lambda topics: round(coherence(topics.weights, inside), 9))


def factors(known: Vocabulary, matrix: sparse.csr_matrix, count: int, seed: int) -> Topics:
    """So many topics of a matrix of texts x words."""
    from sklearn.decomposition import NMF

    factorisation = NMF(count, init="nndsvda", solver="cd", random_state=seed, max_iter=400, tol=1e-4)
    with np.errstate(invalid="ignore"):  # the root of an error that rounding made less than nothing
        fitted = factorisation.fit(matrix)
    weights = np.asarray(fitted.components_, dtype=np.float64)
    norms = np.sqrt((weights**2).sum(axis=1, keepdims=True))
    weights = (weights / np.where(norms > 0, norms, 1.0))[norms.ravel() > 0]
    return Topics(known, weights)


def coherence(weights: Floats, inside: sparse.csr_matrix) -> float:
    """How often the heaviest words of a topic stand in the same text, -1 to 1, the mean over topics.

    Normalised pointwise mutual information of the pairs of each topic's `TERMS` words, ln(p(a, b) / (p(a) p(b))) /
    -ln p(a, b), -1 for a pair that never meets (Bouma 2009; as a judge of topics Lau, Newman and Baldwin 2014).

    Args:
        weights: topics x words.
        inside: texts x words, 1 where a text has a word.
    """
    texts = inside.shape[0]
    values = []
    for row in weights:
        some = np.argsort(-row, kind="stable")[:TERMS]
        together = np.asarray((inside[:, some].T @ inside[:, some]).todense()) / texts
        alone = np.diag(together)
        for one in range(len(some)):
            for other in range(one):
                both = together[one, other]
                if both <= 0:
                    values.append(-1.0)
                elif both >= 1:
                    values.append(1.0)
                else:
                    values.append(float(np.log(both / (alone[one] * alone[other])) / -np.log(both)))
    return float(np.mean(values)) if values else -1.0
