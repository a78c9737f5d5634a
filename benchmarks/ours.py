"""One step of the main job in a process of its own, as the benchmark measures it beside a peer.

python benchmarks/ours.py {start,bronze,silver,expectations,gold,merge,tiny} SHOP HOME
python benchmarks/ours.py {als,top_k,k_means,regression} INPUTS OUT

The steps of the tables are in ours_tables.py. The models are fitted by the functions by which the main job fits them,
on the arrays and with the settings of benchmarks/peers/library_models.py.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy.linalg.blas  # noqa: F401  limits on threads do not hold for a BLAS that is loaded after them
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from ml.recommend.features import Interactions


def als(inputs: Path) -> dict[str, np.ndarray]:
    from ml.recommend.factors import Settled
    from ml.recommend.fits import by_implicit

    settled = Settled(rank=32, iterations=10, regularisation=1.0, alpha=0.5, is_scaled=False)
    return {"items": by_implicit(_interactions(inputs), settled, 7).factors}


def top_k(inputs: Path) -> dict[str, np.ndarray]:
    from ml.recommend.ranking import top_k_of_factors

    found = np.load(inputs / "factors.npz")
    return {"best": top_k_of_factors(found["users"], found["items"], 10)}


def k_means(inputs: Path) -> dict[str, np.ndarray]:
    from ml.segment.fits import by_scikit_learn

    return {"centres": by_scikit_learn(np.load(inputs / "points.npz")["points"])(5, 7)}


def regression(inputs: Path) -> dict[str, np.ndarray]:
    from ml.click.fits import LocalRows, ones

    shown = np.load(inputs / "impressions.npz")
    matrix = ones(shown["columns"], shown["ends"], 1 << 17)
    rows = LocalRows([str(n) for n in range(1 << 17)], matrix, shown["label"], np.zeros(len(shown["label"]), np.int64))
    clicks, others = rows.by_period()
    model = rows.fit(0, clicks, others).model
    intercept = model.intercept + np.log(others[0] / clicks[0])
    return {"coefficients": np.array(list(model.coefficients.values())), "intercept": np.array([intercept])}


def _interactions(inputs: Path) -> Interactions:
    """The pairs as a history in which nothing but their weights is told."""
    from ml.recommend.features import Interactions

    pairs = np.load(inputs / "pairs.npz")
    user, item = pairs["user"].astype(np.int64), pairs["item"].astype(np.int64)
    untold = np.zeros(len(user))
    names = (np.arange(ids.max() + 1).astype(str).astype(object) for ids in (user, item))
    return Interactions(
        *names, user, item, pairs["weight"].astype(np.float64), *[untold] * 5, untold.astype(bool), *[untold] * 2
    )


MODELS = {"als": als, "top_k": top_k, "k_means": k_means, "regression": regression}


def main() -> None:
    step, inputs, home = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if step in MODELS:
        with threadpool_limits(1, user_api="blas"):
            np.savez(home, **MODELS[step](inputs))
    else:
        from benchmarks.ours_tables import build  # no part of what a model costs

        build(step, inputs, home)


if __name__ == "__main__":
    main()
