"""The reliability curve: what was predicted beside what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml.curves import curves
from ml.measures import Floats
from ml.plots import beside_diagonal

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def reliability_plot(probability: Floats, clicked: Floats) -> Figure:
    """Mean prediction and click rate of tenths of the rows by prediction; on the diagonal they agree."""
    points = [point for point in curves(probability, clicked) if point.curve == "reliability"]
    told, was = [point.x for point in points], [point.y for point in points]
    return beside_diagonal("Reliability", "predicted click probability", "click rate", told, was)
