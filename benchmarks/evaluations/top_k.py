"""The exact ten of every customer: the same items as others find, at what price and in how much memory.

Factors and histories are drawn (`benchmarks/top_k_at_scale.py`). The price is of CPU seconds per thousand million
scores, start-up and fitting taken off: of the blocked product of factors and its ten, which is what MLlib's
`recommendForAllUsers` does, and of each method as a run serves it, with what is withheld, from each customer's history
on. Memory is told as the peak above that of the same run that serves only the first of the customers.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks import top_k_at_scale as scale
from benchmarks.evaluations import DataSet, Row
from lakehouse.session import open_session
from lakehouse.settings import load_settings
from ml.recommend.ranking import top_k_of_factors

CUSTOMERS, PRODUCTS = 60_000, 3_000
COMPARED, K = 4_000, 10
MOST_CPU_S = 3.0
MOST_ADDED = 64
"""MiB: a block of scores is 4, and what NumPy puts beside one while it is put in order."""


def same_items() -> list[Row]:
    """Places of all tens at which ours are another's; places whose scores are equal may be told in either order."""
    people, products = scale.drawn_factors(COMPARED, PRODUCTS)
    ours = top_k_of_factors(people, products, K)
    exact = people.astype(np.float64) @ products.astype(np.float64).T
    brute = np.argsort(-exact, axis=1, kind="stable")[:, :K]
    with tempfile.TemporaryDirectory(prefix="top-k-") as folder:
        settings = load_settings(home=Path(folder) / "home", engine="spark", spark_master="local[2]")
        mllib = scale.recommended_by_mllib(open_session(settings), Path(folder), people, products, K)
    what = f"top_k: {COMPARED:,} customers x {PRODUCTS:,} products, factors of rank {scale.RANK}, the same items as"
    return [
        (f"{what} {name}", f"{_shared(ours, theirs):.6f} of all tens", "1, but for equal scores", _is_same(gap))
        for name, theirs in (("brute force in 64 bits", brute), ("MLlib's recommendForAllUsers", mllib))
        for gap in [_gap(exact, ours, theirs)]
    ]


def _shared(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.mean([len(np.intersect1d(a, b)) for a, b in zip(ours, theirs, strict=True)]) / K)


def _gap(exact: np.ndarray, ours: np.ndarray, theirs: np.ndarray) -> float:
    """The most by which the exact scores of two tens differ, place by place."""
    scores = [np.take_along_axis(exact, tens.astype(np.int64), axis=1) for tens in (ours, theirs)]
    return float(np.abs(scores[0] - scores[1]).max())


def _is_same(gap: float) -> bool:
    return gap <= 1e-4  # the last bits of 32-bit sums of products up to 100


def prices() -> list[Row]:
    """CPU s per 1e9 scores, and peak memory."""
    told: list[Row] = []
    bound = f"<= {MOST_CPU_S:g} CPU s per 1e9 scores"
    with tempfile.TemporaryDirectory(prefix="top-k-") as folder:
        scratch = Path(folder)
        own, implicit, mllib = (
            scale.price(place, "als", CUSTOMERS, PRODUCTS, scratch).cpu_s for place in ("product", "topk", "mllib")
        )
        others = f"implicit's topk {implicit:.1f}, MLlib's recommendForAllUsers {mllib:.1f}"
        what = f"top_k: {PRODUCTS:,} products, factors alone"
        told.append((what, f"{own:.2f}", f"{bound}; {others}", own <= MOST_CPU_S))
        found = {method: scale.price("scores_here", method, CUSTOMERS, PRODUCTS, scratch) for method in scale.METHODS}
    for method, price in found.items():
        what = f"top_k: {PRODUCTS:,} products, {method} from histories on"
        told.append((what, f"{price.cpu_s:.2f}", bound, price.cpu_s <= MOST_CPU_S))
    added = max(price.added_mib for price in found.values())
    what = (
        f"top_k: MiB that serving {CUSTOMERS:,} customers adds to serving {scale.FEW:,}, most of {len(found)} methods"
    )
    whole = CUSTOMERS * PRODUCTS * 4 / 2**20
    return [*told, (what, f"{added:.0f}", f"<= {MOST_ADDED}; all scores at once are {whole:,.0f}", added <= MOST_ADDED)]


ON = {"drawn": DataSet(prices), "same-items": DataSet(same_items)}
