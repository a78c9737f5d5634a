"""Verbs on what is kept: versions, rollback, expire, maintain."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from lakehouse.cli.data import AsJson
from lakehouse.cli.rights import asking
from lakehouse.errors import InputError
from lakehouse.settings import Settings, load_settings

if TYPE_CHECKING:
    from rich.console import Console

    from lakehouse.privacy.retention.expiry import Expired


def add_to(app: typer.Typer) -> None:
    for verb in (versions, rollback, expire, maintain):
        app.command(name=verb.__name__)(verb)


def versions(as_json: AsJson = False) -> None:
    """List the published sets that are kept: run, time, day, sources, rules; * marks what readers see."""
    from lakehouse.cli.screen import console, print_rows
    from lakehouse.publication import shelf

    settings = load_settings()
    kept = shelf(settings)
    if as_json:
        rows = [{**asdict(one), "is_current": one.version == kept.current} for one in kept.sets]
        print(json.dumps(rows, ensure_ascii=False))
        return
    if not kept.sets:
        console().print("nothing is published yet: `lakehouse run` publishes", markup=False)
        return
    print_rows(
        console(),
        ("version", "", "published at", "as of", "run", "sources (batches)", "rules passed", "failed", "tables"),
        [
            (
                one.version,
                "*" if one.version == kept.current else "",
                one.published_at,
                one.as_of_on,
                one.run_id,
                ", ".join(f"{name} ({count})" for name, count in sorted(one.sources.items())),
                one.rules.get("passed"),
                one.rules.get("failed"),
                len(one.tables),
            )
            for one in kept.sets
        ],
    )


def rollback(
    version: Annotated[int, typer.Argument(help="a number that `lakehouse versions` lists")], as_json: AsJson = False
) -> None:
    """Make an older (or again a newer) published set what readers see, all tables in one step."""
    from lakehouse.cli.screen import console
    from lakehouse.publication import rollback as make_current
    from lakehouse.runlock import hold

    settings = load_settings()
    if not settings.home.exists():
        raise InputError(f"{settings.home} has nothing published yet: `lakehouse run` publishes")
    with hold(settings):
        chosen = make_current(settings, version)
    if as_json:
        print(json.dumps(asdict(chosen), ensure_ascii=False))
        return
    console().print(
        f"readers see version {chosen.version} of {chosen.published_at}, as of {chosen.as_of_on}; it stays until new "
        "data is published or another version is made current",
        markup=False,
    )


DryRun = Annotated[bool, typer.Option("--dry-run", help="only say what would be done")]


def expire(
    dry_run: DryRun = False,
    as_of: Annotated[
        Optional[datetime],
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="the day by which age is told; default: the last run's"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remove what is past the retention that classes.yml declares, in bronze, silver and the vault, in every version.

    The next run makes gold and ml anew of what is left. `lakehouse maintain` begins with this.
    """
    from lakehouse.cli.screen import console
    from lakehouse.runlock import hold

    settings = load_settings()
    with hold(settings):
        told = _expired(settings, dry_run, None if as_of is None else as_of.date(), console(to_stderr=as_json))
    if as_json:
        print(json.dumps(_plainly(told)))


def _expired(settings: Settings, dry_run: bool, day: date | None, screen: Console) -> Expired | None:
    """Remove what is past its retention, or (`dry_run`) only say what that is."""
    from lakehouse.cli.screen import print_rows
    from lakehouse.privacy.classes import retentions
    from lakehouse.privacy.erasure.requests import continue_killed
    from lakehouse.privacy.retention.expiry import expire, foretold, planned

    clock = partial(datetime.now, timezone.utc)
    if dry_run:
        plan = planned(settings, clock, day)
        told = None if plan is None else foretold(settings, plan)
    else:
        continue_killed(settings, clock, asking(settings))  # both write what `ops.loads` says of the rows that are left
        told = expire(settings, clock, day)
    if told is None:
        screen.print("nothing is past its retention: no run has been made yet", markup=False)
        return None
    if not told.rows and not told.emptied:
        screen.print(f"as of {told.day} nothing is past its retention", markup=False)
        return told
    days = {name: kept.days for name, kept in retentions().items()}
    names = ("table", "rows that would go" if dry_run else "rows removed", "kept for days")
    rows = [(n, count, days.get(n.partition(".")[2], "")) for n, count in told.rows.items()]
    if rows:
        print_rows(screen, names, rows)
    if told.emptied:
        about = ("columns of rows that stay", "source", "rows", "kept for days")
        lost = [(f"{one.table}: {', '.join(one.columns)}", one.source, one.rows, one.days) for one in told.emptied]
        print_rows(screen, about, lost)
    emptied = sum(one.rows for one in told.emptied)
    total, verb = sum(told.rows.values()), "would go" if dry_run else "are gone"
    screen.print(
        f"as of {told.day} {total:,} rows past their retention {verb}, columns of {emptied:,} others, and keys of "
        f"{told.keys:,} persons of whom nothing else is sealed; the next run trains {len(told.models)} models anew",
        markup=False,
    )
    if not dry_run:
        screen.print("next: lakehouse run makes gold and ml anew, and removes what they were", markup=False)
    return told


def _plainly(told: Expired | None) -> dict[str, Any] | None:
    return None if told is None else {**asdict(told), "day": str(told.day)}


def maintain(dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Remove what is past its retention, join small files, checkpoint logs, remove files that no kept version needs."""
    from lakehouse.cli.screen import console, print_rows
    from lakehouse.maintenance import maintain as keep_up
    from lakehouse.runlock import hold

    settings = load_settings()
    with hold(settings):
        told = _expired(settings, dry_run, None, console(to_stderr=as_json))
        done = keep_up(settings, dry_run)
    if as_json:
        print(json.dumps({"expired": _plainly(told), "tables": [asdict(one) for one in done]}))
        return
    rows = [
        (
            one.table,
            one.files_before,
            "fewer" if one.files_after is None else one.files_after,
            one.removed_files,
            round(one.removed_bytes / 2**20, 1),
            "yes" if one.is_checkpointed else "",
            ", ".join(map(str, one.kept_versions)),
        )
        for one in done
    ]
    verb = "would be removed" if dry_run else "removed"
    if rows:
        print_rows(console(), ("table", "files", "then", f"files {verb}", "MiB", "checkpoint", "kept versions"), rows)
    else:
        console().print("nothing to do")
    console().print(
        f"kept whole: the last {settings.retained_publications} published sets (LAKEHOUSE_RETAINED_PUBLICATIONS), and "
        f"every file replaced less than {settings.retention_hours} hours ago (LAKEHOUSE_RETENTION_HOURS)",
        markup=False,
    )
