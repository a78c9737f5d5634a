"""When a probability is enough to state a value: thresholds that hold on rows that the model has not seen."""

from __future__ import annotations

import numpy as np

from ml.traits.activity import Floats

NEVER = 2.0
"""A threshold that no probability reaches."""
LEAST_ROWS = 20
CONFIDENCE_Z = 1.6449
"""One-sided 95 %."""


def wilson_lower_bound(right: Floats, rows: Floats) -> Floats:
    """The lower end of Wilson's score interval (1927) of a share, one-sided 95 %.

    Args:
        right: how many of the rows; `rows`: at least 1.
    """
    share, z2 = right / rows, CONFIDENCE_Z**2
    centre = share + z2 / (2 * rows)
    spread = CONFIDENCE_Z * np.sqrt(share * (1 - share) / rows + z2 / (4 * rows**2))
    return np.asarray((centre - spread) / (1 + z2 / rows))


def threshold(probability: Floats, is_right: Floats, share: float, least: float) -> float:
    """The smallest probability, not below `least`, from which on values are right at least in `share` of the rows.

    At least means with 95 % confidence (`wilson_lower_bound`), so that few rows prove little; `NEVER` where no
    probability does it, or fewer than 20 rows reach it.

    Args:
        probability: of the likeliest value, of rows that the model has not seen.
        is_right: 1 where that is the true value, else 0.
    """
    order = np.argsort(-probability, kind="stable")
    told, right = probability[order], np.cumsum(is_right[order])
    rows = np.arange(1, len(told) + 1, dtype=np.float64)
    # Rows of equal probability come in together: only the last of them is a place to cut.
    is_last = np.r_[told[1:] != told[:-1], True] if len(told) else np.zeros(0, dtype=np.bool_)
    holds = is_last & (told >= least) & (rows >= LEAST_ROWS)
    if len(told):
        holds &= wilson_lower_bound(right, rows) >= share
    if not holds.any():
        return NEVER
    found = float(told[holds].min())
    return least if found == told[told >= least].min() else found  # where all will do, so will what is between
