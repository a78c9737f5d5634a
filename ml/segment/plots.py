"""The elbow: what each number of segments costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ml.plots import line
from ml.segment.model import Tried

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def elbow_plot(curve: Sequence[Tried], chosen: int) -> Figure:
    """Cost by number of segments, the chosen one marked."""
    figure, drawn = line("Elbow", "segments", "cost", [tried.k for tried in curve], [tried.cost for tried in curve])
    drawn.axvline(chosen, linestyle="--", color="grey")
    return figure
