from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from ml.measures import auc, average_precision, expected_calibration_error, log_loss


def test_auc_counts_ties_half() -> None:
    assert auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([0.0, 0.0, 1.0, 1.0])) == (1 + 1 + 1 + 0.5) / 4


def test_auc_and_log_loss_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    probability = np.round(rng.random(500), 2).clip(0.01, 0.99)
    clicked = (rng.random(500) < probability).astype(float)
    assert auc(probability, clicked) == pytest.approx(roc_auc_score(clicked, probability))
    assert log_loss(probability, clicked) == pytest.approx(sklearn_log_loss(clicked, probability))


def test_one_sided_labels_have_auc_one_half() -> None:
    assert auc(np.array([0.1, 0.2]), np.zeros(2)) == 0.5


def test_average_precision_by_hand_and_with_ties_as_scikit_learn_has_it() -> None:
    # The buyers are first and third: (1/1 + 2/3) / 2.
    assert average_precision(np.array([0.9, 0.8, 0.7, 0.1]), np.array([1.0, 0, 1, 0])) == pytest.approx((1 + 2 / 3) / 2)
    rng = np.random.default_rng(1)
    score, bought = np.round(rng.random(500), 1), (rng.random(500) < 0.3).astype(np.float64)
    assert average_precision(score, bought) == pytest.approx(average_precision_score(bought, score))
    assert average_precision(score, np.zeros(500)) == 0.0


def test_calibration_error_is_the_mean_gap_between_prediction_and_rate_worked_out_by_hand() -> None:
    probability = np.array([0.1, 0.1, 0.8, 0.6])
    clicked = np.array([0.0, 1.0, 1.0, 1.0])
    # two bins: |0.1 - 0.5| = 0.4 and |0.7 - 1.0| = 0.3, two rows each
    assert expected_calibration_error(probability, clicked, bins=2) == pytest.approx(0.35)
