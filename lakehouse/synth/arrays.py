"""Array types and the two group operations on which the vectorised generator stands."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.object_]


def position_in_group(sizes: NDArray[Any]) -> Ints:
    """0, 1, … within each group: `position_in_group([2, 3])` is `[0, 1, 0, 1, 2]`."""
    total = int(sizes.sum())
    starts = np.cumsum(sizes) - sizes
    return np.arange(total, dtype=np.int64) - np.repeat(starts, sizes)


def rank_in_group(group: NDArray[Any], score: NDArray[Any]) -> Ints:
    """Rank of each element inside its group by descending score, 0 for the best."""
    order = np.lexsort((-score, group))
    sorted_group = group[order]
    is_first = np.r_[True, sorted_group[1:] != sorted_group[:-1]]
    first = np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - first
    return rank


def pick(rng: np.random.Generator, weights: NDArray[Any], size: int) -> Ints:
    """Indices drawn with the given weights."""
    cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(cumulative, rng.random(size) * cumulative[-1], side="right").astype(np.int64)


def pick_per_row(rng: np.random.Generator, weights: NDArray[Any]) -> Ints:
    """One column index per row of a (rows x columns) matrix of weights."""
    cumulative = np.cumsum(np.asarray(weights, dtype=np.float64), axis=1)
    target = rng.random(len(weights)) * cumulative[:, -1]
    chosen: Ints = (cumulative <= target[:, None]).sum(axis=1).astype(np.int64)
    return chosen
