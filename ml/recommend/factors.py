"""The factor model: item factors learned by ALS, and a customer's factors solved exactly from what they touched.

Given the item factors Y (products x rank), a customer with weights r_j on products j has the factors

    x = A^-1 sum_j (1 + alpha r_j) y_j,    A = Y'Y + sum_j alpha r_j y_j y_j' + lambda n I

with n the number of their products (Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback Datasets",
ICDM 2008, eq. 4, with the regularisation scaled by n as Spark's ALS does it; where it is not, n is 1). That is the very
equation that ALS solves for its user factors in its last half step, so nothing is lost by keeping the item factors
alone; and a customer who came after the training is served as exactly as one who was there.

The same equation explains a recommendation (section 5 of the paper): the score of product i is a sum over the
customer's own products, y_i' x = sum_j (1 + alpha r_j) y_i' A^-1 y_j, and the largest term is the evidence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from ml.arrays import Floats, Texts
from ml.recommend.features import Interactions, Singles
from ml.recommend.methods.model import METHOD_FILE, Scored, terms_of_factors
from ml.recommend.ranking import scores_of_factors


@dataclass(frozen=True)
class Settled:
    """Hyperparameters of a fitted model; `alpha` scales weights to confidence, `regularisation` is lambda, and
    `is_scaled` says whether it is multiplied by the number of the customer's products.
    """

    rank: int
    iterations: int
    regularisation: float
    alpha: float
    is_scaled: bool = True


@dataclass(frozen=True)
class FactorModel:
    """Item factors for the products seen in training.

    Args:
        products: sorted product ids, one per row of `factors`.
        factors: products x rank.
    """

    products: Texts
    factors: Floats
    settled: Settled
    name: str = "als"

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The hyperparameters."""
        return asdict(self.settled)

    def affinity(self, seen: Interactions) -> Floats:
        """The interaction weights r."""
        return seen.weight

    def over(self, products: Texts) -> FactorModel:
        """The same over this catalogue."""
        return FactorModel(products, self.aligned(products), self.settled)

    def scored(self, own: sparse.csr_matrix, out: Singles | None = None) -> Scored:
        """y_i' x of every product, and its summands."""
        people, inverses = solve_customers(own, self.factors, self.settled)
        terms = terms_of_factors(own, self.factors, inverses, 1.0 + self.settled.alpha * own.data)
        return Scored(scores_of_factors(people, self.factors, out), terms)

    def aligned(self, products: Texts) -> Floats:
        """Factors of these products, rows of zeros for products that the model has not seen."""
        place = pd.Index(self.products).get_indexer(pd.Index(products))
        out = np.zeros((len(products), self.settled.rank))
        out[place >= 0] = self.factors[place[place >= 0]]
        return out

    def save(self, folder: Path) -> None:
        """Write `factors.npz`, `settled.json` and `method.json`."""
        np.savez(folder / "factors.npz", products=self.products.astype(str), factors=self.factors)
        (folder / METHOD_FILE).write_text(json.dumps({"name": self.name}))
        (folder / "settled.json").write_text(json.dumps(asdict(self.settled)))


def load(folder: Path) -> FactorModel:
    """The model that `save` wrote."""
    content = np.load(folder / "factors.npz")
    settled = Settled(**json.loads((folder / "settled.json").read_text()))
    return FactorModel(content["products"].astype(object), content["factors"], settled)


def solve_customers(weights: sparse.csr_matrix, factors: Floats, settled: Settled) -> tuple[Floats, Floats]:
    """Customer factors and the inverse of each customer's A.

    Args:
        weights: customers x products, the interaction weights r.
        factors: products x rank.

    Returns:
        x (customers x rank, zeros for customers without an entry) and A^-1 (customers x rank x rank).
    """
    rank = factors.shape[1]
    counts = np.diff(weights.indptr)
    systems = np.broadcast_to(factors.T @ factors, (len(counts), rank, rank)).copy()
    for row, (start, end) in enumerate(zip(weights.indptr[:-1], weights.indptr[1:], strict=True)):
        own = factors[weights.indices[start:end]]
        systems[row] += own.T @ (own * (settled.alpha * weights.data[start:end])[:, None])
    scales = np.maximum(counts, 1) if settled.is_scaled else np.ones(len(counts))
    systems += (settled.regularisation * scales)[:, None, None] * np.eye(rank)
    confidence = 1.0 + settled.alpha * weights.data
    right = sparse.csr_matrix((confidence, weights.indices, weights.indptr), shape=weights.shape) @ factors
    inverses = np.linalg.inv(systems)
    return np.einsum("urs,us->ur", inverses, right), inverses
