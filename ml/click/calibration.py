"""Probabilities that mean what they say: Platt scaling of log-odds, and how far off predictions are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CURVE_POINTS = 10
PRIOR_DEVIATION = 0.5
"""Standard deviation of the prior on slope and offset: with few clicks the model's own log-odds are kept."""


def sigmoid(logit: Floats) -> Floats:
    """1 / (1 + exp(-logit)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logit)))


def slope(logit: Floats, clicked: Floats) -> float:
    """How far log-odds are to be stretched (a > 1) or shrunk (a < 1), fitted on rows that the model has not seen.

    The slope of Platt scaling, sigmoid(a logit + b) ("Probabilistic Outputs for Support Vector Machines", 1999), by
    Newton's method, with a normal prior around a = 1, b = 0 in place of his smoothed targets: the more clicks there
    are, the less the prior says. Log-odds are centred first. Never below 0; 1 without rows.
    """
    if len(logit) == 0:
        return 1.0
    return max(0.0, float(_newton(logit, clicked, np.array([1.0, 0.0]), np.array([1.0, 1.0]))[0]))


def offset(logit: Floats, clicked: Floats, stretch: float) -> float:
    """b of sigmoid(a logit + b), given the slope a: the mean prediction on these rows becomes their click rate.

    The prior of `slope` holds b near a model's own level where there are few clicks.
    """
    if len(logit) == 0:
        return 0.0
    moved = _newton(logit, clicked, np.array([stretch, 0.0]), np.array([0.0, 1.0]))[1]
    return float(moved) + float(logit.mean()) * (1.0 - stretch)


def _newton(logit: Floats, clicked: Floats, start: Floats, is_free: Floats) -> Floats:
    """The most likely slope and shift, those not free kept at their start."""
    centre = float(logit.mean())
    design = np.column_stack([logit - centre, np.ones(len(logit))])
    precision = np.eye(2) / PRIOR_DEVIATION**2
    prior = np.array([1.0, 0.0])
    found = start.copy()
    for _ in range(100):
        probability = sigmoid(design @ found + centre)
        gradient = (design.T @ (probability - clicked) + precision @ (found - prior)) * is_free
        curvature = (design * (probability * (1 - probability))[:, None]).T @ design + precision
        curvature = curvature * np.outer(is_free, is_free) + np.diag(1.0 - is_free)
        step = np.linalg.solve(curvature, gradient)
        found = found - step * min(1.0, 1.0 / max(1e-12, float(np.abs(step).max())))
        if float(np.abs(step).max()) < 1e-12:
            break
    return found


def expected_calibration_error(probability: Floats, clicked: Floats, bins: int = 10) -> float:
    """Mean over rows of |mean prediction - click rate| in their bin, bins of equal size by prediction.

    Naeini, Cooper, Hauskrecht, AAAI 2015, with quantile bins, as click predictions crowd near zero.
    """
    order = np.argsort(probability, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    gaps = [abs(float(probability[part].mean() - clicked[part].mean())) * len(part) for part in parts if len(part)]
    return sum(gaps) / max(1, len(order))


def curves(probability: Floats, clicked: Floats) -> dict[str, list[list[float]]]:
    """How far predictions are right, as points [x, y, impressions], of tenths of the impressions by prediction.

    reliability    mean prediction of a tenth, its click rate: equal where predictions mean what they say
    gains          share of the impressions with the highest predictions, share of all clicks among these, from 0, 0 on
    """
    order = np.argsort(-probability, kind="stable")
    tenths = [part for part in np.array_split(order, CURVE_POINTS) if len(part)]
    clicks = np.cumsum([0.0, *(clicked[part].sum() for part in tenths)]) / max(1.0, float(clicked.sum()))
    shown = np.cumsum([0, *map(len, tenths)])
    rates = [[float(probability[part].mean()), float(clicked[part].mean()), float(len(part))] for part in tenths[::-1]]
    gains = [[float(n / len(order)), float(share), float(n)] for n, share in zip(shown, clicks)]
    return {"reliability": rates, "gains": gains}
