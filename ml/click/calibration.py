"""Probabilities that mean what they say: Platt scaling of log-odds, and how far off predictions are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PRIOR_DEVIATION = 0.5
"""Standard deviation of the prior on slope and offset: with few clicks the model's own log-odds are kept."""


def sigmoid(logit: Floats) -> Floats:
    """1 / (1 + exp(-logit)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logit)))


def platt(logit: Floats, clicked: Floats) -> tuple[float, float]:
    """Slope a and offset b of sigmoid(a logit + b), fitted on rows that the model was not fitted on.

    Platt, "Probabilistic Outputs for Support Vector Machines", 1999, by Newton's method, with a normal prior around
    a = 1, b = 0 in place of his smoothed targets: the more clicks there are, the less the prior says. Log-odds are
    centred for the fit, so that the prior on the offset is one on the level. The slope is never below 0.
    """
    if len(logit) == 0:
        return 1.0, 0.0
    centre = float(logit.mean())
    design = np.column_stack([logit - centre, np.ones(len(logit))])
    start = np.array([1.0, 0.0])
    precision = np.eye(2) / PRIOR_DEVIATION**2
    found = start.copy()
    for _ in range(50):
        probability = sigmoid(design @ found + centre)
        gradient = design.T @ (probability - clicked) + precision @ (found - start)
        curvature = (design * (probability * (1 - probability))[:, None]).T @ design + precision
        step = np.linalg.solve(curvature, gradient)
        found = found - step * min(1.0, 2.0 / max(1e-12, float(np.abs(step).max())))
        if float(np.abs(step).max()) < 1e-10:
            break
    slope = max(0.0, float(found[0]))
    return slope, float(found[1]) + centre * (1.0 - slope)


def expected_calibration_error(probability: Floats, clicked: Floats, bins: int = 10) -> float:
    """Mean over rows of |mean prediction - click rate| in their bin, bins of equal size by prediction.

    Naeini, Cooper, Hauskrecht, AAAI 2015, with quantile bins, as click predictions crowd near zero.
    """
    order = np.argsort(probability, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    gaps = [abs(float(probability[part].mean() - clicked[part].mean())) * len(part) for part in parts if len(part)]
    return sum(gaps) / max(1, len(order))
