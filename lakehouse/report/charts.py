"""Charts as SVG, by matplotlib without a screen. Each takes the rows of a query, and names of their columns."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

Row = dict[str, Any]
Draw = Callable[[Sequence[Row]], str]
COLOURS = ("#1b6ca8", "#e07a1f", "#3a7d44", "#8e4585", "#c0392b", "#6b705c")
SIZE = (5.8, 3.3)
"""Inches: text of ten points can then be read at the width of a phone."""
MOST_BARS = 20
LONGEST_NAME = 34


def bars(label: str, *values: str, stacked: bool = False) -> Draw:
    """A horizontal bar for each row, or one beside the other for each value."""

    def draw(axes: Any, rows: Sequence[Row]) -> None:
        shown = list(rows)[:MOST_BARS][::-1]
        names = [str(row[label])[:LONGEST_NAME] for row in shown]
        height = 0.8 if stacked else 0.8 / len(values)
        left = [0.0] * len(shown)
        for place, value in enumerate(values):
            lengths = [_number(row[value]) for row in shown]
            at = [y + (0 if stacked else (len(values) / 2 - place - 0.5) * height) for y in range(len(shown))]
            drawn = axes.barh(
                at, lengths, height, left=left if stacked else None, color=COLOURS[place], label=_title(value)
            )
            if len(values) == 1 and min(lengths) >= 0:
                axes.bar_label(drawn, fmt="{:,.4g}" if max(map(abs, lengths)) < 1000 else "{:,.0f}", padding=3)
            if stacked:
                left = [a + b for a, b in zip(left, lengths)]
        axes.set_yticks(range(len(shown)), names)
        axes.grid(axis="x", alpha=0.3)
        if len(values) > 1:
            axes.legend()
        else:
            axes.set_xlabel(_title(values[0]))
            axes.margins(x=0.15)

    return _figure(draw)


def lines(x: str, *values: str, by: str | None = None, y_title: str = "", is_step: bool = False) -> Draw:
    """A line for each value, or for each group of rows that `by` names, over x."""

    def draw(axes: Any, rows: Sequence[Row]) -> None:
        groups = sorted({str(row[by]) for row in rows}) if by else [""]
        colours = iter(COLOURS * (1 + len(groups) * len(values) // len(COLOURS)))
        for group in groups:
            of_group = [row for row in rows if by is None or str(row[by]) == group]
            for value in values:
                points = [(row[x], _number(row[value])) for row in of_group if row[value] is not None]
                plot = axes.step if is_step else axes.plot
                plot(*zip(*points), color=next(colours), marker=None if is_step else "o", markersize=3,
                     label=group or _title(value))  # fmt: skip
        axes.set_xlabel(_title(x))
        axes.set_ylabel(y_title or _title(values[0]))
        axes.grid(alpha=0.3)
        if len(groups) * len(values) > 1:
            axes.legend()

    return _figure(draw)


def bubbles(label: str, x: str, y: str, size: str) -> Draw:
    """A named circle for each row, of an area in proportion to `size`; y on a logarithmic axis."""

    def draw(axes: Any, rows: Sequence[Row]) -> None:
        most = max(_number(row[size]) for row in rows) or 1.0
        for place, row in enumerate(rows):
            at = (_number(row[x]), max(_number(row[y]), 1e-9))
            axes.scatter(*at, s=2000 * _number(row[size]) / most, alpha=0.6, color=COLOURS[place % len(COLOURS)])
            axes.annotate(str(row[label]), at, ha="center", va="center", fontsize=9)
        axes.set(xlabel=_title(x), ylabel=_title(y), yscale="log")
        axes.margins(0.25)
        axes.grid(alpha=0.3)

    return _figure(draw)


def reliability(x: str, y: str) -> Draw:
    """Points of y over x beside the diagonal on which they should lie."""

    def draw(axes: Any, rows: Sequence[Row]) -> None:
        most = max(max(_number(row[x]), _number(row[y])) for row in rows) * 1.05
        axes.plot([0, most], [0, most], "--", color="#999999", label="as it should be")
        axes.plot([_number(r[x]) for r in rows], [_number(r[y]) for r in rows], "o-", color=COLOURS[0], label="found")
        axes.set(xlabel=_title(x), ylabel=_title(y))
        axes.grid(alpha=0.3)
        axes.legend()

    return _figure(draw)


def _figure(draw: Callable[[Any, Sequence[Row]], None]) -> Draw:
    def as_svg(rows: Sequence[Row]) -> str:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
        from matplotlib.ticker import ScalarFormatter, StrMethodFormatter

        # The hash salt keeps ids the same from drawing to drawing.
        with rc_context({"svg.hashsalt": "lakehouse", "svg.fonttype": "none", "font.size": 10}):
            figure = Figure(figsize=SIZE, layout="constrained")
            axes = figure.subplots()
            draw(axes, rows)
            for axis in (axes.xaxis, axes.yaxis):
                if type(axis.get_major_formatter()) is ScalarFormatter:
                    axis.set_major_formatter(StrMethodFormatter("{x:,.4g}" if _is_small(axis) else "{x:,.0f}"))
            out = io.StringIO()
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Glyph")  # the browser has fonts for what ours lacks
                figure.savefig(out, format="svg", metadata={"Date": None})
        return out.getvalue()

    return as_svg


def _is_small(axis: Any) -> bool:
    return bool(max(map(abs, axis.get_view_interval())) < 100)


def _number(value: Any) -> float:
    number = 0.0 if value is None else float(value)
    return number if math.isfinite(number) else 0.0


def _title(name: str) -> str:
    return name.replace("_", " ")
