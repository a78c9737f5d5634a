"""`lakehouse run`: the main job."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Annotated, Optional

import typer

from lakehouse.errors import InputError
from lakehouse.settings import Settings, load_settings

SourceFiles = Annotated[
    Optional[list[Path]],
    typer.Option("--source", help="a source file (YAML); may be repeated; a home remembers its sources"),
]


def add_to(app: typer.Typer) -> None:
    app.command(name="run")(run)


def run(
    source: SourceFiles = None,
    as_of: Annotated[
        Optional[str],
        typer.Option(help="the day the results are valid for, YYYY-MM-DD; default: the last day of the data"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the summary as JSON")] = False,
    profiled: Annotated[
        bool, typer.Option("--profile", help="show where the CPU seconds went, as a table and as a page")
    ] = False,
) -> None:
    """Land, build, validate, train, score, build marts, validate, publish.

    Without --source: the sources that the home remembers, or the built-in generated sample.
    """
    from lakehouse.cli.profile import print_profile
    from lakehouse.cli.screen import ScreenProgress, console
    from lakehouse.cli.summary import print_summary
    from lakehouse.pipeline import Run, main_job
    from lakehouse.profiling import profile
    from lakehouse.sources import load_source, remembered_sources
    from lakehouse.summary import collect

    settings = load_settings()
    day = parse_day(as_of)
    progress = ScreenProgress(console(to_stderr=as_json))
    sources = [load_source(path) for path in source or []]
    if not sources and not remembered_sources(settings):
        sources = [load_source(sample_source(settings))]
    names = ", ".join(s.name for s in sources or remembered_sources(settings))
    progress.screen.print(f"lakehouse run: {names} into {settings.home}", markup=False)
    job = Run(settings, sources, day, progress)
    try:
        with profile(f"lakehouse run {job.run_id}") if profiled else nullcontext() as spent:
            publication = main_job(job)
    finally:
        progress.stop()
    summary = collect(settings, publication)
    if as_json:
        print(json.dumps(summary, indent=1, ensure_ascii=False, default=str))
    else:
        print_summary(progress.screen, summary)
    if spent is not None:
        print_profile(progress.screen, spent, settings.reports_dir / "profile" / f"{job.run_id}.html")


def parse_day(text: str | None) -> date | None:
    """A day as YYYY-MM-DD.

    Raises:
        InputError: it is none.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"--as-of {text!r} is no date: write YYYY-MM-DD, as 2025-12-31") from None


def sample_source(settings: Settings) -> Path:
    """The built-in sample's source file, generated on first use."""
    from lakehouse.synth import generate

    source = settings.sample_dir / "source.yml"
    if not source.exists():
        generate(
            settings.sample_dir,
            customers=settings.sample_customers,
            days=settings.sample_days,
            seed=settings.sample_seed,
        )
    return source
