"""Which products go together: the nearest by any similarity, and the cosine of co-occurrence, a table of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from ml.arrays import Floats, Ints
from ml.recommend.features import Interactions
from ml.recommend.ranking import rows_at_once, top_k

Similarity = Callable[[int, int], Floats]
"""similarity(start, end): rows start to end, excluding end, of a matrix of products x products."""


def cosine(touched: sparse.csr_matrix) -> Similarity:
    """cos(i, j) = |customers of both| / sqrt(|customers of i| |customers of j|) (Sarwar et al., WWW 2001).

    Args:
        touched: customers x products, 1 where touched.
    """
    columns = touched.tocsc()
    lengths = np.sqrt(np.diff(columns.indptr))
    scaled = sparse.csc_matrix(columns @ sparse.diags(1.0 / np.maximum(lengths, 1.0)))
    rows = scaled.tocsr()  # else each product of matrices would make it anew
    return lambda start, end: np.asarray((scaled[:, start:end].T @ rows).toarray())


def nearest_by(similarity: Similarity, products: int, k: int) -> tuple[Ints, Floats]:
    """The k most similar other products of each product, best first, worked out in blocks.

    Returns:
        positions and similarities, products x k; position 0 with similarity 0 fills up where fewer are above 0.
    """
    k = max(0, min(k, products - 1))
    places = np.zeros((products, k), dtype=np.int64)
    values = np.zeros((products, k))
    at_once = rows_at_once(products)
    for start in range(0, products if k else 0, at_once):
        similar = similarity(start, min(start + at_once, products))
        own = np.arange(len(similar))
        similar[own, start + own] = -np.inf
        best = top_k(similar, k)
        value = np.take_along_axis(similar, best, axis=1)
        places[start : start + at_once] = np.where(value > 0, best, 0)
        values[start : start + at_once] = np.maximum(value, 0.0)
    return places, values


def nearest(seen: Interactions, k: int) -> tuple[Ints, Floats]:
    """The k nearest of each product of the catalogue by the cosine of who touched them; see `nearest_by`."""
    touched = seen.matrix(np.ones(len(seen.user)))
    return nearest_by(cosine(touched), len(seen.products), k)


def neighbour_matrix(places: Ints, values: Floats) -> sparse.csr_matrix:
    """Products x products with these neighbours in each row."""
    kept = values.ravel() > 0
    rows = np.repeat(np.arange(len(places)), places.shape[1])[kept]
    entries = (values.ravel()[kept], (rows, places.ravel()[kept]))
    return sparse.csr_matrix(entries, shape=(len(places), len(places)))
