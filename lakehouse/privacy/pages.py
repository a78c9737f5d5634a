"""Pages for persons and officers: one file each, no script, nothing fetched, made to be printed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light }
body { font: 15px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif; margin: 0 auto; max-width: 62rem;
  padding: 1.5rem; color: #1d2429 }
h1 { font-size: 1.6rem; margin: 0 0 .3rem }
h2 { font-size: 1.15rem; margin: 2rem 0 .4rem; border-bottom: 1px solid #9fb1bf; break-after: avoid }
h3 { font-size: 1rem; margin: 1.2rem 0 .2rem; break-after: avoid }
p { margin: .4rem 0; max-width: 46rem } .lead { color: #44525c }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .8rem 0 }
dt { color: #44525c } dd { margin: 0; overflow-wrap: anywhere }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: .86rem; width: 100% }
th { text-align: left; border-bottom: 2px solid #9fb1bf; vertical-align: bottom }
td, th { padding: .2rem .7rem .2rem 0; vertical-align: top }
td { border-bottom: 1px solid #e3e9ee; overflow-wrap: break-word; max-width: 26rem }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap } .none { color: #74828d }
code { font: .82rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere }
tfoot td { font-weight: 600; border-bottom: 0 } tfoot { display: table-row-group }
details { margin: .3rem 0 } summary { cursor: pointer; color: #1b5e8c } ul { padding-left: 1.2rem; margin: .3rem 0 }
li { overflow-wrap: anywhere }
.seal { background: #f3f6f8; border: 1px solid #d5dee5; border-radius: .3rem; padding: .6rem 1rem; break-inside: avoid }
@page { margin: 16mm 14mm }
@media print {
  body { padding: 0; max-width: none; font-size: 10pt } .wide { overflow: visible } table { font-size: 8pt }
  tr { break-inside: avoid } thead { display: table-header-group } summary { list-style: none } a { color: inherit }
}
"""


def page(title: str, body: str, language: str = "en") -> str:
    """A whole page around its body."""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{STYLE}</style></head>'
        f"<body>{body}</body></html>\n"
    )


def facts(told: Sequence[tuple[str, Any]]) -> str:
    """Names and values, one a line."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in told) + "</dl>"


def table(names: Sequence[str], rows: Sequence[Sequence[Any]], total: Sequence[Any] = ()) -> str:
    """Numbers to the right; nothing for null and for a count of none."""
    numbers = {place for row in rows for place, value in enumerate(row) if type(value) in (int, float)}
    head = "".join(f"<th{_kind(place in numbers)}>{_breaking(name)}</th>" for place, name in enumerate(names))
    body = "".join(f"<tr>{''.join(_cell(value, p in numbers) for p, value in enumerate(row))}</tr>" for row in rows)
    foot = "".join(_cell(value, place in numbers) for place, value in enumerate(total))
    under = f"<tfoot><tr>{foot}</tr></tfoot>" if total else ""
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>{under}</table></div>'


def listed(entries: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(entry)}</li>" for entry in entries) + "</ul>"


def _cell(value: Any, is_number: bool) -> str:
    if type(value) is int:
        return f"<td{_kind(True)}>{value:,}</td>" if value else f"<td{_kind(True)}></td>"
    shown = "" if value is None else "yes" if value is True else "no" if value is False else str(value)
    return f"<td{_kind(is_number)}>{_breaking(shown)}</td>"


def _breaking(text: str) -> str:
    """Long names may be broken after what joins their words."""
    return re.sub(r"([_./,])(?=[^\s<])", r"\1<wbr>", escape(text))


def _kind(is_number: bool) -> str:
    return ' class="number"' if is_number else ""
