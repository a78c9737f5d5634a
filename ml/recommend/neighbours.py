"""Which products go together: cosine of co-occurrence, the item-to-item method and a table of its own."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ml.recommend.features import Floats, Interactions, Ints

BLOCK = 1000


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
    for start in range(0, products if k else 0, BLOCK):
        cosine = (columns[:, start : start + BLOCK].T @ columns).tocoo()
        is_other = cosine.row + start != cosine.col
        row, column, value = cosine.row[is_other], cosine.col[is_other], cosine.data[is_other]
        order = np.lexsort((column, -value, row))
        row, column, value = row[order], column[order], value[order]
        rank = np.arange(len(row)) - np.searchsorted(row, row)
        is_near = rank < k
        places[start + row[is_near], rank[is_near]] = column[is_near]
        values[start + row[is_near], rank[is_near]] = value[is_near]
    return places, values


def similarity_matrix(seen: Interactions, k: int) -> sparse.csr_matrix:
    """Products x products, the k nearest of each row."""
    places, values = nearest(seen, k)
    rows = np.repeat(np.arange(len(places)), places.shape[1])
    shape = (len(seen.products), len(seen.products))
    return sparse.csr_matrix((values.ravel(), (rows, places.ravel())), shape=shape)
