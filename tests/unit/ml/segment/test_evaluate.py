from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from ml.segment.evaluate import cost, elbow, nearest_centre, silhouette


def three_clouds() -> np.ndarray:
    rng = np.random.default_rng(5)
    return np.concatenate([rng.normal(size=(60, 3)) + shift for shift in ([0, 0, 0], [8, 0, 0], [0, 9, 1])])


def test_silhouette_is_that_of_scikit_learn_with_squared_distances() -> None:
    points = three_clouds()
    labels = np.random.default_rng(1).integers(0, 4, len(points))
    assert silhouette(points, labels) == pytest.approx(silhouette_score(points, labels, metric="sqeuclidean"))


def test_cost_is_scikit_learns_inertia() -> None:
    points = three_clouds()
    fitted = KMeans(3, n_init=3, random_state=0).fit(points)
    assert cost(points, fitted.cluster_centers_) == pytest.approx(fitted.inertia_)


def test_one_cluster_or_points_alone_have_silhouette_zero() -> None:
    points = np.array([[0.0], [1.0]])
    assert silhouette(points, np.array([0, 0])) == 0.0
    assert silhouette(points, np.array([0, 1])) == 0.0


def test_the_elbow_is_where_the_curve_bends_most() -> None:
    assert elbow([2, 3, 4, 5, 6], [100.0, 60.0, 20.0, 15.0, 10.0]) == 4


def test_a_flat_or_short_curve_gives_the_smallest_k() -> None:
    assert elbow([2, 3, 4], [5.0, 5.0, 5.0]) == 2
    assert elbow([1], [0.0]) == 1


def test_equally_close_centres_give_the_first() -> None:
    assert nearest_centre(np.array([[0.0]]), np.array([[1.0], [-1.0]])).tolist() == [0]
