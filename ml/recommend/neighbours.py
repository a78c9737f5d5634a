"""Which products go together: cosine of co-occurrence, the item-to-item method and a table of its own."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ml.recommend.features import Floats, Interactions, Ints
from ml.recommend.ranking import rows_at_once, top_k


def normalised(seen: Interactions) -> sparse.csc_matrix:
    """Customers x products, 1 where touched, each product's column scaled to length one."""
    touched = seen.matrix(np.ones(len(seen.user))).tocsc()
    lengths = np.sqrt(np.diff(touched.indptr))
    return sparse.csc_matrix(touched @ sparse.diags(1.0 / np.maximum(lengths, 1.0)))


def nearest(seen: Interactions, k: int) -> tuple[Ints, Floats]:
    """The k most similar products of each product, best first.

    cos(i, j) = |customers of both| / sqrt(|customers of i| |customers of j|) (Sarwar et al., WWW 2001).

    Returns:
        positions and similarities, products x k; position 0 with similarity 0 fills up where fewer share a customer.
    """
    products = len(seen.products)
    k = max(0, min(k, products - 1))
    columns = normalised(seen)
    places = np.zeros((products, k), dtype=np.int64)
    values = np.zeros((products, k))
    at_once = rows_at_once(products)
    for start in range(0, products if k else 0, at_once):
        cosine = (columns[:, start : start + at_once].T @ columns).toarray()
        own = np.arange(len(cosine))
        cosine[own, start + own] = -1.0
        best = top_k(cosine, k)
        value = np.take_along_axis(cosine, best, axis=1)
        places[start : start + at_once] = np.where(value > 0, best, 0)
        values[start : start + at_once] = np.maximum(value, 0.0)
    return places, values


def similarity_matrix(seen: Interactions, k: int) -> sparse.csr_matrix:
    """Products x products, the k nearest of each row."""
    places, values = nearest(seen, k)
    rows = np.repeat(np.arange(len(places)), places.shape[1])
    shape = (len(seen.products), len(seen.products))
    return sparse.csr_matrix((values.ravel(), (rows, places.ravel())), shape=shape)
