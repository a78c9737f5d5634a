"""BPR, Bayesian personalised ranking: factors by which what a customer touched stands before what they did not.

Rendle, Freudenthaler, Gantner, Schmidt-Thieme, "BPR: Bayesian Personalized Ranking from Implicit Feedback", UAI 2009:
stochastic gradient steps on  ln sigmoid(x_u'(y_i - y_j) + b_i - b_j)  over drawn pairs i touched, j not touched, with
the squares of all factors as a penalty. By the library `implicit`, which draws j as often as customers touched it. With
j drawn by q, the best difference of two scores is ln(p_i / q_i) - ln(p_j / q_j) for p the customer's probabilities
(as in Levy, Goldberg, "Neural Word Embedding as Implicit Matrix Factorization", NIPS 2014), so ln q is added again to
order products by p itself.

A customer who came after the training has no factors yet, and those of a customer who was there name them. Kept instead
is the linear map W from the mean of own products' factors to a customer's, by ridge regression over the customers of
the training: x_u = mean over own j of e_j, with e_j = W y_j, so that

    score(i) = sum over own j of (e_j' y_i) / n + b_i + ln q_i

(the form of Kabbur, Ning, Karypis, "FISM: Factored Item Similarity Models", KDD 2013). What was learned for one
customer alone is lost with that, and the ranking is the better for it: nDCG@10 on a quarter of the training part of
MovieLens 100k (by film, by user) 0.128, 0.125 by the library's own factors, 0.256, 0.258 with ln q, 0.269, 0.265 so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from ml.arrays import Floats, Ints, Texts
from ml.recommend.features import Interactions, Singles
from ml.recommend.methods.model import METHOD_FILE, Scored, places_of, rows_of, touched_part
from ml.recommend.ranking import scores_of_factors

MOST_PAIRS = 500_000
"""One thread draws the pairs, or no fit could be repeated: about 8 CPU s for so many."""


@dataclass(frozen=True)
class Steps:
    """Hyperparameters: `iterations` are passes over as many draws as there are pairs; `ridge` is that of the map, as a
    share of the mean square of what it is given.
    """

    rank: int = 64
    iterations: int = 50
    learning_rate: float = 0.05
    regularisation: float = 0.03
    ridge: float = 0.1


SETTLED = Steps()
"""The best on a quarter of the training part of MovieLens 100k, split by film and by user (seed 42), of ranks 16 to
200, 30 to 200 iterations, rates 0.01 to 0.1 and regularisations 0.001 to 0.06, by the mean of both. No test part was
scored, but each split's quarter holds ratings of the other's test part; by film alone rank 128 is ahead by 0.0002."""


@dataclass(frozen=True)
class PairwiseModel:
    """Factors of products, twice: as what is recommended, and as what speaks for something.

    Args:
        factors: y, products x rank.
        says: e, products x rank.
        bias: b + ln q, one per product.
    """

    products: Texts
    factors: Floats
    says: Floats
    bias: Floats
    steps: Steps
    name: str = "bpr"

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The hyperparameters."""
        return asdict(self.steps)

    def affinity(self, seen: Interactions) -> Floats:
        """1: touched is touched."""
        return np.ones(len(seen.user))

    def over(self, products: Texts) -> PairwiseModel:
        """Factors of these products, zeros for unknown ones."""
        place = places_of(products, self.products)
        factors, says = (np.where((place >= 0)[:, None], part[place], 0.0) for part in (self.factors, self.says))
        return PairwiseModel(products, factors, says, np.where(place >= 0, self.bias[place], 0.0), self.steps)

    def scored(self, own: sparse.csr_matrix, out: Singles | None = None) -> Scored:
        """The bias is nobody's reason: terms add up to the score without it."""
        counts = np.maximum(np.diff(own.indptr), 1)
        people = (own @ self.says) / counts[:, None]
        widened = np.column_stack([people, np.ones(len(people))])
        scores = scores_of_factors(widened, np.column_stack([self.factors, self.bias]), out)

        def terms(products: Ints) -> Floats:
            told = np.empty((own.nnz, products.shape[1]))
            asked = products[rows_of(own)]
            for place in range(asked.shape[1]):
                told[:, place] = np.einsum("er,er->e", self.says[own.indices], self.factors[asked[:, place]])
            return np.asarray(told / counts[rows_of(own)][:, None])

        return Scored(scores, terms)

    def save(self, folder: Path) -> None:
        """Write `pairwise.npz` and `method.json`."""
        parts = {"factors": self.factors, "says": self.says, "bias": self.bias}
        np.savez(folder / "pairwise.npz", products=self.products.astype(str), **parts)
        (folder / METHOD_FILE).write_text(json.dumps({"name": self.name, "steps": asdict(self.steps)}))


def suits_bpr(seen: Interactions) -> bool:
    """Not more than `MOST_PAIRS` pairs, and two products at least."""
    return len(seen.user) <= MOST_PAIRS and len(np.unique(seen.item)) > 1


def fit_bpr(seen: Interactions, seed: int, steps: Steps = SETTLED) -> PairwiseModel:
    """One thread and one seed: the same rows give the same model."""
    from implicit.bpr import BayesianPersonalizedRanking

    products, touched = touched_part(seen, np.ones(len(seen.user), dtype=np.float32))
    ranking = BayesianPersonalizedRanking(
        factors=steps.rank,
        learning_rate=steps.learning_rate,
        regularization=steps.regularisation,
        iterations=steps.iterations,
        num_threads=1,
        random_state=seed,
    )
    ranking.fit(touched, show_progress=False)
    people, items = (np.asarray(found, dtype=np.float64) for found in (ranking.user_factors, ranking.item_factors))
    factors, bias = items[:, :-1], items[:, -1]  # the last of a customer's factors is a 1, that of a product its bias
    warm = np.flatnonzero(np.diff(touched.indptr))
    mean = (touched[warm] @ factors) / np.diff(touched.indptr)[warm, None]
    square = mean.T @ mean
    square[np.diag_indices(steps.rank)] += steps.ridge * np.trace(square) / steps.rank
    says = factors @ np.linalg.solve(square, mean.T @ people[warm, :-1])
    popular = np.log(np.bincount(touched.indices, minlength=len(products)))
    return PairwiseModel(products, factors, says, bias + popular, steps)


def load(folder: Path) -> PairwiseModel:
    """The model that `save` wrote."""
    content = np.load(folder / "pairwise.npz")
    steps = Steps(**json.loads((folder / METHOD_FILE).read_text())["steps"])
    products = content["products"].astype(object)
    return PairwiseModel(products, content["factors"], content["says"], content["bias"], steps)
