"""Two trees written out by hand, brute force over coalitions, and the libraries on the same rows."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from shap import TreeExplainer
from sklearn.ensemble import RandomForestClassifier

from ml.purchase import fits
from ml.purchase.forest import LEAF, Forest, Tree, grown
from ml.purchase.model import PurchaseModel, load

# x0 <= 1 ? (x1 <= 0 ? 0.1 : 0.4) : 0.9, and a tree that asks for x1 alone: x1 <= 5 ? 0.2 : 0.6.
DEEP = Tree(
    np.array([0, 1, LEAF, LEAF, LEAF]),
    np.array([1.0, 0.0, 0.0, 0.0, 0.0]),
    np.array([1, 2, LEAF, LEAF, LEAF]),
    np.array([4, 3, LEAF, LEAF, LEAF]),
    np.array([0.0, 0.0, 0.1, 0.4, 0.9]),
)
STUMP = Tree(
    np.array([1, LEAF, LEAF]),
    np.array([5.0, 0.0, 0.0]),
    np.array([1, LEAF, LEAF]),
    np.array([2, LEAF, LEAF]),
    np.array([0.0, 0.2, 0.6]),
)
ROWS = np.array([[1.0, 0.0], [0.0, 3.0], [2.0, 9.0], [1.5, -1.0]])
FOREST = grown([DEEP, STUMP], ROWS)


def test_probabilities_are_the_mean_of_the_leaves_and_an_equal_value_goes_left() -> None:
    assert FOREST.probability(ROWS) == pytest.approx(
        [(0.1 + 0.2) / 2, (0.4 + 0.2) / 2, (0.9 + 0.6) / 2, (0.9 + 0.2) / 2]
    )
    assert FOREST.probability(np.empty((0, 2))).tolist() == []


def test_cover_counts_the_rows_that_pass() -> None:
    assert FOREST.cover.tolist() == [4, 2, 1, 1, 2, 4, 3, 1]
    assert FOREST.base == pytest.approx(FOREST.probability(ROWS).mean())


def test_contributions_are_shapley_values_over_all_coalitions() -> None:
    forest, rows, _ = learnt(features=4, trees=3)
    told = forest.contributions(rows[:20])
    for row, ours in zip(rows[:20], told, strict=True):
        assert ours == pytest.approx(by_coalitions(forest, row), abs=1e-12)


def test_contributions_are_those_of_the_library_shap() -> None:
    forest, rows, _ = learnt(features=9, trees=30)
    trees = [
        {
            "children_left": forest.left[first:end],
            "children_right": forest.right[first:end],
            "children_default": forest.right[first:end],
            "features": forest.feature[first:end],
            "thresholds": forest.threshold[first:end],
            "values": forest.value[first:end, None] / forest.trees,
            "node_sample_weight": forest.cover[first:end],
        }
        for first, end in itertools.pairwise(forest.start)
    ]
    model = {"trees": trees, "input_dtype": np.float64, "internal_dtype": np.float64}
    theirs = TreeExplainer(model, feature_perturbation="tree_path_dependent").shap_values(rows, check_additivity=False)
    assert forest.contributions(rows) == pytest.approx(theirs, abs=1e-12)


def test_contributions_and_base_sum_to_the_probability() -> None:
    forest, rows, _ = learnt(features=9, trees=30)
    told = forest.contributions(rows)
    assert forest.base + told.sum(axis=1) == pytest.approx(forest.probability(rows), abs=1e-12)


def test_rows_between_the_same_thresholds_share_an_explanation_in_their_own_places() -> None:
    rows = np.array([[2.0, 9.0], [1.0, 0.0], [7.0, 99.0], [0.5, -3.0]])
    told = FOREST.contributions(rows)
    assert told[0] == pytest.approx(told[2])
    assert told[1] == pytest.approx(told[3])
    assert FOREST.base + told.sum(axis=1) == pytest.approx(FOREST.probability(rows))


def test_rows_that_no_threshold_tells_apart_are_of_one_kind_and_are_told_the_same_to_the_last_bit() -> None:
    forest, rows, _ = learnt(features=9, trees=30)
    moved = rows.copy()
    for feature, (thresholds, _) in forest.tables.items():  # as far up as goes without passing a threshold
        moved[:, feature] = np.append(thresholds, 1e9)[np.searchsorted(thresholds, rows[:, feature])]
    beside = np.vstack([rows, moved])
    first, kind = forest.alike(beside)
    assert kind[: len(rows)].tolist() == kind[len(rows) :].tolist()
    assert 1 < len(first) <= len(rows)
    assert np.array_equal(forest.probability(beside[first])[kind], forest.probability(beside))
    assert np.array_equal(forest.contributions(beside[first])[kind], forest.contributions(beside))


def test_probabilities_are_those_of_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fits, "TREES", 40)
    rng = np.random.default_rng(2)
    rows = np.round(rng.normal(size=(9000, 6)), 1).astype(np.float32).astype(np.float64)
    label = (rng.random(9000) < 1 / (1 + np.exp(-rows[:, 0] * rows[:, 1]))).astype(np.float64)
    theirs = RandomForestClassifier(
        40, max_depth=6, min_samples_leaf=10, max_features=1 / 3, max_samples=9000, random_state=5
    ).fit(rows, label)
    ours = fits.by_scikit_learn(rows, label, 5)
    assert ours.probability(rows) == pytest.approx(theirs.predict_proba(rows)[:, 1], abs=1e-12)
    again = fits.by_scikit_learn(rows, label, 5)
    assert all(np.array_equal(getattr(ours, name), getattr(again, name)) for name in ("feature", "threshold", "value"))


def test_a_forest_that_learnt_nothing_is_its_base_rate() -> None:
    forest = fits.by_scikit_learn(np.zeros((40, 2)), np.repeat([0.0, 1.0], 20), 1)
    assert forest.tables == {}
    assert forest.contributions(np.zeros((3, 2))).tolist() == [[0.0, 0.0]] * 3
    assert forest.probability(np.zeros((3, 2))) == pytest.approx([0.5] * 3, abs=0.05)


def test_a_tree_with_more_leaves_than_a_word_has_bits_is_refused() -> None:
    nodes = np.full(65, LEAF)
    with pytest.raises(ValueError, match="64 leaves"):
        grown([Tree(nodes, np.zeros(65), nodes, nodes, np.zeros(65))], ROWS)


def test_the_trees_that_mllib_describes_are_read_as_written() -> None:
    told = """RandomForestRegressionModel: uid=rfr_1, numTrees=2, numFeatures=2
  Tree 0 (weight 1.0):
    If (feature 0 <= 1.0)
     If (feature 1 <= 0.0)
      Predict: 0.1
     Else (feature 1 > 0.0)
      Predict: 0.4
    Else (feature 0 > 1.0)
     Predict: 0.9
  Tree 1 (weight 1.0):
    Predict: 2.5E-4
"""
    deep, leaf = fits.trees_of(told)
    assert all(np.array_equal(ours, hand) for ours, hand in zip(deep, DEEP, strict=True))
    assert (leaf.feature.tolist(), leaf.value.tolist()) == ([LEAF], [2.5e-4])


def test_a_saved_model_predicts_as_before(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = rng.random((300, 32))
    forest = fits.by_scikit_learn(rows, (rows[:, 0] > 0.5).astype(np.float64), 1)
    model = PurchaseModel(forest, ["app"], 120, 0.8, -0.1)
    model.save(tmp_path)
    assert load(tmp_path).calibrate(load(tmp_path).forest.probability(rows)) == pytest.approx(
        model.calibrate(forest.probability(rows)), abs=0
    )
    assert load(tmp_path).names == model.names


def learnt(features: int, trees: int) -> tuple[Forest, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    rows = np.round(rng.normal(size=(400, features)), 1)
    label = (rows[:, 0] + rows[:, 1] * rows[:, 2] > 0).astype(np.float64)
    fitted = RandomForestClassifier(trees, max_depth=6, min_samples_leaf=5, random_state=3).fit(
        rows.astype(np.float32), label
    )
    told = [one.tree_ for one in fitted.estimators_]
    forest = grown(
        [
            Tree(
                np.maximum(tree.feature, LEAF),
                tree.threshold,
                tree.children_left,
                tree.children_right,
                tree.value[:, 0, 1],
            )
            for tree in told
        ],
        rows,
    )
    return forest, rows, label


def by_coalitions(forest: Forest, row: np.ndarray) -> list[float]:
    """Shapley values of v(S): a node outside S sends the row both ways, by the cover of its children."""
    count = len(row)

    def value(known: frozenset[int]) -> float:
        def walk(first: int, node: int) -> float:
            at = first + node
            if forest.feature[at] == LEAF:
                return float(forest.value[at])
            left, right = int(forest.left[at]), int(forest.right[at])
            if int(forest.feature[at]) in known:
                return walk(first, left if row[forest.feature[at]] <= forest.threshold[at] else right)
            share = forest.cover[first + left] / forest.cover[at]
            return float(share * walk(first, left) + (1 - share) * walk(first, right))

        return float(np.mean([walk(int(first), 0) for first in forest.start[:-1]]))

    told = []
    for feature in range(count):
        others = [other for other in range(count) if other != feature]
        total = 0.0
        for size in range(count):
            weight = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
            for chosen in itertools.combinations(others, size):
                total += weight * (value(frozenset({*chosen, feature})) - value(frozenset(chosen)))
        told.append(total)
    return told
