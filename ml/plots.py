"""Plots kept with a training in MLflow, as SVG. Importing matplotlib costs 0.35 CPU s a process, a plot 0.03."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def axes(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    """An empty plot with its labels; no window and no pyplot, so that it may be drawn in any thread."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    drawn = figure.add_subplot()
    drawn.set(title=title, xlabel=x, ylabel=y)
    drawn.spines[["top", "right"]].set_visible(False)
    return figure, drawn


def bars(title: str, y: str, values: dict[str, float]) -> Figure:
    """A bar per name, with its value above it."""
    figure, drawn = axes(title, "", y)
    drawn.bar_label(drawn.bar(list(values), list(values.values())), fmt="%.4g")
    return figure


def line(title: str, x: str, y: str, xs: Sequence[float], ys: Sequence[float]) -> tuple[Figure, Axes]:
    """Points joined in their order."""
    figure, drawn = axes(title, x, y)
    drawn.plot(xs, ys, marker="o")
    return figure, drawn
