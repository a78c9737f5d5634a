"""The reliability curve: what was predicted beside what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml.measures import Floats
from ml.plots import line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 10


def reliability_plot(probability: Floats, clicked: Floats) -> Figure:
    """Mean prediction and click rate of tenths of the rows by prediction; on the diagonal they agree."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    told = [float(probability[part].mean()) for part in parts]
    was = [float(clicked[part].mean()) for part in parts]
    figure, drawn = line("Reliability", "predicted click probability", "click rate", told, was)
    end = max([*told, *was, 1e-9])
    drawn.plot([0.0, end], [0.0, end], linestyle="--", color="grey")
    return figure
