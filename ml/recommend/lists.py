"""One model, one catalogue, one set of histories: the scores by which products are put in order.

Serving and evaluation both take them from here, so what is judged is what is served.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ml.arrays import Floats
from ml.recommend.content import likenesses, with_new_products
from ml.recommend.features import Interactions, Singles
from ml.recommend.methods.model import Model, Scored, own_products
from ml.recommend.ranking import popularity

K = 10
TIER = 1e6
"""Larger than any score: a product of a later tier never passes one of an earlier tier. Below it, tiers are counted in
whole numbers, which 32-bit floats hold exactly up to 16 million products."""

STRIP = 16
"""Customers at once, so that they stay in a processor's cache: where two thirds of the scores are 0, a masked copy of a
whole block took 5.3 CPU s per 1e9 scores, adding what stands for them 0.75."""


@dataclass(frozen=True)
class Listing:
    """What is needed to score any customers of `seen`.

    Args:
        own: customers x products, the affinities that the model counts.
        is_known: products that the model has seen.
        like: products x products, what new products are like.
        everybody: popularity of each product.
        last: what stands for the score of a product for which nothing speaks: after all else, the popular first.
    """

    model: Model
    own: sparse.csr_matrix
    is_known: npt.NDArray[np.bool_]
    like: sparse.csc_matrix
    everybody: Floats
    last: Singles

    @property
    def shown(self) -> int:
        """How many products each customer is recommended."""
        return min(K, len(self.everybody))

    @staticmethod
    def of(model: Model, seen: Interactions, tags: sparse.csr_matrix) -> Listing:
        """Bring a model together with what was seen by now, and the catalogue of now."""
        is_known = np.isin(seen.products, model.products)
        own = own_products(model, seen)
        like = sparse.csc_matrix(likenesses(tags, is_known))
        everybody = popularity(seen)
        last = np.empty(len(everybody), dtype=np.float32)
        last[np.argsort(-everybody, kind="stable")] = -TIER - np.arange(len(everybody))
        return Listing(model.over(seen.products), own, is_known, like, everybody, last)

    def scored(self, own: sparse.csr_matrix, out: Singles | None = None) -> Scored:
        """Scores of the customers of these rows of `own`; what nothing speaks for comes last."""
        scored = with_new_products(self.model.scored(own, out), self.like, own)
        for start in range(0, len(scored.scores), STRIP):
            some = scored.scores[start : start + STRIP]
            is_nothing = some == 0.0
            if is_nothing.any():
                some += is_nothing * self.last
        return scored

    def without_customers(self) -> Listing:
        """The part that is the same for every block."""
        return replace(self, own=self.own[:0])
