"""A feature that alone tells the label: it is not known before the label is, and is left out.

For every column by itself: the rate of the label at each of its levels on the earlier rows orders the later rows; an
area under their ROC curve above `TELLS_ALL` is no honest feature's (one feature alone rarely reaches 0.9; cf. Kaufman,
Rosset, Perlich, "Leakage in Data Mining", KDD 2011).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml.registry import Metric

TELLS_ALL = 0.99
LEAST_OF_EACH = 20
"""With fewer later rows of either label an area so near to one may be chance; nothing is left out."""


@dataclass(frozen=True)
class Level:
    """How often a level of a column came with the label and without it."""

    earlier_positives: float
    earlier_negatives: float
    later_positives: float
    later_negatives: float


def leaks(columns: Mapping[str, Sequence[Level]]) -> dict[str, float]:
    """The area under the ROC curve of each column that alone tells the label, by name.

    Args:
        columns: the levels of each column, among them "no value"; each row has one level of a column.
    """
    found = {name: area(levels) for name, levels in columns.items()}
    return {name: value for name, value in sorted(found.items()) if value > TELLS_ALL}


def area(levels: Sequence[Level]) -> float:
    """Area under the ROC curve of the later rows in the order of the label's rate at their level before; 0.5 where too
    few rows of either label can be told apart.

    Rates are drawn to one half by half a row of each label, so that a level of few rows is not certain.
    """
    told = np.array(
        [(one.earlier_positives, one.earlier_negatives, one.later_positives, one.later_negatives) for one in levels]
    ).reshape(-1, 4)
    positives, negatives = told[:, 2], told[:, 3]
    if min(positives.sum(), negatives.sum()) < LEAST_OF_EACH:
        return 0.5
    rate = (told[:, 0] + 0.5) / (told[:, 0] + told[:, 1] + 1.0)
    _, place = np.unique(rate, return_inverse=True)
    ones, others = np.bincount(place, positives), np.bincount(place, negatives)
    below = np.cumsum(others) - others
    return float((ones * (below + others / 2.0)).sum() / (ones.sum() * others.sum()))


def metrics(found: Mapping[str, float]) -> list[Metric]:
    """What the report says of columns that were left out: the area that each reaches alone."""
    return [
        Metric("leak_auc", value, "least that is a leak", TELLS_ALL, f"left out: column {name} alone tells the label")
        for name, value in found.items()
    ]
