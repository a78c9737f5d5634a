"""EASE-R, embarrassingly shallow autoencoders reversed: the best linear weights between products, in closed form.

Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019: with X customers x products (1 where touched),

    min_B |X - X B|^2 + lambda |B|^2  subject to diag(B) = 0

has the solution B_ij = -P_ij / P_jj for i != j, with P = (X'X + lambda I)^-1.
"""

from __future__ import annotations

import numpy as np

from lakehouse.errors import LakehouseError
from ml.recommend.features import Interactions
from ml.recommend.methods.item_weights import ItemWeights
from ml.recommend.methods.model import touched_part

MOST_PRODUCTS = 5_000
"""One inverse of so many rows is 200 MB and about 8 CPU s; both grow faster than the catalogue."""
REGULARISATION = 500.0
"""The paper's for MovieLens 20M; not tuned here."""


def suits_ease(seen: Interactions) -> bool:
    """Not more than `MOST_PRODUCTS` touched products."""
    return len(np.unique(seen.item)) <= MOST_PRODUCTS


def fit_ease(seen: Interactions, seed: int, regularisation: float = REGULARISATION) -> ItemWeights:
    """By Cholesky's factor: nothing is drawn and nothing iterates."""
    from scipy.linalg.lapack import dpotrf, dpotri

    products, touched = touched_part(seen, np.ones(len(seen.user)))
    gram = (touched.T @ touched).toarray(order="F")
    gram[np.diag_indices_from(gram)] += regularisation
    factor, failed = dpotrf(gram, lower=1, overwrite_a=1)
    inverse, failed_too = dpotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise LakehouseError("the co-occurrences of products cannot be inverted: is the regularisation above 0?")
    weights = inverse.T  # by rows; what LAPACK left out is the mirror of what it wrote
    for row in range(1, len(weights)):
        weights[row, :row] = weights[:row, row]
    weights /= -weights.diagonal()
    np.fill_diagonal(weights, 0.0)
    return ItemWeights("ease", products, "touched", weights, {"regularisation": regularisation})
