"""How many groups there are: the cost curve, its elbow, and how well apart the groups lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml.segment.features import Floats

Labels = npt.NDArray[np.int64]


def nearest_centre(points: Floats, centres: Floats) -> Labels:
    """The closest centre of each point; the first of equally close ones."""
    return np.asarray(squared_distances(points, centres).argmin(axis=1), dtype=np.int64)


def squared_distances(points: Floats, centres: Floats) -> Floats:
    """Points x centres, squared Euclidean."""
    columns = [((points - centre) ** 2).sum(axis=1) for centre in centres]
    return np.column_stack(columns)


def cost(points: Floats, centres: Floats) -> float:
    """Sum of squared distances to the nearest centre (scikit-learn's inertia)."""
    return float(squared_distances(points, centres).min(axis=1).sum())


def silhouette(points: Floats, labels: Labels) -> float:
    """Mean silhouette with squared Euclidean distances, -1 to 1."""
    return float(silhouettes(points, labels).mean())


def silhouettes(points: Floats, labels: Labels) -> Floats:
    """The silhouette of each point, with squared Euclidean distances, in linear time.

    s = (b - a) / max(a, b), a the mean distance to the own cluster's other points, b the smallest mean distance to
    another cluster's points; 0 for a point alone in its cluster (Rousseeuw 1987). The mean squared distance to a
    cluster needs only its size, its sum and its sum of squares, as in Spark's ClusteringEvaluator. 0 for one cluster.
    """
    names, place = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        return np.zeros(len(points))
    sizes = np.bincount(place).astype(np.float64)
    sums = np.stack([np.bincount(place, column) for column in points.T], axis=1)
    norms = (points**2).sum(axis=1)
    squares = np.bincount(place, norms)
    totals = sizes * norms[:, None] - 2.0 * points @ sums.T + squares
    rows = np.arange(len(points))
    own_size = sizes[place]
    own = totals[rows, place] / np.maximum(own_size - 1.0, 1.0)
    means = totals / sizes
    means[rows, place] = np.inf
    other = means.min(axis=1)
    widest = np.maximum(own, other)
    return np.where((own_size > 1) & (widest > 0), (other - own) / np.where(widest > 0, widest, 1.0), 0.0)


def elbow(ks: Sequence[int], costs: Sequence[float]) -> int:
    """The k where the cost curve bends most: farthest below the line between its ends.

    Both axes are scaled to 0..1 first ("Finding a Kneedle in a Haystack", Satopaa et al., ICDCS Workshops 2011). The
    smallest such k; the first k of a flat curve.
    """
    x = np.asarray(ks, dtype=np.float64)
    y = np.asarray(costs, dtype=np.float64)
    if len(x) < 3 or y[0] - y[-1] <= 1e-12 * max(1.0, abs(y[0])):
        return int(x[0])
    below = 1.0 - (x - x[0]) / (x[-1] - x[0]) - (y - y[-1]) / (y[0] - y[-1])
    return int(x[int(np.argmax(np.round(below, 12)))])
