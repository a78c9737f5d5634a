"""SAR, smart adaptive recommendations: Jaccard similarity of products x affinities that fade with time.

From Microsoft's recommenders (github.com/recommenders-team/recommenders, models/sar): with c_ij the customers who
touched both products, S_ij = c_ij / (c_ii + c_jj - c_ij); a customer's affinity for a product is the sum of the weights
of what they did, each halved for every `HALF_LIFE_DAYS` of its age; the score is affinity x S. Theirs has ones on the
diagonal of S, which move no product but the customer's own; here those are zeros.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ml.arrays import Floats
from ml.recommend.features import HALF_LIFE_DAYS, Interactions
from ml.recommend.methods.item_weights import ItemWeights, packed
from ml.recommend.methods.model import touched_part
from ml.recommend.neighbours import nearest_by, neighbour_matrix

MOST_CELLS = 10_000_000
"""Similarities that are kept: all of up to 3,162 products, of more the highest of each product."""


def fit_sar(seen: Interactions, seed: int) -> ItemWeights:
    """Nothing is drawn and nothing iterates."""
    products, touched = touched_part(seen, np.ones(len(seen.user)))
    columns = touched.tocsc()
    customers = np.diff(columns.indptr).astype(np.float64)

    def jaccard(start: int, end: int) -> Floats:
        both = (columns[:, start:end].T @ columns).toarray()
        return np.asarray(both / np.maximum(customers[start:end, None] + customers - both, 1.0))

    kept = min(max(0, len(products) - 1), MOST_CELLS // max(1, len(products)))
    if kept < len(products) - 1:
        matrix = neighbour_matrix(*nearest_by(jaccard, len(products), kept))
    else:
        whole = jaccard(0, len(products))
        np.fill_diagonal(whole, 0.0)
        matrix = sparse.csr_matrix(whole)
    told = {"half_life_days": HALF_LIFE_DAYS, "neighbours": kept}
    return ItemWeights("sar", products, "recent", packed(matrix), told)
