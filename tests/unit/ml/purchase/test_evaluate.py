from __future__ import annotations

import numpy as np
import pytest

from ml.measures import auc
from ml.purchase.evaluate import REPEATS, evaluate, halves, permutation_importances
from ml.purchase.fits import by_scikit_learn
from ml.purchase.model import PurchaseModel


def test_no_customer_has_a_part_in_their_own_calibration() -> None:
    raw, bought = np.array([0.1, 0.2, 0.3, 0.4, 0.5]), np.array([0.0, 1, 0, 1, 1])
    seen: list[tuple[list[float], list[float], list[float]]] = []

    def calibrated(of: np.ndarray, did: np.ndarray, others: np.ndarray) -> np.ndarray:
        seen.append((of.tolist(), did.tolist(), others.tolist()))
        return others + 1

    assert halves(raw, bought, calibrated).tolist() == (raw + 1).tolist()
    assert seen == [([0.1, 0.3, 0.5], [0, 0, 1], [0.2, 0.4]), ([0.2, 0.4], [1, 1], [0.1, 0.3, 0.5])]


def test_measures_stand_beside_recency_and_the_rate_of_the_days_learnt_from() -> None:
    raw = np.array([0.9, 0.4, 0.2, 0.1])
    told = {
        one.name: one
        for one in evaluate(raw, raw, recency=np.array([5.0, 1, 9, 9]), bought=np.array([1.0, 0, 0, 0]), base_rate=0.5)
    }
    assert (told["auc"].value, told["auc"].baseline, told["auc"].baseline_value) == (1.0, "recency alone", 2 / 3)
    assert told["average_precision"].baseline_value == 0.5
    assert told["log_loss"].value == pytest.approx(-np.log([0.9, 0.6, 0.8, 0.9]).mean())
    assert told["log_loss"].baseline_value == pytest.approx(np.log(2))
    assert (told["mean_purchase_probability"].value, told["mean_purchase_probability"].baseline_value) == (0.4, 0.25)
    assert told["expected_calibration_error"].baseline_value == 0.25


def test_importances_are_the_auc_lost_when_a_column_is_dealt_out_anew() -> None:
    rng = np.random.default_rng(3)
    rows = np.round(rng.normal(size=(800, 4)), 1)
    bought = (rng.random(800) < 1 / (1 + np.exp(-2 * rows[:, 0]))).astype(np.float64)
    rows[:, 3] = 0.0  # asked for by no tree
    forest = by_scikit_learn(rows, bought, 1)
    told = permutation_importances(forest, rows, bought, seed=9)

    deal, plainly = np.random.default_rng(9), np.zeros((4, REPEATS))
    for feature in range(3):
        for repeat in range(REPEATS):
            dealt = rows.copy()
            dealt[:, feature] = rows[deal.permutation(800), feature]
            plainly[feature, repeat] = auc(forest.probability(rows), bought) - auc(forest.probability(dealt), bought)
    assert told == pytest.approx(plainly, abs=1e-12)
    assert told[0].min() > 0.1
    assert told[3].tolist() == [0.0] * REPEATS


def test_calibration_moves_the_mean_to_the_rate_and_keeps_the_order() -> None:
    rng = np.random.default_rng(4)
    rows = rng.random((2000, 2))
    forest = by_scikit_learn(rows, (rng.random(2000) < rows[:, 0]).astype(np.float64), 1)
    raw = forest.probability(rows)
    bought = (rng.random(2000) < raw / 3).astype(np.float64)
    model = PurchaseModel(forest, [], 90).calibrated_on(raw, bought)
    told = model.calibrate(raw)
    assert told.mean() == pytest.approx(bought.mean(), abs=0.01)
    assert (np.diff(told[np.argsort(raw)]) >= 0).all()
