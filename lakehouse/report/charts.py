"""Charts of the report: each takes the rows of a query and names of their columns, and draws by `ml.plots`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ml import plots

Row = dict[str, Any]
Draw = Callable[[Sequence[Row]], str]
MOST_BARS, MOST_INTERVALS = 20, 40
LONGEST_NAME = 26


def bars(label: str, *values: str, stacked: bool = False) -> Draw:
    """A horizontal bar for each row, or one beside the other for each value."""

    def draw(rows: Sequence[Row]) -> str:
        shown = rows[:MOST_BARS]
        figure, axes = plots.axes(lines=len(shown) * (1 if stacked else len(values)))
        plots.draw_bars(axes, _names(shown, label), {_title(v): _numbers(shown, v) for v in values}, stacked)
        return plots.svg(figure)

    return draw


def intervals(label: str, value: str, low: str, high: str, x_title: str = "") -> Draw:
    """A point with its interval for each row."""

    def draw(rows: Sequence[Row]) -> str:
        shown = [row for row in rows if row[value] is not None][:MOST_INTERVALS]
        figure, axes = plots.axes(x=x_title or _title(value), lines=len(shown))
        ends = [[math.nan if row[end] is None else float(row[end]) for row in shown] for end in (low, high)]
        plots.draw_intervals(axes, _names(shown, label), _numbers(shown, value), *ends)
        return plots.svg(figure)

    return draw


def lines(
    x: str, *values: str, by: str | None = None, y_title: str = "", is_step: bool = False, mark: str | None = None
) -> Draw:
    """A line for each value, or for each group of rows that `by` names, over x.

    Args:
        mark: a column that is true of the rows whose x is marked.
    """

    def draw(rows: Sequence[Row]) -> str:
        figure, axes = plots.axes(x=_title(x), y=y_title or _title(values[0]))
        groups = sorted({str(row[by]) for row in rows}) if by else [""]
        colours = iter(plots.COLOURS * (1 + len(groups) * len(values) // len(plots.COLOURS)))
        for group in groups:
            of_group = [row for row in rows if by is None or str(row[by]) == group]
            for value in values:
                points = [row for row in of_group if row[value] is not None]
                xs, ys = [row[x] for row in points], _numbers(points, value)
                plots.draw_line(axes, xs, ys, next(colours), group or _title(value), is_step)
        for row in rows:
            if mark is not None and row[mark]:
                axes.axvline(row[x], linestyle="--", color=plots.GREY, label=_title(mark))
        if len(axes.get_legend_handles_labels()[1]) > 1:
            plots.legend_above(axes)
        if points and hasattr(points[0][x], "year"):
            axes.tick_params(axis="x", rotation=30)
        return plots.svg(figure)

    return draw


def bubbles(label: str, x: str, y: str, size: str) -> Draw:
    """A named circle for each row, of an area in proportion to `size`; y on a logarithmic axis."""

    def draw(rows: Sequence[Row]) -> str:
        figure, axes = plots.axes(x=_title(x), y=_title(y))
        most = max(_numbers(rows, size)) or 1.0
        for place, row in enumerate(rows):
            at = (_number(row[x]), max(_number(row[y]), 1e-9))
            colour = plots.COLOURS[place % len(plots.COLOURS)]
            axes.scatter(*at, s=2000 * _number(row[size]) / most, alpha=0.6, color=colour)
            axes.annotate(str(row[label]), at, ha="center", va="center", fontsize=9)
        axes.set(yscale="log")
        axes.margins(0.25)
        axes.grid(alpha=0.3)
        return plots.svg(figure)

    return draw


def beside_diagonal(x: str, y: str, diagonal: str = "as it should be") -> Draw:
    """Points of y over x beside the diagonal, with what it stands for."""

    def draw(rows: Sequence[Row]) -> str:
        figure, axes = plots.axes(x=_title(x), y=_title(y))
        plots.draw_beside_diagonal(axes, _numbers(rows, x), _numbers(rows, y), diagonal)
        return plots.svg(figure)

    return draw


def _names(rows: Sequence[Row], label: str) -> list[str]:
    names = [str(row[label]) for row in rows]
    return [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…" for name in names]


def _numbers(rows: Sequence[Row], name: str) -> list[float]:
    return [_number(row[name]) for row in rows]


def _number(value: Any) -> float:
    number = 0.0 if value is None else float(value)
    return number if math.isfinite(number) else 0.0


def _title(name: str) -> str:
    return name.replace("_", " ")
