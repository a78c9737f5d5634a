"""Whether chances mean what they say, as curves: `ml.model_curves` for tasks without a table of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.intervals import BINS
from ml.measures import Floats


@dataclass(frozen=True)
class Point:
    """A point of a curve.

    Args:
        curve: reliability (mean prediction of a tenth, share of it where it happened) or gains (share of the rows with
            the highest predictions, share of all that happened among these).
        row_count: rows of the tenth, or up to the point.
    """

    curve: str
    x: float
    y: float
    row_count: int


def curves(probability: Floats, happened: Floats) -> list[Point]:
    """Both curves, in tenths of the rows by prediction; gains from the origin on.

    Args:
        happened: 0 or 1, or how likely it is that it happened.
    """
    order = np.argsort(-probability, kind="stable")
    tenths = [part for part in np.array_split(order, BINS) if len(part)]
    reliability = [
        Point("reliability", float(probability[part].mean()), float(happened[part].mean()), len(part))
        for part in reversed(tenths)
    ]
    rows = np.cumsum([0, *map(len, tenths)])
    found = np.cumsum([0.0, *(happened[part].sum() for part in tenths)])
    found /= found[-1] if found[-1] > 0 else 1.0  # the sum in this order, so that the last is 1 and not a bit more
    gains = [
        Point("gains", float(count / max(1, len(order))), float(share), int(count)) for count, share in zip(rows, found)
    ]
    return [*reliability, *gains]
