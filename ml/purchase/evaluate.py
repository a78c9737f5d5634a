"""How good purchase probabilities are on the month after the one learnt from, and what they rest on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ml.arrays import Floats
from ml.measures import auc, average_precision, expected_calibration_error, log_loss
from ml.purchase.forest import ALL_LEAVES, Forest
from ml.registry import Metric

REPEATS = 5
MOST_FOR_IMPORTANCE = 2_500
"""Importances are measured on at most so many customers, evenly spaced by id."""
AHEAD = "the 30 days after those learnt from"
HALVES = f"{AHEAD}, each half of the customers calibrated on the other"


def halves(raw: Floats, bought: Floats, calibrated: Callable[[Floats, Floats, Floats], Floats]) -> Floats:
    """Probabilities in which no row had a part in its own calibration: every other row by the rest, and those by it.

    Args:
        raw: the forest's, one per customer in the order of their ids.
        calibrated: from raw and outcome of some rows and raw of others, the probabilities of the others.
    """
    told = np.empty(len(raw))
    odd = np.arange(len(raw)) % 2 == 1
    for part in (odd, ~odd):
        told[part] = calibrated(raw[~part], bought[~part], raw[part])
    return told


def evaluate(raw: Floats, calibrated: Floats, recency: Floats, bought: Floats, base_rate: float) -> list[Metric]:
    """Ranking beside recency alone, probabilities beside the rate of the days learnt from.

    Args:
        raw: the forest's probabilities.
        calibrated: those of `halves`.
        recency: days since the last order.
        base_rate: the share of buyers among the customers learnt from.
    """
    flat, rate = np.full(len(bought), base_rate), float(bought.mean())
    return [
        Metric("auc", auc(raw, bought), "recency alone", auc(-recency, bought), AHEAD),
        Metric(
            "average_precision",
            average_precision(raw, bought),
            "recency alone",
            average_precision(-recency, bought),
            AHEAD,
        ),
        Metric("log_loss", log_loss(calibrated, bought), "base_rate", log_loss(flat, bought), HALVES),
        Metric("log_loss_before_calibration", log_loss(raw, bought), "base_rate", log_loss(flat, bought), AHEAD),
        Metric(
            "expected_calibration_error",
            expected_calibration_error(calibrated, bought),
            "base_rate",
            abs(base_rate - rate),
            HALVES,
        ),
        Metric(
            "expected_calibration_error_before_calibration",
            expected_calibration_error(raw, bought),
            "base_rate",
            abs(base_rate - rate),
            AHEAD,
        ),
        Metric("mean_purchase_probability", float(raw.mean()), "purchase_rate", rate, AHEAD),
        Metric("evaluated_customers", float(len(bought)), split=AHEAD),
    ]


def permutation_importances(forest: Forest, rows: Floats, bought: Floats, seed: int) -> npt.NDArray[np.float64]:
    """Columns x `REPEATS`: the AUC that is lost where a column's values are dealt out anew among the rows.

    Breiman 2001, section 10, on rows not learnt from. Only the words of the permuted column change: those of the
    columns before and after it are put together once.
    """
    step = -(-len(rows) // MOST_FOR_IMPORTANCE)
    rows, bought = rows[::step], bought[::step]
    rng = np.random.default_rng(seed)
    whole = auc(forest.probability(rows), bought)
    lost = np.zeros((rows.shape[1], REPEATS))
    features = list(forest.tables)
    words = [forest.left_by(feature, rows[:, feature]) for feature in features]
    before = np.full((len(rows), forest.trees), ALL_LEAVES)
    after = [before]
    for own in reversed(words[1:]):
        after.append(after[-1] & own)
    for feature, own in zip(features, words, strict=True):
        rest = before & after.pop()
        for repeat in range(REPEATS):
            lost[feature, repeat] = whole - auc(forest.of_sets(rest & own[rng.permutation(len(rows))]), bought)
        before = before & own
    return lost
