"""Alternating least squares on ratings: factors whose products are the ratings, of those pairs that were rated.

    min sum over rated (u, i) of (r_ui - x_u' y_i)^2 + lambda (sum_u n_u |x_u|^2 + sum_i n_i |y_i|^2)

with n the number of ratings of a customer or product (Zhou, Wilkinson, Schreiber, Pan, "Large-Scale Parallel
Collaborative Filtering for the Netflix Prize", AAIM 2008; the loss of Spark MLlib's explicit ALS). Each half step
solves (sum_j y_j y_j' + lambda n I) x = sum_j r_j y_j exactly. Only item factors are kept: the last half step is this
very equation, so a customer's factors, and what each own rating adds to a prediction, r_j y_i' A^-1 y_j, come from
them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from ml.arrays import Floats, Texts
from ml.recommend.factors import Settled
from ml.recommend.features import Interactions, Singles
from ml.recommend.methods.model import METHOD_FILE, Scored, places_of, terms_of_factors
from ml.recommend.ranking import scores_of_factors

SETTLED = Settled(rank=10, iterations=15, regularisation=0.05, alpha=1.0, is_scaled=True)
"""Those of the benchmark of Microsoft's recommenders; `alpha` plays no part."""
ROWS_AT_ONCE = 50_000
"""Systems of rank x rank that are held at once: 40 MB of them."""


@dataclass(frozen=True)
class RatingModel:
    """Item factors learned from ratings.

    Args:
        factors: products x rank.
    """

    products: Texts
    factors: Floats
    settled: Settled
    name: str = "als_explicit"

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Rank, iterations and regularisation."""
        return {name: value for name, value in asdict(self.settled).items() if name != "alpha"}

    def affinity(self, seen: Interactions) -> Floats:
        """The rating, 0 where there is none."""
        return np.nan_to_num(seen.rating, nan=0.0)

    def over(self, products: Texts) -> RatingModel:
        """Factors of these products, zeros for unknown ones."""
        place = places_of(products, self.products)
        factors = np.where((place >= 0)[:, None], self.factors[place], 0.0)
        return RatingModel(products, factors, self.settled)

    def scored(self, own: sparse.csr_matrix, out: Singles | None = None) -> Scored:
        """Predicted ratings."""
        people, inverses = solve(own, self.factors, self.settled.regularisation)
        terms = terms_of_factors(own, self.factors, inverses, own.data)
        return Scored(scores_of_factors(people, self.factors, out), terms)

    def save(self, folder: Path) -> None:
        """Write `factors.npz` and `method.json`."""
        np.savez(folder / "factors.npz", products=self.products.astype(str), factors=self.factors)
        (folder / METHOD_FILE).write_text(json.dumps({"name": self.name, "settled": asdict(self.settled)}))


def suits_als_explicit(seen: Interactions) -> bool:
    """A source of ratings that differ, and of no purchases."""
    rated = seen.rating[seen.is_rated]
    return not seen.has_purchases and len(rated) > 0 and bool(rated.min() < rated.max())


def fit_als_explicit(seen: Interactions, seed: int, settled: Settled = SETTLED) -> RatingModel:
    """Starts from directions drawn evenly, as MLlib does; 64-bit floats."""
    rated = np.flatnonzero(seen.is_rated)
    items = np.unique(seen.item[rated])
    ratings = sparse.csr_matrix(
        (seen.rating[rated], (seen.user[rated], np.searchsorted(items, seen.item[rated]))),
        shape=(len(seen.customers), len(items)),
    )
    factors = fit_factors(ratings, settled, seed)
    return RatingModel(seen.products[items], factors, settled)


def fit_factors(ratings: sparse.csr_matrix, settled: Settled, seed: int) -> Floats:
    """Item factors, products x rank, after so many steps of customers first and products then."""
    factors = np.random.default_rng(seed).normal(size=(ratings.shape[1], settled.rank))
    factors /= np.linalg.norm(factors, axis=1)[:, None]
    by_item = ratings.T.tocsr()
    for _ in range(settled.iterations):
        people, _ = solve(ratings, factors, settled.regularisation)
        factors, _ = solve(by_item, people, settled.regularisation)
    return factors


def solve(ratings: sparse.csr_matrix, factors: Floats, regularisation: float) -> tuple[Floats, Floats]:
    """The factors of each row, given those of the columns, and the inverse of each row's A.

    Returns:
        rows x rank (zeros for rows without a rating), and rows x rank x rank.
    """
    rank = factors.shape[1]
    counts = np.diff(ratings.indptr)
    squares = (factors[:, :, None] * factors[:, None, :]).reshape(len(factors), rank * rank)
    rated = sparse.csr_matrix((np.ones(ratings.nnz), ratings.indices, ratings.indptr), shape=ratings.shape)
    inverses = np.empty((len(counts), rank, rank))
    for start in range(0, len(counts), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        systems = (rated[part] @ squares).reshape(-1, rank, rank)
        systems += (regularisation * np.maximum(counts[part], 1))[:, None, None] * np.eye(rank)
        inverses[part] = np.linalg.inv(systems)
    return np.einsum("urs,us->ur", inverses, ratings @ factors), inverses


def load(folder: Path) -> RatingModel:
    """The model that `save` wrote."""
    content = np.load(folder / "factors.npz")
    settled = Settled(**json.loads((folder / METHOD_FILE).read_text())["settled"])
    return RatingModel(content["products"].astype(object), content["factors"], settled)
