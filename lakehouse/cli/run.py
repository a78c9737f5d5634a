"""`lakehouse run`: the main job."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from lakehouse.errors import InputError
from lakehouse.settings import Settings, load_settings

if TYPE_CHECKING:
    from lakehouse.pipeline import Progress, Run
    from lakehouse.progress_lines import ProgressLines

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
    json_progress: Annotated[
        bool, typer.Option("--json-progress", help="print what happens as JSON, an object a line, and the summary last")
    ] = False,
    uploaded: Annotated[
        Optional[Path], typer.Option(help="sources that `lakehouse submit` packed; copied into the home first")
    ] = None,
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
    from lakehouse.pipeline import main_job
    from lakehouse.profiling import profile
    from lakehouse.progress_lines import ProgressLines
    from lakehouse.summary import collect

    settings = load_settings()
    day = parse_day(as_of)
    if json_progress:
        lines = ProgressLines(sys.stdout)
        with _told_in(lines):
            job = _job(settings, source or [], uploaded, day, lines)
            lines.summary(collect(settings, main_job(job)))
        return
    progress = ScreenProgress(console(to_stderr=as_json))
    job = _job(settings, source or [], uploaded, day, progress)
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


@contextmanager
def _told_in(lines: ProgressLines) -> Iterator[None]:
    """An error is told in the lines too, before it ends the command."""
    from lakehouse.cli.faults import explain

    try:
        yield
    except Exception as error:
        lines.failed(*explain(error))
        raise


def _job(settings: Settings, files: list[Path], uploaded: Path | None, day: date | None, progress: Progress) -> Run:
    """The job of these sources, or of those that the home remembers, or of the sample."""
    from lakehouse.cluster.upload import names_in, take
    from lakehouse.pipeline import Run
    from lakehouse.sources import load_source, remembered_sources

    sources = [load_source(path) for path in files]
    remembered = remembered_sources(settings)
    if not sources and uploaded is None and not remembered:
        sources = [load_source(sample_source(settings))]
    names = [source.name for source in sources] + (names_in(uploaded) if uploaded else [])
    progress.begun(", ".join(names or [source.name for source in remembered]), str(settings.home))
    return Run(settings, sources, day, progress, fetch=partial(take, uploaded, settings.home) if uploaded else None)


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
