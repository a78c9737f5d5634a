"""The models as a data scientist would fit them with the libraries themselves.

python library_models.py {als,top_k,k_means,regression} INPUTS OUT

Reads the arrays of model_inputs.py and writes what was found as OUT (npz): item and user factors, the ten best products
of every customer, centres, coefficients.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy import sparse

RANK, ITERATIONS, ALPHA, REGULARISATION = 32, 10, 0.5, 1.0
SEGMENTS, STARTS = 5, 10
L2 = 0.01


def confidence(inputs: Path) -> sparse.csr_matrix:
    """Customers x products, 1 + alpha r."""
    pairs = np.load(inputs / "pairs.npz")
    return sparse.csr_matrix((1 + ALPHA * pairs["weight"], (pairs["user"], pairs["item"])), dtype=np.float32)


def als(inputs: Path) -> dict[str, np.ndarray]:
    from implicit.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):  # as implicit asks for
        model = AlternatingLeastSquares(
            RANK, regularization=REGULARISATION, alpha=1.0, iterations=ITERATIONS, random_state=7
        )
        model.fit(confidence(inputs), show_progress=False)
    return {"users": model.user_factors, "items": model.item_factors}


def top_k(inputs: Path) -> dict[str, np.ndarray]:
    """By implicit's own search, over the factors that `als` found."""
    from implicit.cpu.topk import topk

    found = np.load(inputs / "factors.npz")
    best, _ = topk(found["items"], found["users"], 10)
    return {"best": best}


def k_means(inputs: Path) -> dict[str, np.ndarray]:
    from sklearn.cluster import KMeans

    return {
        "centres": KMeans(SEGMENTS, n_init=STARTS, random_state=7)
        .fit(np.load(inputs / "points.npz")["points"])
        .cluster_centers_
    }


def regression(inputs: Path) -> dict[str, np.ndarray]:
    from sklearn.linear_model import LogisticRegression

    shown = np.load(inputs / "impressions.npz")
    label = shown["label"]
    rows = sparse.csr_matrix(
        (np.ones(len(shown["columns"])), shown["columns"], shown["ends"]), shape=(len(label), 1 << 17)
    )
    weight = np.where(label > 0, (label == 0).sum() / label.sum(), 1.0)
    fitted = LogisticRegression(C=1 / (L2 * weight.sum()), max_iter=200).fit(rows, label, sample_weight=weight)
    return {"coefficients": fitted.coef_[0], "intercept": fitted.intercept_}


if __name__ == "__main__":
    STEPS = {"als": als, "top_k": top_k, "k_means": k_means, "regression": regression}
    np.savez(Path(sys.argv[3]), **STEPS[sys.argv[1]](Path(sys.argv[2])))
