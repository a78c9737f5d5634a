"""How good click probabilities are on later impressions, beside the plain click rate of the earlier ones."""

from __future__ import annotations

import numpy as np

from ml.arrays import Floats
from ml.curves import curves as calibration_curves
from ml.measures import auc, average_precision, expected_calibration_error, log_loss
from ml.registry import Metric


def evaluate(probability: Floats, clicked: Floats, base_rate: float) -> list[Metric]:
    """AUC, average precision, log loss and calibration error of the predictions, and of the base rate for every row."""
    if len(clicked) == 0:
        return [Metric("evaluated_impressions", 0.0, split="no held-out period")]
    flat = np.full(len(clicked), base_rate)
    return [
        Metric("auc", auc(probability, clicked), "base_rate", 0.5),
        Metric("average_precision", average_precision(probability, clicked), "base_rate", float(clicked.mean())),
        Metric("log_loss", log_loss(probability, clicked), "base_rate", log_loss(flat, clicked)),
        Metric(
            "expected_calibration_error",
            expected_calibration_error(probability, clicked),
            "base_rate",
            abs(base_rate - float(clicked.mean())),
        ),
        Metric("mean_click_probability", float(probability.mean()), "click_rate", float(clicked.mean())),
        Metric("evaluated_impressions", float(len(clicked))),
    ]


def curves(probability: Floats, clicked: Floats) -> dict[str, list[list[float]]]:
    """How far predictions are right, as points [x, y, impressions], of tenths of the impressions by prediction.

    reliability    mean prediction of a tenth, its click rate: equal where predictions mean what they say
    gains          share of the impressions with the highest predictions, share of all clicks among these, from 0, 0 on
    """
    points = calibration_curves(probability, clicked)
    return {
        name: [[one.x, one.y, float(one.row_count)] for one in points if one.curve == name]
        for name in ("reliability", "gains")
    }
