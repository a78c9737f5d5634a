"""One model, one catalogue, one set of histories: the scores by which products are put in order.

Serving and evaluation both take them from here, so what is judged is what is served.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ml.recommend.content import likenesses, with_new_products
from ml.recommend.features import Floats, Interactions, Ints
from ml.recommend.methods.model import Model, Scored, own_products
from ml.recommend.ranking import popularity

TIER = 1e6
"""Larger than any score: a product of a later tier never passes one of an earlier tier."""


@dataclass(frozen=True)
class Listing:
    """What is needed to score any customers of `seen`.

    Args:
        own: customers x products, the affinities that the model counts.
        is_known: products that the model has seen.
        like: products x products, what new products are like.
        everybody: popularity of each product.
    """

    model: Model
    own: sparse.csr_matrix
    is_known: npt.NDArray[np.bool_]
    like: sparse.csc_matrix
    everybody: Floats

    @staticmethod
    def of(model: Model, seen: Interactions, tags: sparse.csr_matrix) -> Listing:
        """Bring a model together with what was seen by now, and the catalogue of now."""
        is_known = np.isin(seen.products, model.products)
        own = own_products(model, seen)
        like = sparse.csc_matrix(likenesses(tags, is_known))
        return Listing(model.over(seen.products), own, is_known, like, popularity(seen))

    def scored(self, rows: Ints) -> Scored:
        """Scores of these customers; what nothing speaks for comes after all else, in the order of popularity."""
        scored = with_new_products(self.model.scored(self.own[rows]), self.like)
        scores = np.where(scored.scores == 0.0, self.everybody - TIER, scored.scores)
        return Scored(scores, scored.terms)
