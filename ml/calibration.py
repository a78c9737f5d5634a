"""Platt scaling: log-odds stretched and moved until probabilities mean what they say."""

from __future__ import annotations

import numpy as np

from ml.arrays import Floats

PRIOR_DEVIATION = 0.5
"""Standard deviation of the prior on slope and offset: with few events the model's own log-odds are kept."""


def sigmoid(logit: Floats) -> Floats:
    """1 / (1 + exp(-logit)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logit)))


def slope(logit: Floats, happened: Floats) -> float:
    """How far log-odds are to be stretched (a > 1) or shrunk (a < 1), fitted on rows that the model has not seen.

    The slope of Platt scaling, sigmoid(a logit + b) ("Probabilistic Outputs for Support Vector Machines", 1999), by
    Newton's method, with a normal prior around a = 1, b = 0 in place of his smoothed targets: the more events there
    are, the less the prior says. Log-odds are centred first. Never below 0; 1 without rows.
    """
    if len(logit) == 0:
        return 1.0
    return max(0.0, float(_newton(logit, happened, np.array([1.0, 0.0]), np.array([1.0, 1.0]))[0]))


def offset(logit: Floats, happened: Floats, stretch: float) -> float:
    """b of sigmoid(a logit + b), given the slope a: the mean prediction on these rows becomes their rate.

    The prior of `slope` holds b near a model's own level where there are few events.
    """
    if len(logit) == 0:
        return 0.0
    moved = _newton(logit, happened, np.array([stretch, 0.0]), np.array([0.0, 1.0]))[1]
    return float(moved) + float(logit.mean()) * (1.0 - stretch)


def _newton(logit: Floats, happened: Floats, start: Floats, is_free: Floats) -> Floats:
    """The most likely slope and shift, those not free kept at their start."""
    centre = float(logit.mean())
    design = np.column_stack([logit - centre, np.ones(len(logit))])
    precision = np.eye(2) / PRIOR_DEVIATION**2
    prior = np.array([1.0, 0.0])
    found = start.copy()
    for _ in range(100):
        probability = sigmoid(design @ found + centre)
        gradient = (design.T @ (probability - happened) + precision @ (found - prior)) * is_free
        curvature = (design * (probability * (1 - probability))[:, None]).T @ design + precision
        curvature = curvature * np.outer(is_free, is_free) + np.diag(1.0 - is_free)
        step = np.linalg.solve(curvature, gradient)
        found = found - step * min(1.0, 1.0 / max(1e-12, float(np.abs(step).max())))
        if float(np.abs(step).max()) < 1e-12:
            break
    return found
