"""Whether chances mean what they say, as curves: `ml.model_curves` for tasks without a table of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ml.arrays import Floats
from ml.intervals import BINS
from ml.plots import beside_diagonal, line

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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


def plots_of(points: Sequence[Point]) -> dict[str, Callable[[], Figure]]:
    """A plot of each curve, by its name."""
    reliability, gains = (
        [(point.x, point.y) for point in points if point.curve == curve] for curve in ("reliability", "gains")
    )
    drawn: dict[str, Callable[[], Figure]] = {}
    if reliability:
        drawn["reliability"] = partial(
            beside_diagonal, "Reliability", "foretold chance", "share of it that came", *zip(*reliability)
        )
    if gains:
        drawn["gains"] = lambda: line("Gains", "share of rows", "share of all that came", *zip(*gains))[0]
    return drawn


def foretold_plot(name: str, foretold: Floats, came: Floats) -> Figure:
    """Means of tenths of the rows by what was foretold; on the diagonal they agree."""
    tenths = [part for part in np.array_split(np.argsort(foretold, kind="stable"), BINS) if len(part)]
    told, was = ([float(values[part].mean()) for part in tenths] for values in (foretold, came))
    return beside_diagonal(name, "foretold, mean of a tenth", "came", told, was)
