"""Verbs on data: generate, ingest, withdraw, validate, sql."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from lakehouse.cli.run import SourceFiles
from lakehouse.errors import InputError
from lakehouse.settings import Settings, load_settings
from lakehouse.storage import list_tables

LAYERS = ("bronze", "silver", "ml", "gold")
AsJson = Annotated[bool, typer.Option("--json", help="print JSON on standard output and nothing else")]


def add_to(app: typer.Typer) -> None:
    for verb in (generate, ingest, withdraw, validate, sql):
        app.command(name=verb.__name__)(verb)


def generate(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="where the files go")],
    customers: Annotated[int, typer.Option(min=10, help="how many customers the shop has")] = 2500,
    days: Annotated[int, typer.Option(min=30, help="how many days of behaviour")] = 365,
    seed: Annotated[int, typer.Option(help="same seed, same bytes")] = 7,
    as_json: AsJson = False,
) -> None:
    """Write the sample shop's exports, with its hidden truth beside them in DIR/truth."""
    from lakehouse.cli.screen import console
    from lakehouse.synth import generate as generate_sample

    screen = console(to_stderr=as_json)
    summary = generate_sample(directory, customers=customers, days=days, seed=seed)
    rows = dict(summary.rows)
    if as_json:
        print(json.dumps({"directory": str(directory), "rows": rows}, ensure_ascii=False))
        return
    for name, count in rows.items():
        screen.print(f"  {name:<40} {count:>12,} rows", markup=False)
    screen.print(f"next: lakehouse run --source {directory / 'source.yml'}", markup=False)


def ingest(
    source: SourceFiles = None,
    full: Annotated[
        bool, typer.Option("--full", help="read databases whole, whatever their watermark: finds what was deleted")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Land new files and rows in bronze; what a home has landed already is not landed twice."""
    from lakehouse import ops
    from lakehouse.bronze import land, news
    from lakehouse.cli.screen import console, print_rows
    from lakehouse.runlock import hold
    from lakehouse.sources import load_source, remembered_sources

    settings = load_settings()
    sources = [load_source(path) for path in source or []] or remembered_sources(settings)
    if not sources:
        raise InputError("no source: give one with --source FILE")
    now = datetime.now(timezone.utc)
    with hold(settings):
        ops.ensure_tables(settings)
        run_id = now.strftime("%Y%m%dT%H%M%S.%fZ")
        told: list[str] = []
        loads = land(settings, sources, run_id, now, whole_tables=full, noted=told.append)
        told += news(settings, run_id, now)
    names = ("source", "entity", "file", "batch_id", "rows_read", "rows_landed", "rows_quarantined")
    rows = [[getattr(load, name) for name in names] for load in loads]
    if as_json:
        print(json.dumps([dict(zip(names, row)) for row in rows], ensure_ascii=False))
    elif rows:
        print_rows(console(), names, rows)
    else:
        console().print("nothing new: every file has been landed already")
    for sentence in told:
        console(to_stderr=as_json).print(f"note: {sentence}", markup=False)


def withdraw(
    file: Annotated[str, typer.Argument(help="a file or batch_id of ops.loads")],
    as_json: AsJson = False,
) -> None:
    """Leave a bad file that is gone out of the next run; bronze keeps its rows, ops.loads says so."""
    from lakehouse.bronze import withdraw as withdraw_batches
    from lakehouse.cli.screen import console
    from lakehouse.runlock import hold

    settings = load_settings()
    with hold(settings):
        withdrawn = withdraw_batches(settings, file)
    names = ("source", "entity", "file", "batch_id", "rows_landed", "rows_quarantined")
    if as_json:
        print(json.dumps([{name: row[name] for name in names} for row in withdrawn], ensure_ascii=False))
        return
    for row in withdrawn:
        console().print(
            f"withdrawn: {row['rows_landed']:,} rows and {row['rows_quarantined']:,} unreadable lines of "
            f"{row['entity']} from {row['file']} (batch {row['batch_id']})",
            markup=False,
        )
    console().print("next: lakehouse run", markup=False)


def validate(
    layer: Annotated[Optional[str], typer.Argument(help="bronze, silver, ml or gold; default: all")] = None,
    as_json: AsJson = False,
) -> None:
    """Check the tables against their expectations; exit code 3 when a rule of severity `error` fails."""
    from lakehouse.cli.screen import console
    from lakehouse.pipeline import judged_tables
    from lakehouse.quality.gate import describe, run_gate
    from lakehouse.session import open_session

    if layer is not None and layer not in LAYERS:
        raise InputError(f"there is no layer {layer!r}: it is one of {', '.join(LAYERS)}")
    settings = load_settings()
    if not list_tables(settings):
        raise InputError(f"{settings.home} has no tables yet: `lakehouse run` makes them")
    now = datetime.now(timezone.utc)
    run_id = now.strftime("%Y%m%dT%H%M%S.%fZ")
    reports = [
        run_gate(lambda: open_session(settings), settings, name, run_id, now, judged_tables(settings, name))
        for name in LAYERS
        if layer in (None, name)
    ]
    if as_json:
        print(json.dumps([row for report in reports for row in report.rows], default=str, ensure_ascii=False))
    else:
        for report in reports:
            console().print(f"  {report.layer:<8} {report.headline}", markup=False)
            for warning in report.warnings:
                console().print(f"warning: {describe(warning).strip()}", markup=False)
        console().print(f"Data Docs: {reports[0].data_docs}", markup=False)
    for report in reports:
        report.raise_if_failed()


def sql(
    statement: Annotated[str, typer.Argument(help="Spark SQL over bronze, silver, gold, ml and ops")],
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(min=1, help="rows shown as a table (--json shows all)")] = 200,
    unpublished: Annotated[bool, typer.Option(help="read the newest gold tables, published or not")] = False,
) -> None:
    """Query the tables; gold is what the last run that passed its gates published."""
    from lakehouse.cli.records import record, tuples
    from lakehouse.cli.screen import console, print_rows
    from lakehouse.reader import query_in_process

    settings = load_settings()
    answer = query_in_process(settings, statement, unpublished)
    if answer is None:
        names, rows = _by_spark(settings, statement, unpublished, as_json, limit)
    elif as_json:
        names, rows = answer.column_names, [record(answer.column_names, row) for row in tuples(answer)]
    else:
        names, rows = answer.column_names, tuples(answer.slice(0, limit + 1))
    if as_json:
        print("[" + ",\n ".join(rows) + "]")
        return
    print_rows(console(), names, rows[:limit])
    if len(rows) > limit:
        console().print(f"(the first {limit} rows; --limit shows more)", markup=False)


def _by_spark(
    settings: Settings, statement: str, unpublished: bool, as_json: bool, limit: int
) -> tuple[list[str], list[Any]]:
    from pyspark.sql import functions as F

    from lakehouse.reader import query

    frame = query(settings, statement, unpublished)
    if not frame.columns:
        return [], []
    if not as_json:
        return frame.columns, [tuple(row) for row in frame.limit(limit + 1).collect()]
    columns = [F.col(f"`{name}`") for name in frame.columns]
    told = F.to_json(F.struct(*columns), {"ignoreNullFields": "false"})
    return frame.columns, [row[0] for row in frame.select(told).collect()]
