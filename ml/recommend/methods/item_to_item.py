"""Products beside products: the cosine of who touched them, and the Pearson correlation of how much."""

from __future__ import annotations

import numpy as np

from ml.arrays import Floats
from ml.recommend.features import Interactions
from ml.recommend.methods.item_weights import ItemWeights
from ml.recommend.methods.model import touched_part
from ml.recommend.neighbours import cosine, nearest_by, neighbour_matrix

NEIGHBOURS = 50
"""The most similar of each product count, the rest do not: a score costs so many sums per own product."""


def fit_cosine(seen: Interactions, seed: int) -> ItemWeights:
    """cos(i, j) = |customers of both| / sqrt(|customers of i| |customers of j|), of the `NEIGHBOURS` nearest.

    Sarwar, Karypis, Konstan, Riedl, "Item-based collaborative filtering recommendation algorithms", WWW 2001.
    """
    products, touched = touched_part(seen, np.ones(len(seen.user)))
    nearest = nearest_by(cosine(touched), len(products), NEIGHBOURS)
    return ItemWeights("item_to_item", products, "weight", neighbour_matrix(*nearest), {"neighbours": NEIGHBOURS})


def fit_pearson(seen: Interactions, seed: int) -> ItemWeights:
    """Correlation of two products' weights over all customers, 0 for those who did not touch one.

    With n customers, sums of products c_ij and means m: (c_ij / n - m_i m_j) / (s_i s_j). Over all and not over
    customers of both, as for ratings: of those who bought both, both counts are the same 1.
    """
    products, weights = touched_part(seen, seen.weight)
    columns, people = weights.tocsc(), max(1, weights.shape[0])
    mean = np.asarray(weights.sum(axis=0)).ravel() / people
    square = np.asarray(weights.multiply(weights).sum(axis=0)).ravel() / people
    deviation = np.sqrt(np.maximum(square - mean**2, 0.0))

    def correlation(start: int, end: int) -> Floats:
        shared = (columns[:, start:end].T @ columns).toarray() / people - np.outer(mean[start:end], mean)
        spread = np.outer(deviation[start:end], deviation)
        return np.asarray(np.divide(shared, spread, out=np.zeros_like(shared), where=spread > 1e-12))

    nearest = nearest_by(correlation, len(products), NEIGHBOURS)
    matrix = neighbour_matrix(*nearest)
    return ItemWeights("item_to_item_pearson", products, "weight", matrix, {"neighbours": NEIGHBOURS})
