"""Verbs on the rights of persons: erase, and what is under `subject`."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from lakehouse.cli.data import AsJson
from lakehouse.errors import InputError
from lakehouse.settings import Settings, load_settings

subject = typer.Typer(help="The rights of one person: export, rectify, restrict.", no_args_is_help=True)
MOST_SHOWN = 5
Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="why; it stays in the audit log, so no personal data")
]
Entity = Annotated[str, typer.Option(metavar="ENTITY", help="partner_members (PARTNER|MEMBER) or third_party_profiles")]
Customer = Annotated[str, typer.Argument(metavar="CUSTOMER", help="the customer's id, or its pseudonym")]


def add_to(app: typer.Typer) -> None:
    app.command(name="erase")(erase)
    app.add_typer(subject, name="subject")


def erase(
    customers: Annotated[
        Optional[list[str]], typer.Argument(metavar="CUSTOMER...", help="customers' ids, or their pseudonyms")
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="why; it stays in the audit log, so no personal data")
    ] = "",
    file: Annotated[Optional[Path], typer.Option(metavar="LIST", help="a file with one a line")] = None,
    entity: Entity = "customers",
    verify: Annotated[
        Optional[Path],
        typer.Option(metavar="CERT", help="search every place again for what this certificate says is gone"),
    ] = None,
    continued: Annotated[bool, typer.Option("--continue", help="end an erasure that was killed")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase persons from every place in reach, for good, and write a certificate.

    Order lines stay without the person, so that revenue adds up. Published sets of before cannot be gone back to.
    """
    from lakehouse.cli.screen import console
    from lakehouse.privacy.erasure.requests import continue_killed
    from lakehouse.privacy.erasure.requests import erase as erase_persons
    from lakehouse.privacy.retention.expiry import continue_expiry
    from lakehouse.runlock import hold

    settings = load_settings()
    if verify is not None:
        _verify(settings, verify, as_json)
        return
    clock, screen = partial(datetime.now, timezone.utc), console(to_stderr=as_json)

    def tell(step: str, what: str) -> None:
        if what or step == "check":
            screen.print(f"{step}: {what or 'every place once more'}", markup=False, highlight=False)

    if continued:
        with hold(settings):
            path = continue_killed(settings, clock, asking(settings), tell)
        if path is None:
            screen.print("no erasure is under way", markup=False)
            return
    else:
        named = [*(customers or []), *(_lines(file) if file is not None else [])]
        if not yes and not as_json and sys.stdin.isatty():
            typer.confirm(f"erase {len(set(named)):,} of {entity} for good?", abort=True)
        with hold(settings):
            continue_expiry(settings)
            path = erase_persons(settings, named, entity, reason, clock, asking(settings), tell)
    told = json.loads(path.read_text(encoding="utf-8"))
    if as_json:
        print(json.dumps({"certificate": str(path), "page": str(path.with_suffix(".html")), **_short(told)}))
        return
    short = _short(told)
    screen.print(
        f"{told['persons']:,} persons erased: {short['rows_removed']:,} rows removed, {short['rows_detached']:,} stay "
        f"without them, {told['keys_destroyed']:,} keys destroyed; {len(told['models'])} models are retrained by the "
        "next run",
        markup=False,
    )
    for where in told["elsewhere"][:MOST_SHOWN]:
        screen.print(f"to be deleted elsewhere: {where}", markup=False, soft_wrap=True)
    if len(told["elsewhere"]) > MOST_SHOWN:
        screen.print(f"and {len(told['elsewhere']) - MOST_SHOWN} more places, in the certificate", markup=False)
    screen.print(f"certificate {path}, page {path.with_suffix('.html')}", markup=False, soft_wrap=True)
    screen.print("next: lakehouse run; lakehouse keys rotate makes old copies of the keys useless", markup=False)


def _verify(settings: Settings, named: Path, as_json: bool) -> None:
    from lakehouse.cli.screen import console
    from lakehouse.privacy.erasure import certificate
    from lakehouse.privacy.keyring import open_keyring

    there = [named, certificate.folder(settings) / named.name, certificate.folder(settings) / f"{named.name}.json"]
    path = next((one for one in there if one.is_file()), named)
    with open_keyring(settings) as keyring:
        told, findings = certificate.verify(settings, keyring, path)
    if as_json:
        found = [{"place": one.place, "what": one.what} for one in findings]
        print(json.dumps({"certificate": told["certificate"], "checked": told["checked"], "found": found}))
    elif not findings:
        looked = told["checked"]
        console().print(
            f"{told['certificate']} is as it was written; {looked['tables']:,} tables and {looked['files']:,} files "
            f"were searched, and nothing of its {told['persons']:,} persons is there",
            markup=False,
        )
    certificate.raise_if_found(findings)


def _short(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": told["certificate"],
        "persons": told["persons"],
        "rows_removed": sum(one["removed"] for one in told["places"]),
        "rows_detached": sum(one["detached"] for one in told["places"]),
        "keys_destroyed": told["keys_destroyed"],
        "models": told["models"],
        "elsewhere": told["elsewhere"],
    }


def _lines(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}") from None
    return [line.strip() for line in lines if line.strip()]


def asking(settings: Settings) -> Any:
    """Answers SQL, by an engine that is opened when it is first asked."""

    def ask(sql: str) -> list[tuple[Any, ...]]:
        from lakehouse.engine import fitting_engine, open_engine, query
        from lakehouse.session import open_session

        fitting, _ = fitting_engine(settings)
        if fitting.engine == "spark":
            open_session(fitting)
        open_engine(fitting)
        return query(fitting, sql)

    return ask


@subject.command(name="export")
def export(
    customer: Customer,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="where the two files go, readable by you alone")] = Path(),
    reason: Annotated[str, typer.Option(metavar="TEXT", help="why, for the audit log")] = "request for access",
    as_json: AsJson = False,
) -> None:
    """Write all that is held of a customer as JSON and as a page that they can read."""
    from lakehouse.cli.screen import console
    from lakehouse.privacy import subject as rights

    settings = load_settings()
    told = rights.export(settings, customer, out, reason, partial(datetime.now, timezone.utc), asking(settings))
    if as_json:
        print(json.dumps({"json": str(told.json), "page": str(told.page), "rows": told.rows}))
        return
    console().print(f"{told.rows:,} rows: {told.json}", markup=False, soft_wrap=True)
    console().print(f"page: {told.page}", markup=False, soft_wrap=True)


@subject.command(name="restrict")
def restrict(
    customer: Customer,
    reason: Reason,
    lift: Annotated[bool, typer.Option("--lift", help="use it again")] = False,
    as_json: AsJson = False,
) -> None:
    """Keep what is held of a customer, and use it for nothing: no activation, export, prediction or training."""
    from lakehouse.cli.screen import console
    from lakehouse.privacy import subject as rights
    from lakehouse.runlock import hold

    settings = load_settings()
    clock = partial(datetime.now, timezone.utc)
    with hold(settings):
        changed = rights.restrict(settings, customer, lift, reason, clock, asking(settings))
    if as_json:
        print(json.dumps({"is_restricted": not lift, "changed": changed}))
        return
    what = (
        "is used again"
        if lift
        else "is kept and used for nothing: exports leave it out from now, the rest with the next run"
    )
    console().print(f"{'' if changed else 'already: '}what is held of the customer {what}", markup=False)
    if changed:
        console().print("next: lakehouse run", markup=False)


@subject.command(name="rectify")
def rectify(
    person: Annotated[str, typer.Argument(metavar="CUSTOMER", help="the id, or its pseudonym; or see --entity")],
    values: Annotated[list[str], typer.Argument(metavar="COLUMN=VALUE...", help="as city=Lyon; a phone as phone=+33…")],
    reason: Reason,
    entity: Entity = "customers",
    as_json: AsJson = False,
) -> None:
    """Put a person's profile right; it stays right when a source sends the wrong value again."""
    from lakehouse.cli.screen import console
    from lakehouse.privacy import subject as rights
    from lakehouse.runlock import hold

    settings = load_settings()
    told = {}
    for one in values:
        column, mark, value = one.partition("=")
        if not mark or not value.strip():
            raise InputError(f"{one!r} is not COLUMN=VALUE, as city=Lyon")
        told[column.strip()] = value.strip()
    clock = partial(datetime.now, timezone.utc)
    with hold(settings):
        sources = rights.rectify(settings, person, told, reason, clock, asking(settings), entity)
    if as_json:
        print(json.dumps({"columns": list(told), "sources": sources}))
        return
    console().print(f"{', '.join(told)} put right in what {', '.join(sources)} brought", markup=False)
    console().print("next: lakehouse run", markup=False)
