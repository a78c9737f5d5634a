"""A profile as a page: the run from left to right, what each part consists of below it, as wide as its CPU seconds."""

from __future__ import annotations

from html import escape
from pathlib import Path

from lakehouse.profiling import Span

LEAST_WIDTH = 0.0005
COLOURS = ("#f4a261", "#e9c46a", "#8ab17d", "#6fa8dc", "#c58fb5", "#d9a79c")
STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #222 }
.flame { position: relative; }
.span { position: absolute; height: 20px; overflow: hidden; white-space: nowrap; font-size: 12px; line-height: 20px;
        padding-left: 3px; box-sizing: border-box; border: 1px solid #fff; border-radius: 3px }
table { border-collapse: collapse; margin-top: 2em } td, th { padding: 2px 12px; text-align: left }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
tr:nth-child(even) { background: #f6f6f6 }
"""


def write_profile_page(root: Span, path: Path) -> None:
    """Write the page; it needs no server and no network."""
    blocks: list[str] = []
    depth = _place(root, 0.0, 1.0, 0, blocks)
    rows = "".join(_row(names, one) for names, one in root.walk())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"<!doctype html><meta charset=utf-8><title>{escape(root.name)}</title><style>{STYLE}</style>"
        f"<h1>{escape(root.name)}</h1><p>{root.cpu_s:.1f} CPU s ({root.java_cpu_s:.1f} of them Java's), "
        f"{root.wall_s:.1f} s on the clock. A block is as wide as its CPU seconds; what it consists of is below it. "
        f"Point at one for its figures.</p>"
        f'<div class="flame" style="height:{22 * (depth + 1)}px">{"".join(blocks)}</div>'
        f'<table><tr><th>part</th><th class="number">CPU s</th><th class="number">of them Java\'s</th>'
        f'<th class="number">its own</th><th class="number">s</th></tr>{rows}</table>\n',
        encoding="utf-8",
    )


def _place(one: Span, left: float, width: float, depth: int, blocks: list[str]) -> int:
    """Add the block of a span and those below it; the deepest level that was used."""
    title = f"{one.name}: {one.cpu_s:.2f} CPU s, {one.wall_s:.2f} s"
    colour = COLOURS[sum(map(ord, one.name)) % len(COLOURS)]
    blocks.append(
        f'<div class="span" title="{escape(title)}" style="left:{100 * left:.3f}%;width:{100 * width:.3f}%;'
        f'top:{22 * depth}px;background:{colour}">{escape(one.name)}</div>'
    )
    deepest = depth
    whole = max(one.cpu_s, sum(child.cpu_s for child in one.children), 1e-9)
    for child in one.children:
        share = width * child.cpu_s / whole
        if share >= LEAST_WIDTH:
            deepest = max(deepest, _place(child, left, share, depth + 1, blocks))
        left += share
    return deepest


def _row(names: tuple[str, ...], one: Span) -> str:
    numbers = "".join(f'<td class="number">{value:.2f}</td>' for value in _figures(one))
    return f'<tr><td style="padding-left:{12 + 18 * (len(names) - 1)}px">{escape(names[-1])}</td>{numbers}</tr>'


def _figures(one: Span) -> tuple[float, ...]:
    return one.cpu_s, one.java_cpu_s, one.own_cpu_s, one.wall_s
