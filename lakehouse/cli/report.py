"""The verb `report`: one page about a home."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Optional

import typer

from lakehouse.cli.data import AsJson
from lakehouse.errors import InputError
from lakehouse.settings import load_settings
from lakehouse.storage import list_tables


def add_to(app: typer.Typer) -> None:
    app.command(name="report")(report)


def report(
    out: Annotated[Optional[Path], typer.Option(help="the page; default: reports/report.html of the home")] = None,
    as_json: AsJson = False,
) -> None:
    """Write one page that is read without a network: data health, funnel, revenue, segments, what the models reach."""
    from lakehouse.cli.screen import console
    from lakehouse.report import write_report

    settings = load_settings()
    if not any(schema == "gold" for schema, _ in list_tables(settings)):
        raise InputError(f"{settings.home} has no gold tables yet: `lakehouse run` makes them")
    path = out or settings.reports_dir / "report.html"
    empty = write_report(settings, path, datetime.now(timezone.utc))
    if as_json:
        print(json.dumps({"report": str(path.resolve()), "empty": empty}, ensure_ascii=False))
        return
    console().print(f"report: {path}", markup=False, soft_wrap=True)
    for title in empty:
        console().print(f"nothing to show: {title}", markup=False)
