"""The report as one HTML file: no script, nothing fetched, readable at the width of a phone."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path

from lakehouse import ops
from lakehouse.engine import execute, open_engine
from lakehouse.report.cards import TITLE as CARDS
from lakehouse.report.cards import cards_section
from lakehouse.report.charts import Row
from lakehouse.report.exhibits import Exhibit, Section
from lakehouse.report.sections import SECTIONS
from lakehouse.report.tables import table
from lakehouse.settings import Settings
from lakehouse.storage import has_table

MOST_ROWS = 100
STYLE = """
:root { color-scheme: light }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 1rem; color: #222 }
h1 { font-size: 1.6rem } h2 { border-bottom: 2px solid #1b6ca8; margin-top: 2.5rem } h3 { margin-bottom: .2rem }
nav a { display: inline-block; margin: .1rem .8rem .1rem 0 }
img { width: 100%; height: auto; max-width: 34rem }
.numbers { overflow-x: auto } table { border-collapse: collapse; font-size: .85rem }
td, th { padding: .15rem .6rem; text-align: left; white-space: nowrap }
td:first-child { white-space: normal; min-width: 7rem } td:not(:first-child) wbr { display: none }
.card { border: 1px solid #ccc; border-radius: .3rem; margin: .5rem 0; padding: .4rem .8rem }
h4 { margin: 1.2rem 0 .2rem } h4 + p { margin-top: 0 }
td.number { text-align: right; font-variant-numeric: tabular-nums } tr:nth-child(even) { background: #f5f5f5 }
code { display: block; overflow-x: auto; white-space: pre; background: #f5f5f5; padding: .4rem .6rem; font-size: .8rem }
.none { color: #777 }
"""


def write_report(settings: Settings, path: Path, now: datetime) -> list[str]:
    """Write the page about a home; returns the titles of exhibits that have nothing to show.

    Args:
        now: when it is made, as the page says.
    """
    open_engine(settings)
    empty: list[str] = []
    body = "".join(_section(settings, section, empty) for section in SECTIONS)
    body += cards_section(settings, empty)
    links = "".join(
        f'<a href="#{_anchor(title)}">{escape(title)}</a>' for title in [*(one.title for one in SECTIONS), CARDS]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>Lakehouse report</title><style>{STYLE}</style></head><body>'
        f"<h1>Lakehouse report</h1><p>{escape(_told(settings, now))}</p><nav>{links}</nav>{body}</body></html>\n",
        encoding="utf-8",
    )
    return empty


def _told(settings: Settings, now: datetime) -> str:
    sources = sorted({str(row["source"]) for row in ops.read(settings, "sources")})
    return f"Made {now:%Y-%m-%d %H:%M} UTC of {settings.home}; sources: {', '.join(sources) or 'none'}."


def _section(settings: Settings, section: Section, empty: list[str]) -> str:
    exhibits = "".join(_exhibit(settings, section, exhibit, empty) for exhibit in section.exhibits)
    return f'<h2 id="{_anchor(section.title)}">{escape(section.title)}</h2>{exhibits}'


def _exhibit(settings: Settings, section: Section, exhibit: Exhibit, empty: list[str]) -> str:
    head = f"<h3>{escape(exhibit.title)}</h3><p>{escape(exhibit.about)}</p>"
    there = all(has_table(settings, table) for table in exhibit.reads)
    rows = _rows(exhibit.sql) if there else []
    if not any(value is not None for row in rows for value in row.values()):
        empty.append(f"{section.title}: {exhibit.title}")
        return f'{head}<p class="none">Nothing to show: {escape(", ".join(exhibit.reads))} has no rows.</p>'
    picture = "" if exhibit.draw is None else _picture(exhibit, rows)
    told = "" if len(rows) <= MOST_ROWS else f" (the first {MOST_ROWS} of {len(rows):,})"
    opened = " open" if exhibit.draw is None else ""
    numbers = table(list(rows[0]), [list(row.values()) for row in rows[:MOST_ROWS]])
    command = f"lakehouse sql {_quoted(exhibit.sql)}"
    return (
        f"{head}{picture}<details{opened}><summary>The numbers{told}</summary>"
        f'<div class="numbers">{numbers}</div><code>{escape(command)}</code></details>'
    )


def _rows(sql: str) -> list[Row]:
    answer = execute(sql)
    names = [name for name, _ in answer.columns]
    return [dict(zip(names, row)) for row in answer.fetch()]


def _picture(exhibit: Exhibit, rows: Sequence[Row]) -> str:
    assert exhibit.draw is not None
    drawn = b64encode(exhibit.draw(rows).encode()).decode()
    return f'<img alt="{escape(exhibit.title)}: {escape(exhibit.about)}" src="data:image/svg+xml;base64,{drawn}">'


def _quoted(sql: str) -> str:
    return '"' + sql.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`") + '"'


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")
