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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from ml.recommend.features import Floats, Ints, Texts


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

    def aligned(self, products: Texts) -> Floats:
        """Factors of these products, rows of zeros for products that the model has not seen."""
        place = pd.Index(self.products).get_indexer(pd.Index(products))
        out = np.zeros((len(products), self.settled.rank))
        out[place >= 0] = self.factors[place[place >= 0]]
        return out

    def save(self, folder: Path) -> None:
        """Write `factors.npz` and `settled.json`."""
        np.savez(folder / "factors.npz", products=self.products.astype(str), factors=self.factors)
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


def strongest_evidence(
    weights: sparse.csr_matrix, factors: Floats, settled: Settled, inverses: Floats, recommended: Ints
) -> Ints:
    """The customer's own product that adds most to each recommendation's score; -1 where they have none.

    The product itself is no reason for itself where it is recommended again, unless it is the only one.

    Args:
        recommended: customers x k product positions.

    Returns:
        customers x k product positions.
    """
    out = np.full(recommended.shape, -1, dtype=np.int64)
    for row in range(len(recommended)):
        own = weights.indices[weights.indptr[row] : weights.indptr[row + 1]]
        if len(own) == 0:
            continue
        confidence = 1.0 + settled.alpha * weights.data[weights.indptr[row] : weights.indptr[row + 1]]
        terms = (factors[recommended[row]] @ inverses[row] @ factors[own].T) * confidence
        if len(own) > 1:
            terms[recommended[row][:, None] == own[None, :]] = -np.inf
        out[row] = own[terms.argmax(axis=1)]
    return out


class Recommender:
    """What `mlflow.pyfunc.load_model("models:/recommend@champion")` gives: products for any basket."""

    def __init__(self, model: FactorModel) -> None:
        self.model = model

    def predict(self, history: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Ten products that the customer has not touched, best first.

        Args:
            history: a row per `customer_id`, `product_id` with the sum of its `weight` (as in gold.feat_interactions).

        Returns:
            `customer_id`, `rank`, `product_id`, `score`; customers whose products are all unknown are left out.
        """
        from ml.recommend.ranking import top_k

        products = self.model.products
        item = pd.Index(products).get_indexer(pd.Index(history["product_id"]))
        known = history[item >= 0]
        customers, user = np.unique(known["customer_id"].to_numpy(dtype=str), return_inverse=True)
        weights = sparse.csr_matrix(
            (np.log1p(known["weight"].to_numpy(dtype=np.float64)), (user, item[item >= 0])),
            shape=(len(customers), len(products)),
        )
        scores = solve_customers(weights, self.model.factors, self.model.settled)[0] @ self.model.factors.T
        scores[weights.nonzero()] = -np.inf
        k = min(10, len(products))
        best = top_k(scores, k)
        frame = pd.DataFrame(
            {
                "customer_id": np.repeat(customers, k),
                "rank": np.tile(np.arange(1, k + 1), len(customers)),
                "product_id": products[best].ravel(),
                "score": np.take_along_axis(scores, best, axis=1).ravel(),
            }
        )
        return frame[np.isfinite(frame["score"])].reset_index(drop=True)


def _load_pyfunc(path: str) -> Recommender:
    """MLflow's entry point."""
    return Recommender(load(Path(path)))
