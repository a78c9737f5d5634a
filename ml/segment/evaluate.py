"""How many groups there are: the cost curve, its elbow, how well apart the groups lie, and by what they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from ml.arrays import Floats

Labels = npt.NDArray[np.int64]

STRONG = 1.0 - (1.0 - 0.70) ** 2
"""A silhouette above 0.70 tells of a strong structure (Kaufman and Rousseeuw, "Finding Groups in Data", 1990): the own
group is 0.3 times as far as the next one. Distances here are squared, which makes it 0.91.
"""


@dataclass(frozen=True)
class FeatureTest:
    """Whether a feature differs between segments, and by how much.

    p is the chance of such a difference among groups drawn at random. Of a feature that the segments were made of it
    is small by construction: there the effect sizes say what tells them apart, and p nothing about whether they exist.

    Args:
        is_fitted_on: whether the segments were made of it.
        anova_f, anova_p: one-way analysis of variance; null where nothing varies or only one segment has customers.
        eta_squared: share of its variance that lies between segments, 0 to 1.
        kruskal_h, kruskal_p: of its ranks, which no outlier moves (Kruskal and Wallis 1952).
        epsilon_squared: H / (n - 1), 0 to 1 (Tomczak and Tomczak, "The need to report effect size estimates
            revisited", 2014).
        customer_count: those of whom the feature is known.
    """

    feature: str
    is_fitted_on: bool
    anova_f: float | None
    anova_p: float | None
    eta_squared: float
    kruskal_h: float | None
    kruskal_p: float | None
    epsilon_squared: float
    customer_count: int


def evaluate_segmentation(
    values: Floats, labels: Labels, features: Sequence[str], fitted_on: Sequence[str]
) -> list[FeatureTest]:
    """One row per feature, in their order.

    Args:
        values: customers x features, on the scale on which means are to be compared; NaN where it is not known.
        labels: the segment of each customer.
        fitted_on: the features that the segments were made of.
    """
    return [
        _tested(name, name in fitted_on, column[~np.isnan(column)], labels[~np.isnan(column)])
        for name, column in zip(features, values.T, strict=True)
    ]


def _tested(feature: str, is_fitted_on: bool, values: Floats, labels: Labels) -> FeatureTest:
    from scipy.stats import f_oneway, kruskal

    groups = [values[labels == label] for label in np.unique(labels)]
    if len(groups) < 2 or len(values) <= len(groups) or np.ptp(values) == 0:
        return FeatureTest(feature, is_fitted_on, None, None, 0.0, None, None, 0.0, len(values))
    between = sum(len(group) * (group.mean() - values.mean()) ** 2 for group in groups)
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    ranked = kruskal(*groups)
    # Groups in which nothing varies have an infinite F; it is left out, as a table has no infinity.
    variance = f_oneway(*groups) if within > 0 else None
    return FeatureTest(
        feature,
        is_fitted_on,
        None if variance is None else float(variance.statistic),
        None if variance is None else float(variance.pvalue),
        float(between / (between + within)),
        float(ranked.statistic),
        float(ranked.pvalue),
        float(ranked.statistic / (len(values) - 1)),
        len(values),
    )


def agreements(labellings: Sequence[Labels]) -> list[float]:
    """The adjusted Rand index of each two of these labellings of the same customers (Hubert and Arabie 1985).

    1 where they are the same groups, whatever their numbers; 0 in the mean for groups drawn at random.
    """
    from sklearn.metrics import adjusted_rand_score

    return [float(adjusted_rand_score(one, other)) for one, other in combinations(labellings, 2)]


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


def how_many(ks: Sequence[int], costs: Sequence[float], silhouettes: Sequence[float]) -> int:
    """The k with the best silhouette where groups lie far apart, the elbow of the costs where they run into each other.

    A curve falls so steeply over the first of five far groups that it bends there; silhouettes of groups that overlap
    are best for two of them, whatever there is.
    """
    best = int(np.argmax(silhouettes))
    return int(ks[best]) if silhouettes[best] > STRONG else elbow(ks, costs)
