from __future__ import annotations

import numpy as np
import pytest

from ml.click.evaluate import curves, evaluate


def test_every_metric_stands_beside_the_base_rate() -> None:
    told = {metric.name: metric for metric in evaluate(np.array([0.2, 0.4]), np.array([0.0, 1.0]), 0.1)}
    assert told["auc"].value == 1.0
    assert told["auc"].baseline_value == 0.5
    assert told["expected_calibration_error"].baseline_value == pytest.approx(0.4)
    assert told["log_loss"].baseline_value == pytest.approx(-(np.log(0.1) + np.log(0.9)) / 2)


def test_without_later_impressions_the_metrics_say_so() -> None:
    assert [metric.split for metric in evaluate(np.empty(0), np.empty(0), 0.1)] == ["no held-out period"]


def test_curves_are_tenths_by_prediction() -> None:
    probability, clicked = np.arange(20) / 20, np.array([0.0] * 16 + [1.0, 0.0, 1.0, 1.0])
    told = curves(probability, clicked)
    assert told["reliability"][-1] == [pytest.approx(0.925), 1.0, 2.0]
    assert told["reliability"][-2] == [pytest.approx(0.825), 0.5, 2.0]
    assert told["reliability"][0] == [pytest.approx(0.025), 0.0, 2.0]
    assert told["gains"][:3] == [[0.0, 0.0, 0.0], [0.1, pytest.approx(2 / 3), 2.0], [0.2, 1.0, 4.0]]
    assert told["gains"][-1] == [1.0, 1.0, 20.0]


def test_curves_without_a_click_are_flat() -> None:
    assert [y for _, y, _ in curves(np.full(3, 0.1), np.zeros(3))["gains"]] == [0.0] * 4
