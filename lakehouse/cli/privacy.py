"""Verbs on what data says of people: propose classes for a new file, search for values that leaked."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Optional

import typer
import yaml

from lakehouse.cli.data import AsJson
from lakehouse.errors import InputError
from lakehouse.settings import load_settings

privacy = typer.Typer(help="What data says of people.", no_args_is_help=True, rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    app.add_typer(privacy, name="privacy")


@privacy.callback()
def about() -> None:
    """What data says of people."""  # with a callback, one verb alone keeps its name


@privacy.command()
def classify(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="csv, json lines, parquet (compressed or not), or Delta")
    ],
    region: Annotated[
        Optional[list[str]],
        typer.Option(
            metavar="CODE", help="country whose phone numbers may lack a country code, as CN; may be repeated"
        ),
    ] = None,
    write: Annotated[
        Optional[Path], typer.Option(metavar="YAML", help="write the proposals to this new file, to be corrected")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Propose what each column of a new file says of a person, by names and values; a person confirms.

    Nothing is landed, and no value is shown.
    """
    from lakehouse.bronze.formats import open_records
    from lakehouse.cli.screen import console, print_rows
    from lakehouse.privacy.guess import PROFILED, guess_columns, known_region
    from lakehouse.sources import EntitySource

    if not file.exists():
        raise InputError(f"there is no file {file}")
    if write is not None and write.exists():
        raise InputError(f"{write} is there already: name another file with --write")
    regions = [known_region(code) for code in region or ["CN"]]
    columns: dict[str, list[str | None]] = defaultdict(list)
    for block in open_records(file, EntitySource(path=(str(file),), columns={})).blocks():
        for name, values in block.columns.items():
            columns[name] += values.to_pylist()
        if any(len(values) >= PROFILED for values in columns.values()):
            break
    guesses = guess_columns(columns, regions)
    if write is not None:
        told = {g.column: {"class": g.kind} | ({"what": g.what} if g.what else {}) for g in guesses}
        write.write_text(yaml.safe_dump(told, allow_unicode=True, sort_keys=False), encoding="utf-8")
    if as_json:
        print(json.dumps([asdict(guess) for guess in guesses], ensure_ascii=False))
        return
    rows = [
        [g.column, g.kind.replace("_", " "), g.what, "" if g.share is None else f"{g.share:.0%}", g.why]
        for g in guesses
    ]
    print_rows(console(), ["column", "class", "holds", "values", "why"], rows)
    told_to = f"; written to {write}" if write is not None else ""
    console().print(f"proposals, to be confirmed by a person{told_to}", markup=False)


@privacy.command()
def scan(
    markers: Annotated[
        Path, typer.Option(metavar="FILE", help="the values to look for: one a line, or its id, a tab and the value")
    ],
    folder: Annotated[
        Optional[Path], typer.Argument(metavar="[FOLDER]", help="what is searched; default: the home")
    ] = None,
    leave_out: Annotated[
        Optional[list[Path]],
        typer.Option(metavar="PATH", help="a file or folder that may hold them, as the exports; may be repeated"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Search every byte below a folder for values that must not be there, in all encodings and as unkeyed hashes.

    Tables, archives, databases and packed files are opened. What is found is told by the id of the value, which is
    never shown. The exit code is 3 where something was found.
    """
    from lakehouse.cli.screen import console, print_rows
    from lakehouse.privacy.leaks import scan as search
    from lakehouse.privacy.markers import read_markers

    wanted = read_markers(markers)
    done = search(folder or load_settings().home, wanted, [markers, *(leave_out or [])])
    if as_json:
        print(json.dumps(asdict(done), ensure_ascii=False))
    else:
        if done.leaks:
            names = ["where", "place", "written as", "values", "times"]
            print_rows(console(), names, done.where())
        for told in done.unopened:
            console().print(f"could not be opened, only its bytes were searched: {told}", markup=False)
        looked = f"{len(wanted):,} values in {done.files:,} files of {done.bytes / 1e6:,.1f} MB"
        found = len({leak.marker for leak in done.leaks})
        console().print(f"{looked}: {found or 'none'} found{'; --json says which' if found else ''}", markup=False)
    if done.leaks:
        raise typer.Exit(3)


@privacy.command(name="k-anonymity")
def k_anonymity(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="a published gold table, such as gold.dim_customer")],
    k: Annotated[Optional[int], typer.Option("--k", min=1, help="people alike; default: setting k_anonymity")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what an export for analytics would make coarser and leave out, so that nobody is alone among few."""
    from lakehouse.anonymous import anonymity_of
    from lakehouse.cli.screen import console, print_rows

    found = anonymity_of(load_settings(), table, k)
    if as_json:
        print(json.dumps(None if found is None else asdict(found), ensure_ascii=False))
        return
    if found is None:
        console().print(f"nothing in {table} tells people apart: it has no quasi-identifier", markup=False)
        return
    print_rows(console(), ["quasi-identifier", "is told"], [list(level) for level in found.levels.items()])
    console().print(
        f"{found.people:,} people in {found.groups:,} groups: the smallest has {found.smallest:,}, and "
        f"{found.smallest_before:,} as the table stands",
        markup=False,
    )
    console().print(found.sentence(), markup=False)
    for name, values in found.diversity.items():
        alike = "; of some groups all people have the same" if values == 1 else ""
        console().print(
            f"{name} (does not leave): at least {values:,} different values in a group{alike}", markup=False
        )


@privacy.command()
def count(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="a published gold table, such as gold.dim_customer")],
    epsilon: Annotated[
        float, typer.Option(min=0.001, help="what the answer may cost of setting privacy_budget; less is noisier")
    ],
    by: Annotated[str, typer.Option(metavar="COLUMNS", help="count by these, with commas between")] = "",
    per_person: Annotated[int, typer.Option(min=1, help="rows of one person that count at most")] = 1,
    as_json: AsJson = False,
) -> None:
    """Count people with noise, so that the answer tells of nobody whether they are among them.

    What it promises and what not: docs/less-is-enough.md.
    """
    from datetime import datetime, timezone

    from lakehouse.anonymous import count_with_noise
    from lakehouse.cli.screen import console, print_rows
    from lakehouse.privacy.noisy_counts import remaining
    from lakehouse.privacy.reveal import asking_user

    settings = load_settings()
    columns = [name.strip() for name in by.split(",") if name.strip()]
    now = datetime.now(timezone.utc)
    found = count_with_noise(settings, table, columns, epsilon, per_person, now, asking_user())
    left = remaining(settings)
    rows = [[*key, told] for key, told in sorted(found.counts.items(), key=lambda one: (-one[1], str(one[0])))]
    if as_json:
        told = asdict(found) | {"counts": [dict(zip([*columns, "count"], row)) for row in rows], "left": str(left)}
        print(json.dumps(told, ensure_ascii=False))
        return
    print_rows(console(), [*columns, "about"], rows)
    console().print(
        f"19 of 20 counts are within {found.within:,} of the truth; groups of fewer than about {found.threshold:,} are "
        f"not told; a person counts {'once' if per_person == 1 else f'at most {per_person} times'}",
        markup=False,
    )
    console().print(f"epsilon {epsilon:g} is spent, {left} of {settings.privacy_budget:g} left", markup=False)
