"""Rows as a table of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any


def table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Numbers to the right, with separators, four digits of fractions; nothing for null; long names may be broken."""
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def cell(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return f"<td>{'' if value is None else 'yes' if value else 'no'}</td>"
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    if isinstance(value, float):
        return f'<td class="number">{value:,.4g}</td>' if abs(value) < 1000 else f'<td class="number">{value:,.0f}</td>'
    is_number = type(value).__name__ == "Decimal"
    if is_number:
        return f'<td class="number">{value:,}</td>'
    return f"<td>{escape(str(value)).replace('_', '_<wbr>')}</td>"
