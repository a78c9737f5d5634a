"""When a probability is enough to state a value: thresholds that hold on rows that the model has not seen."""

from __future__ import annotations

import numpy as np

from ml.arrays import Floats

NEVER = 2.0
"""A threshold that no probability reaches."""
LEAST_ROWS, STEPS = 50, 20
"""A step of `threshold` adds a twentieth of the rows, and at least fifty."""
CONFIDENCE_Z = 1.6449
"""One-sided 95 %."""


def wilson_bound(right: float, rows: float, z: float) -> float:
    """An end of Wilson's score interval (1927) of a share, the lower one for z below 0.

    Args:
        right: how many of the rows; `rows`: at least 1.
    """
    share = right / rows
    centre = share + z**2 / (2 * rows)
    spread = z * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    return float((centre + spread) / (1 + z**2 / rows))


def threshold(probability: Floats, is_right: Floats, share: float, least: float) -> float:
    """The probability from which on values are right at least in `share` of the rows, and not below `least`.

    From the most certain rows on, more come in step by step, as long as with 95 % confidence enough are right. The
    first step that fails ends it (fixed-sequence testing; Angelopoulos et al., "Learn then Test", 2021): the lowest of
    all thresholds that seem to do would be the luckiest. `NEVER` where the first step fails, or there is none.

    Args:
        probability: of the likeliest value, of rows that the model has not seen.
        is_right: 1 where that is the true value, else 0.
    """
    order = np.argsort(-probability, kind="stable")
    order = order[probability[order] >= least]
    told, right = probability[order], np.cumsum(is_right[order])
    step, rows, found = max(LEAST_ROWS, len(told) // STEPS), 0, NEVER
    while len(told) - rows >= step:
        # Rows of equal probability come in together; what is left over at the end is of the last step.
        rows = int(np.searchsorted(-told, -told[rows + step - 1], side="right"))
        rows = len(told) if len(told) - rows < step else rows
        if wilson_bound(float(right[rows - 1]), rows, -CONFIDENCE_Z) < share:
            return found
        found = float(told[rows - 1])
    return least if rows and rows == len(told) else found  # where all will do, so will what is between
