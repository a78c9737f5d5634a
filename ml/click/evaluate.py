"""How good click probabilities are on later impressions, beside the plain click rate of the earlier ones."""

from __future__ import annotations

import numpy as np

from ml.click.calibration import Floats, expected_calibration_error
from ml.registry import Metric


def auc(score: Floats, clicked: Floats) -> float:
    """Area under the ROC curve: the chance that a clicked impression scores higher than another, ties counting half.

    0.5 where there are only clicks or only others. From rank sums (Mann and Whitney 1947).
    """
    clicks = float(clicked.sum())
    others = len(clicked) - clicks
    if clicks == 0 or others == 0:
        return 0.5
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2.0)[place]
    return float((ranks[clicked > 0].sum() - clicks * (clicks + 1) / 2.0) / (clicks * others))


def log_loss(probability: Floats, clicked: Floats) -> float:
    """Mean negative log-likelihood in nats."""
    return float(log_losses(probability, clicked).mean())


def log_losses(probability: Floats, clicked: Floats) -> Floats:
    """Negative log-likelihood of each row, in nats."""
    inside = np.clip(probability, 1e-15, 1 - 1e-15)
    return np.asarray(-(clicked * np.log(inside) + (1 - clicked) * np.log(1 - inside)))


def evaluate(probability: Floats, clicked: Floats, base_rate: float) -> list[Metric]:
    """AUC, log loss and calibration error of the predictions, and the same of the base rate for every row."""
    if len(clicked) == 0:
        return [Metric("evaluated_impressions", 0.0, split="no held-out period")]
    flat = np.full(len(clicked), base_rate)
    return [
        Metric("auc", auc(probability, clicked), "base_rate", 0.5),
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
