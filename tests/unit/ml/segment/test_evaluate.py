from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from ml.segment.evaluate import agreements, cost, elbow, evaluate_segmentation, how_many, nearest_centre, silhouette


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


def test_groups_far_apart_are_counted_by_silhouette_others_by_the_elbow() -> None:
    costs = [3139.0, 908.0, 413.0, 87.0, 79.0]  # bends at 3
    assert elbow([2, 3, 4, 5, 6], costs) == 3
    assert how_many([2, 3, 4, 5, 6], costs, [0.69, 0.89, 0.92, 0.96, 0.86]) == 5
    assert how_many([2, 3, 4, 5, 6], costs, [0.60, 0.45, 0.45, 0.44, 0.44]) == 3


def test_equally_close_centres_give_the_first() -> None:
    assert nearest_centre(np.array([[0.0]]), np.array([[1.0], [-1.0]])).tolist() == [0]


def test_variance_between_segments_is_that_worked_out_by_hand() -> None:
    values = np.array([[1.0], [2.0], [3.0], [5.0], [6.0], [7.0]])  # between 3 x 2 x 2^2 = 24, within 2 + 2 = 4
    (told,) = evaluate_segmentation(values, np.array([0, 0, 0, 1, 1, 1]), ["days"], ["days"])
    assert told.anova_f == pytest.approx(24.0 / (4.0 / 4))
    assert told.eta_squared == pytest.approx(24 / 28)
    # Ranks 1, 2, 3 and 4, 5, 6: H = 12 / (6 x 7) x (6^2 / 3 + 15^2 / 3) - 3 x 7
    assert told.kruskal_h == pytest.approx(27 / 7)
    assert told.epsilon_squared == pytest.approx(27 / 7 / 5)
    assert (told.is_fitted_on, told.customer_count) == (True, 6)


def test_a_feature_that_differs_nowhere_has_the_effect_that_chance_gives() -> None:
    rng = np.random.default_rng(3)
    labels = np.arange(200) % 4
    told = evaluate_segmentation(rng.normal(size=(200, 400)), labels, [f"luck {n}" for n in range(400)], [])
    by_chance = 3 / 199  # (k - 1) / (n - 1), the baseline that the metrics tell
    assert np.mean([one.eta_squared for one in told]) == pytest.approx(by_chance, rel=0.1)
    assert np.mean([one.epsilon_squared for one in told]) == pytest.approx(by_chance, rel=0.1)
    assert np.mean([(one.anova_p or 0.0) < 0.05 for one in told]) == pytest.approx(0.05, abs=0.03)
    assert not told[0].is_fitted_on


def test_features_unknown_or_always_the_same_have_no_test() -> None:
    values = np.column_stack([np.full(6, 2.0), [1.0, np.nan, np.nan, np.nan, np.nan, np.nan], np.arange(6.0)])
    same, unknown, known = evaluate_segmentation(values, np.array([0, 0, 0, 1, 1, 1]), ["a", "b", "c"], [])
    assert (same.anova_f, same.kruskal_p, same.eta_squared) == (None, None, 0.0)
    assert (unknown.anova_f, unknown.customer_count) == (None, 1)
    assert known.anova_f is not None


def test_segments_in_which_nothing_varies_have_no_f_but_the_whole_effect() -> None:
    (told,) = evaluate_segmentation(np.array([[1.0], [1.0], [4.0], [4.0]]), np.array([0, 0, 1, 1]), ["a"], [])
    assert (told.anova_f, told.eta_squared) == (None, 1.0)


def test_groupings_agree_whatever_their_numbers() -> None:
    one, same, other = np.array([0, 0, 1, 1]), np.array([7, 7, 2, 2]), np.array([0, 1, 0, 1])
    assert agreements([one, same]) == [1.0]
    assert len(agreements([one, same, other])) == 3
    assert agreements([one, other])[0] < 0.0
