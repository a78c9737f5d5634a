"""Plots without a screen, as SVG: of a training in MLflow, and of the report, which draws rows of queries by these.

Importing matplotlib costs 0.35 CPU s a process, a plot 0.03.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#1b6ca8", "#e07a1f", "#3a7d44", "#8e4585", "#c0392b", "#6b705c")
GREY = "#777777"
SIZE = (4.6, 3.0)
"""Inches: 331 points, so that text of ten points has 10.8 pixels on a phone whose page is 358 wide."""
LEGEND_LETTERS = 42
"""What fits beside one another above a plot, the marks among them."""
MOST_TICKS = 5
LINE_INCHES = 0.28
"""What a bar needs for its name; a figure of many grows with them."""
STYLE = {"svg.hashsalt": "lakehouse", "svg.fonttype": "none", "font.size": 10}
"""The hash salt keeps ids the same from drawing to drawing."""


def axes(title: str = "", x: str = "", y: str = "", lines: int = 0) -> tuple[Figure, Axes]:
    """An empty plot with its labels; no window and no pyplot, so that it may be drawn in any thread.

    Args:
        lines: names one above the other that it has to have room for.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(SIZE[0], max(SIZE[1], 0.8 + LINE_INCHES * lines)), layout="constrained")
        drawn = figure.add_subplot()
        drawn.set(title=title, xlabel=x, ylabel=y)
    drawn.spines[["top", "right"]].set_visible(False)
    return figure, drawn


def svg(figure: Figure) -> str:
    """The picture; the same figure gives the same text."""
    from matplotlib import rc_context

    out = io.StringIO()
    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the browser has fonts for what ours lacks
        for drawn in figure.axes:
            _plain_numbers(drawn)
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def draw_bars(
    drawn: Axes, names: Sequence[str], values: Mapping[str, Sequence[float]], is_stacked: bool = False
) -> None:
    """A horizontal bar for each name, the first on top; for each value, named, one beside or behind the other."""
    height = 0.8 if is_stacked else 0.8 / len(values)
    middle = range(len(names) - 1, -1, -1)
    left = [0.0] * len(names)
    for place, (value, lengths) in enumerate(values.items()):
        at = [y + (0 if is_stacked else (len(values) / 2 - place - 0.5) * height) for y in middle]
        colour = COLOURS[place % len(COLOURS)]
        bars = drawn.barh(at, lengths, height, left=left if is_stacked else None, color=colour, label=value)
        if len(values) == 1 and len(names) and min(lengths) >= 0:
            drawn.bar_label(bars, fmt="{:,.4g}" if max(map(abs, lengths)) < 1000 else "{:,.0f}", padding=3)
        if is_stacked:
            left = [a + b for a, b in zip(left, lengths)]
    drawn.set_yticks(list(middle), names)
    drawn.grid(axis="x", alpha=0.3)
    drawn.set_axisbelow(True)
    if len(values) > 1:
        legend_above(drawn)
    else:
        drawn.set_xlabel(next(iter(values)))
        drawn.margins(x=0.2)


def draw_intervals(
    drawn: Axes, names: Sequence[str], values: Sequence[float], lows: Sequence[float], highs: Sequence[float]
) -> None:
    """A point with its interval for each name, the first on top; NaN for an interval that is not known."""
    middle = range(len(names) - 1, -1, -1)
    spread = [
        [0.0 if math.isnan(low) else value - low for value, low in zip(values, lows)],
        [0.0 if math.isnan(high) else high - value for value, high in zip(values, highs)],
    ]
    drawn.errorbar(values, list(middle), xerr=spread, fmt="o", color=COLOURS[0], ecolor=COLOURS[0], capsize=3)
    drawn.set_yticks(list(middle), names)
    drawn.set_ylim(-0.6, len(names) - 0.4)
    drawn.grid(axis="x", alpha=0.3)
    if min([*values, *lows]) < 0:
        drawn.axvline(0.0, linestyle="--", color=GREY, linewidth=1)


def draw_line(
    drawn: Axes,
    xs: Sequence[Any],
    ys: Sequence[float],
    colour: str = COLOURS[0],
    label: str = "",
    is_step: bool = False,
) -> None:
    """Points joined in their order."""
    plot = drawn.step if is_step else drawn.plot
    plot(xs, ys, color=colour, marker=None if is_step else "o", markersize=3, label=label)
    drawn.grid(alpha=0.3)


def draw_beside_diagonal(drawn: Axes, xs: Sequence[float], ys: Sequence[float], diagonal: str) -> None:
    """Points joined in their order, beside the line on which both are equal, which is named."""
    end = max([*xs, *ys, 1e-9]) * 1.05
    drawn.plot([0.0, end], [0.0, end], linestyle="--", color=GREY, label=diagonal)
    draw_line(drawn, xs, ys, label="found")
    drawn.legend(frameon=False)


def legend_above(drawn: Axes) -> None:
    """Out of the way of what is drawn, in as many columns as fit."""
    longest = max(len(label) for label in drawn.get_legend_handles_labels()[1])
    columns = max(1, LEGEND_LETTERS // (longest + 4))
    drawn.figure.legend(loc="outside upper left", ncols=columns, frameon=False)


def bars(title: str, x: str, values: Mapping[str, float]) -> Figure:
    """A bar per name, with its value at its end."""
    figure, drawn = axes(title, lines=len(values))
    draw_bars(drawn, list(values), {x: list(values.values())})
    return figure


def line(title: str, x: str, y: str, xs: Sequence[float], ys: Sequence[float]) -> tuple[Figure, Axes]:
    """Points joined in their order."""
    figure, drawn = axes(title, x, y)
    draw_line(drawn, xs, ys)
    return figure, drawn


def beside_diagonal(title: str, x: str, y: str, xs: Sequence[float], ys: Sequence[float]) -> Figure:
    """What was foretold beside what came."""
    figure, drawn = axes(title, x, y)
    draw_beside_diagonal(drawn, xs, ys, "as it should be")
    return figure


def _plain_numbers(drawn: Axes) -> None:
    """1,500,000 in place of 1.5 and 1e6 in a corner."""
    from matplotlib.ticker import AutoLocator, MaxNLocator, ScalarFormatter, StrMethodFormatter

    if type(drawn.xaxis.get_major_locator()) is AutoLocator:
        drawn.xaxis.set_major_locator(MaxNLocator(MOST_TICKS - 1))
    for axis in (drawn.xaxis, drawn.yaxis):
        if type(axis.get_major_formatter()) is ScalarFormatter:
            is_small = max(map(abs, axis.get_view_interval())) < 100
            axis.set_major_formatter(StrMethodFormatter("{x:,.4g}" if is_small else "{x:,.0f}"))
