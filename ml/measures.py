"""How good probabilities and scores of something that happens or does not are; what several tasks measure alike."""

from __future__ import annotations

import numpy as np

from ml.arrays import Floats


def auc(score: Floats, happened: Floats) -> float:
    """Area under the ROC curve: the chance that a row where it happened scores higher than another, ties counting half.

    0.5 where it always or never happened. From rank sums (Mann and Whitney 1947).
    """
    ones = float(happened.sum())
    others = len(happened) - ones
    if ones == 0 or others == 0:
        return 0.5
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2.0)[place]
    return float((ranks[happened > 0].sum() - ones * (ones + 1) / 2.0) / (ones * others))


def average_precision(score: Floats, happened: Floats) -> float:
    """Area under the precision-recall curve: gains in recall times precision, summed; 0 where it never happened.

    Rows of equal score come in together, as in scikit-learn's `average_precision_score`.
    """
    if happened.sum() == 0:
        return 0.0
    levels, place = np.unique(-score, return_inverse=True)
    hits = np.cumsum(np.bincount(place, happened, minlength=len(levels)))
    taken = np.cumsum(np.bincount(place, minlength=len(levels)))
    gain = np.diff(np.concatenate([[0.0], hits])) / happened.sum()
    return float((gain * hits / taken).sum())


def log_loss(probability: Floats, happened: Floats) -> float:
    """Mean negative log-likelihood in nats."""
    return float(log_losses(probability, happened).mean())


def log_losses(probability: Floats, happened: Floats) -> Floats:
    """Negative log-likelihood of each row, in nats."""
    inside = np.clip(probability, 1e-15, 1 - 1e-15)
    return np.asarray(-(happened * np.log(inside) + (1 - happened) * np.log(1 - inside)))


def expected_calibration_error(probability: Floats, happened: Floats, bins: int = 10) -> float:
    """Mean over rows of |mean prediction - rate| in their bin, bins of equal size by prediction.

    Naeini, Cooper, Hauskrecht, AAAI 2015, with quantile bins, as predictions of what is rare crowd near zero.
    """
    order = np.argsort(probability, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    gaps = [abs(float(probability[part].mean() - happened[part].mean())) * len(part) for part in parts if len(part)]
    return sum(gaps) / max(1, len(order))
