"""What every method does: score a catalogue for a customer, and say which of their own products speaks for what.

All methods here are sums over the customer's own products, score(i) = sum_j term(j, i), with weights that differ by
method. So each can be explained exactly, by its largest term.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from ml.arrays import Floats, Ints, Texts
from ml.recommend.features import Interactions, Singles

METHOD_FILE = "method.json"
"""Names the method in the folder of a model."""

Terms = Callable[[Ints], Floats]
"""terms(products): given k products for each customer of a block (customers x k), what each own product adds to the
score of each of them: own products x k, in the order of the entries of the block's matrix."""


@dataclass(frozen=True)
class Scored:
    """Scores of a block of customers.

    Args:
        scores: customers x products; exactly 0 where nothing that the customer did speaks for or against a product.
        terms: their summands; what a score owes to what is the same for all customers (popularity, a bias) is in none.
    """

    scores: Singles
    terms: Terms


class Model(Protocol):
    """A fitted method, over the products that it has seen."""

    @property
    def name(self) -> str:
        """The method's name, as in `ml.recommendations.strategy`."""

    @property
    def products(self) -> Texts:
        """Sorted ids of the products that it knows."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Hyperparameters, for the registry."""

    def affinity(self, seen: Interactions) -> Floats:
        """How much each pair of `seen` counts for this method; 0 counts as not touched."""

    def over(self, products: Texts) -> Model:
        """The same model over this catalogue; products that it does not know score 0."""

    def scored(self, own: sparse.csr_matrix, out: Singles | None = None) -> Scored:
        """Scores of customers x `products`, given their affinities in the same shape.

        Args:
            out: memory of that shape for the scores, which a method may use or not.
        """

    def save(self, folder: Path) -> None:
        """Write plain arrays and JSON."""


@dataclass(frozen=True)
class Method:
    """A way to recommend.

    Args:
        suits: whether these interactions have what the method needs, and are not too many for it.
        fit: the model of these interactions for a seed; the same rows give the same model.
    """

    name: str
    suits: Callable[[Interactions], bool]
    fit: Callable[[Interactions, int], Model]


def own_products(model: Model, seen: Interactions) -> sparse.csr_matrix:
    """Customers x `seen.products`: the affinities of a model that is over these, entries for known products only."""
    known = np.isin(seen.products, model.products)
    values = np.where(known[seen.item], model.affinity(seen), 0.0)
    own = seen.matrix(values).tocsr()
    own.eliminate_zeros()
    return own


def strongest(own: sparse.csr_matrix, terms: Terms, recommended: Ints) -> Ints:
    """The own product with the largest term for each recommended one; -1 where no term is above 0.

    That may be the recommended product itself, where it is recommended again and the method has a term for it.

    Args:
        recommended: customers x k product positions.

    Returns:
        customers x k product positions.
    """
    out = np.full(recommended.shape, -1, dtype=np.int64)
    counts = np.diff(own.indptr)
    warm = np.flatnonzero(counts)
    if len(warm) == 0 or recommended.shape[1] == 0:
        return out
    found = np.array(terms(recommended), dtype=np.float64)
    best = np.maximum.reduceat(found, own.indptr[warm], axis=0)
    entry = np.where(found == np.repeat(best, counts[warm], axis=0), np.arange(own.nnz)[:, None], own.nnz)
    first = np.minimum.reduceat(entry, own.indptr[warm], axis=0)
    out[warm] = np.where(best > 0, own.indices[first], -1)
    return out


def rows_of(own: sparse.csr_matrix) -> Ints:
    """The row of each entry."""
    return np.repeat(np.arange(own.shape[0]), np.diff(own.indptr))


def terms_of_factors(own: sparse.csr_matrix, factors: Floats, inverses: Floats, weights: Floats) -> Terms:
    """Summands w_j y_i' A^-1 y_j of a method that solves A x = sum_j w_j y_j for each customer.

    Args:
        factors: y, products x rank.
        inverses: A^-1, customers x rank x rank.
        weights: w, one per entry of `own`.
    """

    def terms(products: Ints) -> Floats:
        asked = factors[products] @ inverses
        out = np.empty((own.nnz, products.shape[1]))
        for row, (start, end) in enumerate(zip(own.indptr[:-1], own.indptr[1:], strict=True)):
            np.matmul(factors[own.indices[start:end]], asked[row].T, out=out[start:end])
        return np.asarray(out * weights[:, None])

    return terms


def row_of(own: sparse.csr_matrix, row: int) -> tuple[Ints, Floats]:
    """Products and affinities of a customer."""
    part = slice(own.indptr[row], own.indptr[row + 1])
    return own.indices[part], own.data[part]


def places_of(products: Texts, known: Texts) -> Ints:
    """Where each of `products` is among `known`; -1 for those that are not."""
    return np.asarray(pd.Index(known).get_indexer(pd.Index(products)), dtype=np.int64)


def touched_part(seen: Interactions, values: npt.NDArray[np.generic]) -> tuple[Texts, sparse.csr_matrix]:
    """The products that anybody touched, and customers x these."""
    touched = np.unique(seen.item)
    return seen.products[touched], sparse.csr_matrix(
        (values, (seen.user, np.searchsorted(touched, seen.item))), shape=(len(seen.customers), len(touched))
    )
