from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import roc_auc_score

from ml.click.evaluate import auc, evaluate, log_loss


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


def test_every_metric_stands_beside_the_base_rate() -> None:
    told = {metric.name: metric for metric in evaluate(np.array([0.2, 0.4]), np.array([0.0, 1.0]), 0.1)}
    assert told["auc"].value == 1.0
    assert told["auc"].baseline_value == 0.5
    assert told["expected_calibration_error"].baseline_value == pytest.approx(0.4)
    assert told["log_loss"].baseline_value == pytest.approx(-(np.log(0.1) + np.log(0.9)) / 2)


def test_without_later_impressions_the_metrics_say_so() -> None:
    assert [metric.split for metric in evaluate(np.empty(0), np.empty(0), 0.1)] == ["no held-out period"]
