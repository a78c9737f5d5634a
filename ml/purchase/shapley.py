"""What each feature adds to a forest's probability: Shapley values, exact, looked up in tables.

A feature that is not known sends a row both ways, by the rows learnt from that went there: the values of Tree SHAP with
the paths of these rows (Lundberg et al., "From local explanations to global understanding", 2020). Of a leaf with value
v on whose path features 1 … d are asked for, let z_j be whether feature j lets the row through, and w_j the share of
rows that the nodes asking for j let through. The leaf then adds to feature f

    v (z_f - w_f) ∫₀¹ ∏_{j≠f} (w_j (1 - t) + z_j t) dt

for ∫ t^k (1 - t)^(d-1-k) dt is the Shapley weight of a coalition of k. That is a polynomial of degree d - 1, which
Gauss and Legendre's rule integrates without error. It depends on z alone: neighbouring leaves go into one table, with a
place for every way in which values can lie between their thresholds, and a row costs one look-up for each feature of
each table, not a walk over all paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import roots_legendre

from ml.arrays import Floats, Ints

if TYPE_CHECKING:
    from ml.purchase.forest import Forest


MOST_PLACES = 1024
"""Of a table, where more than one leaf is in it."""
MOST_ON_A_PATH = 12
"""Features: a leaf's own table has 2 to the power of them."""
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Path:
    """What leads to a leaf.

    Args:
        low, high, share: by feature that is asked for: the row goes here where low < value <= high, as this share of
            the rows learnt from did where it was asked.
        value: of the leaf.
    """

    low: dict[int, float]
    high: dict[int, float]
    share: dict[int, float]
    value: float


@dataclass(frozen=True)
class Table:
    """Of neighbouring leaves of a tree.

    Args:
        cuts: by feature that is asked for, the thresholds on the paths, in order.
        adds: features x places, what each adds; a place is counted up over the features, the first the slowest.
    """

    cuts: dict[int, Floats]
    adds: Floats


def contributions(forest: Forest, rows: Floats) -> Floats:
    """Rows x features; with `forest.base` they sum to the probability."""
    told = np.zeros(rows.shape[::-1])
    among = {feature: thresholds for feature, (thresholds, _) in forest.tables.items()}
    tables = [
        (list(table.cuts), list(_steps(table, among)), table.adds)
        for tree in range(forest.trees)
        for table in _tables(_paths(forest, tree))
    ]
    for first in range(0, len(rows), ROWS_AT_ONCE):
        part = slice(first, min(first + ROWS_AT_ONCE, len(rows)))
        between = {feature: np.searchsorted(cuts, rows[part, feature]) for feature, cuts in among.items()}
        for features, steps, adds in tables:
            place = steps[0].take(between[features[0]])
            for feature, step in zip(features[1:], steps[1:], strict=True):
                place += step.take(between[feature])
            for feature, added in zip(features, adds, strict=True):
                told[feature, part] += added.take(place)
    return np.ascontiguousarray(told.T) / forest.trees


def _steps(table: Table, among: dict[int, Floats]) -> list[Ints]:
    """By feature, for each place among all thresholds of the forest, what it counts towards the place in the table."""
    found, width = [], table.adds.shape[1]
    for feature, cuts in table.cuts.items():
        width //= len(cuts) + 1
        reached = np.searchsorted(among[feature], cuts, "right")  # so many thresholds are passed beyond this one
        found.append(np.searchsorted(reached, np.arange(len(among[feature]) + 1), "right") * width)
    return found


def _paths(forest: Forest, tree: int) -> list[Path]:
    """Of the tree's leaves, from left to right; none of a tree that asks for nothing."""
    first, end = int(forest.start[tree]), int(forest.start[tree + 1])
    at: dict[int, Path] = {0: Path({}, {}, {}, 0.0)}
    for node in range(end - first):
        here, feature = at[node], int(forest.feature[first + node])
        if feature < 0:
            at[node] = Path(here.low, here.high, here.share, float(forest.value[first + node]))
            continue
        threshold, low, high = float(forest.threshold[first + node]), here.low, here.high
        left, right = int(forest.left[first + node]), int(forest.right[first + node])
        lower = {**high, feature: min(threshold, high.get(feature, np.inf))}
        higher = {**low, feature: max(threshold, low.get(feature, -np.inf))}
        for child, beyond, up_to in ((left, low, lower), (right, higher, high)):
            went = float(forest.cover[first + child] / forest.cover[first + node])
            at[child] = Path(beyond, up_to, {**here.share, feature: here.share.get(feature, 1.0) * went}, 0.0)
    return [at[node] for node in range(end - first) if forest.feature[first + node] < 0 and at[node].share]


def _tables(paths: list[Path]) -> list[Table]:
    """Neighbouring leaves together, as long as their table stays small."""
    found, begin = [], 0
    for end in range(1, len(paths) + 1):
        if end == len(paths) or _places(_cuts(paths[begin : end + 1])) > MOST_PLACES:
            found.append(_table(paths[begin:end]))
            begin = end
    return found


def _cuts(paths: list[Path]) -> dict[int, Floats]:
    asked = sorted({feature for path in paths for feature in path.share})
    found = {}
    for feature in asked:
        bounds = {bound[feature] for path in paths for bound in (path.low, path.high) if feature in bound}
        found[feature] = np.array(sorted(bounds))
    return found


def _places(cuts: dict[int, Floats]) -> int:
    return prod(len(of) + 1 for of in cuts.values())


def _table(paths: list[Path]) -> Table:
    cuts = _cuts(paths)
    place = dict(zip(cuts, np.indices([len(of) + 1 for of in cuts.values()]).reshape(len(cuts), -1), strict=True))
    adds = {feature: np.zeros(_places(cuts)) for feature in cuts}
    for path in paths:
        alone = _of_leaf(np.array(list(path.share.values()))) * path.value
        code = np.zeros(_places(cuts), dtype=np.int64)
        for number, feature in enumerate(path.share):
            low, high = path.low.get(feature, -np.inf), path.high.get(feature, np.inf)
            first, last = np.searchsorted(cuts[feature], low, "right"), np.searchsorted(cuts[feature], high)
            code += ((place[feature] >= first) & (place[feature] <= last)).astype(np.int64) << number
        for number, feature in enumerate(path.share):
            adds[feature] += alone[number, code]
    return Table(cuts, np.stack(list(adds.values())))


def _of_leaf(share: Floats) -> Floats:
    """Features x 2^features: what each adds to a leaf of value 1, where the bits of the column say which let through.

    Raises:
        ValueError: there are more than `MOST_ON_A_PATH`.
    """
    count = len(share)
    if count > MOST_ON_A_PATH:
        raise ValueError(f"{count} features on the way to a leaf, more than {MOST_ON_A_PATH}")
    passes = (np.arange(2**count) >> np.arange(count)[:, None]) & 1
    t, weights = _rule((count + 1) // 2)
    factor = share[:, None, None] * (1 - t) + passes[:, :, None] * t
    before = np.cumprod(np.concatenate([np.ones((1, *factor.shape[1:])), factor[:-1]]), axis=0)
    after = np.cumprod(np.concatenate([np.ones((1, *factor.shape[1:])), factor[:0:-1]]), axis=0)[::-1]
    return np.asarray((passes - share[:, None]) * ((before * after) @ weights))


@cache
def _rule(knots: int) -> tuple[Floats, Floats]:
    """Gauss and Legendre's between 0 and 1: where to look, and how much it weighs."""
    at, weights = roots_legendre(knots)
    return (at + 1) / 2, weights / 2
