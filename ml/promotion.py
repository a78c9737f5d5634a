"""When a challenger replaces the champion: a paired bootstrap over units that neither of the two has seen.

Both models are judged by their twins: the same recipe fitted on what came before the held-out rows, saved beside each
model (`registry.Twin`). The twins answer for the same later units (customers, impressions), so that the difference is
paired, and the units are drawn again and again with replacement (Efron 1979; for paired measures of two systems, Koehn
2004).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ml.arrays import Floats

Direction = Literal["higher", "lower"]

MARGIN = 0.005
"""Of the champion's value. A log loss of 0.2 has to fall by 0.001, which is how near two libraries come to each other
on the same rows: a smaller gain is no reason to change what customers were shown yesterday."""
RESAMPLES = 1000
"""The ends of a 95 % interval then rest on 25 resamples each; a thousand means of 10,000 groups cost 0.1 CPU s."""
CONFIDENCE = 0.95
LEAST_UNITS = 30
"""With fewer, an interval from resampling is too narrow (its units are all that it knows)."""
MOST_GROUPS = 10_000
"""More units are put together in so many groups, by turns, and the groups are drawn: the mean's spread is the same."""


@dataclass(frozen=True)
class Judged:
    """What two models achieve on the same units, in the same order.

    Args:
        metric, direction: what is measured, and whether more of it or less is better.
        unit: what one element stands for, as "customers since 2025-06-01".
        champion, challenger: a gain or a loss per unit; the means of both are the metric's values.
    """

    metric: str
    direction: Direction
    unit: str
    champion: Floats
    challenger: Floats


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger is promoted, and why.

    Args:
        difference, interval_low, interval_high: in the metric's unit, positive where the challenger is better.
        margin: what `interval_low` has to exceed.
    """

    is_promoted: bool
    why: str
    metric: str | None = None
    unit_count: int = 0
    champion_value: float | None = None
    challenger_value: float | None = None
    difference: float | None = None
    margin: float | None = None
    interval_low: float | None = None
    interval_high: float | None = None


def verdict(judged: Judged, seed: int) -> Verdict:
    """Promoted where the lower end of the interval of the gain exceeds `MARGIN` of the champion's value."""
    count = len(judged.champion)
    if count < LEAST_UNITS:
        return Verdict(
            False,
            f"too few to judge by: {count} {judged.unit}, {LEAST_UNITS} are needed",
            judged.metric,
            count,
        )
    sign = 1.0 if judged.direction == "higher" else -1.0
    champion, challenger = float(judged.champion.mean()), float(judged.challenger.mean())
    gain = sign * (judged.challenger - judged.champion)
    low, high = interval(gain, seed)
    margin = MARGIN * abs(champion)
    is_promoted = low > margin
    does = "exceeds" if is_promoted else "does not exceed"
    why = (
        f"{judged.metric} {challenger:.5g} against {champion:.5g} on {count:,} {judged.unit}: a gain of "
        f"{gain.mean():.3g} ({low:.3g} to {high:.3g}), whose lower end {does} the margin of {margin:.3g}"
    )
    return Verdict(is_promoted, why, judged.metric, count, champion, challenger, float(gain.mean()), margin, low, high)


def interval(values: Floats, seed: int) -> tuple[float, float]:
    """The percentile interval of the mean over `RESAMPLES` draws with replacement.

    Args:
        values: one per unit; at least one.
    """
    groups = _groups(values)
    draw = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        means[number] = groups[draw.integers(0, len(groups), len(groups))].mean()
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _groups(values: Floats) -> Floats:
    """The units themselves, or the means of groups of equal size, the i-th unit in group i modulo their number."""
    size = -(-len(values) // MOST_GROUPS)
    if size == 1:
        return values
    whole = len(values) - len(values) % size  # fewer than `size` units at the end are left out
    return np.asarray(values[:whole].reshape(size, -1).mean(axis=0))
