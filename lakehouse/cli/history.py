"""Verbs on what was published: versions, rollback, maintain."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from lakehouse.cli.data import AsJson
from lakehouse.errors import InputError
from lakehouse.settings import load_settings


def add_to(app: typer.Typer) -> None:
    for verb in (versions, rollback, maintain):
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


def maintain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be done")] = False,
    as_json: AsJson = False,
) -> None:
    """Join small files, checkpoint logs, and remove files that no kept version needs (OPTIMIZE, VACUUM)."""
    from lakehouse.cli.screen import console, print_rows
    from lakehouse.maintenance import maintain as keep_up
    from lakehouse.runlock import hold

    settings = load_settings()
    with hold(settings):
        done = keep_up(settings, dry_run)
    if as_json:
        print(json.dumps([asdict(one) for one in done]))
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
