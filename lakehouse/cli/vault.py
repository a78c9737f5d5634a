"""Verbs on the vault: keys, reveal and audit."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Optional

import typer

from lakehouse.cli.data import AsJson
from lakehouse.errors import InputError, LakehouseError
from lakehouse.settings import load_settings

keys = typer.Typer(help="The keys of the vault: init, rotate, status.", no_args_is_help=True)
audit = typer.Typer(help="The log of who saw identifiers: verify, show.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(keys, name="keys")
    app.add_typer(audit, name="audit")
    app.command(name="reveal")(reveal)
    app.command(name="unread")(unread)


@keys.command(name="init")
def init(as_json: AsJson = False) -> None:
    """Make a master key, where none is there and LAKEHOUSE_MASTER_KEY_FROM is a place that can be written."""
    from lakehouse.privacy.keyring import initialise
    from lakehouse.runlock import hold

    settings = load_settings()
    with hold(settings):
        told = initialise(settings)
    _tell(asdict(told) | {"waiting": told.waiting}, as_json)


@keys.command(name="status")
def status(as_json: AsJson = False) -> None:
    """Where the master key is, and how many persons' keys it wraps."""
    from lakehouse.privacy import keyring

    told = keyring.status(load_settings())
    _tell(asdict(told) | {"waiting": told.waiting}, as_json)


@keys.command(name="rotate")
def rotate(as_json: AsJson = False) -> None:
    """Wrap every key by a new master key; no data is written anew, and a killed rotation is continued by the next."""
    from lakehouse.cli.screen import console
    from lakehouse.privacy import keyring
    from lakehouse.runlock import hold

    settings = load_settings()
    with hold(settings), keyring.open_keyring(settings) as ring:
        wrapped = ring.rotate()
    told = keyring.status(settings)
    if as_json:
        print(json.dumps(asdict(told) | {"wrapped_anew": wrapped}))
        return
    console().print(f"{wrapped:,} keys are wrapped by {told.master_ids[0]} now", markup=False)
    if len(told.master_ids) > 1:
        older = ", ".join(told.master_ids[1:])
        console().print(f"nothing needs {older} any more: remove it from {told.master_key}", markup=False)


@audit.command(name="verify")
def verify(
    anchor: Annotated[
        Optional[Path],
        typer.Option(metavar="FILE", help="a file with the line that an earlier verify printed, kept elsewhere"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that no line of the log was changed, removed, inserted or cut off; prints the line to keep as an anchor."""
    from lakehouse.cli.screen import console
    from lakehouse.privacy import audit as log
    from lakehouse.privacy.keyring import open_keyring

    settings = load_settings()
    try:
        kept = anchor.read_text(encoding="utf-8").strip().splitlines()[-1] if anchor is not None else None
    except (OSError, UnicodeDecodeError, IndexError):
        raise InputError(f"{anchor} is no file with an anchor in it") from None
    with open_keyring(settings) as keyring:
        verdict = log.verify(settings, keyring, kept)
    if as_json:
        print(json.dumps(asdict(verdict) | {"anchor": verdict.anchor}))
    elif not verdict.faults:
        console().print(f"{verdict.lines:,} lines are as they were written", markup=False)
        print(verdict.anchor)
    if verdict.faults:
        raise LakehouseError(f"{log.log_path(settings)}: {'; '.join(verdict.faults[:5])}")


@audit.command(name="show")
def show(as_json: AsJson = False) -> None:
    """The lines of the log."""
    from lakehouse.cli.screen import console
    from lakehouse.privacy import audit as log

    lines = log.read(load_settings())
    if as_json:
        print(json.dumps(lines, ensure_ascii=False))
        return
    for line in lines:
        what = f"{line.get('at')} {line.get('user')} {line.get('action')} {line.get('subject_id', '')}"
        console().print(f"{what}: {line.get('reason', '')}", markup=False)


def reveal(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="the customer's id, or its pseudonym")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="why; it stays in the audit log, so no personal data")],
    entity: Annotated[
        str, typer.Option(metavar="ENTITY", help="partner_members (PARTNER|MEMBER) or third_party_profiles")
    ] = "customers",
    as_json: AsJson = False,
) -> None:
    """Decrypt what the vault holds of one person, after writing down who asked, when and why."""
    from datetime import datetime, timezone

    from lakehouse.privacy import reveal as revealing

    user = revealing.asking_user()
    told = revealing.reveal(load_settings(), customer, reason, datetime.now(timezone.utc), user, entity)
    if as_json:
        print(json.dumps(asdict(told), ensure_ascii=False))
        return
    for source, values in told.by_source.items():  # on standard output alone: no log has it
        print(f"{source}:")
        for name, value in values.items():
            print(f"  {name:<12} {value}")


def unread(
    file: Annotated[str, typer.Argument(metavar="FILE", help="a file or batch_id of bronze.quarantine")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="why; it stays in the audit log, so no personal data")],
    as_json: AsJson = False,
) -> None:
    """Show the lines of a file that could not be read, after writing down who asked, when and why."""
    from datetime import datetime, timezone

    from lakehouse.privacy import reveal as revealing

    user = revealing.asking_user()
    lines = revealing.reveal_lines(load_settings(), file, reason, datetime.now(timezone.utc), user)
    if as_json:
        print(json.dumps([asdict(line) for line in lines], ensure_ascii=False))
        return
    for line in lines:  # on standard output alone: no log has it
        shown = line.raw if line.raw is not None else "erased: the key of the batch is destroyed"
        print(f"{line.file}:{line.row_number}: {line.reason}: {shown.encode('utf-8', 'backslashreplace').decode()}")


def _tell(told: dict[str, object], as_json: bool) -> None:
    from lakehouse.cli.screen import console

    if as_json:
        print(json.dumps(told))
        return
    ids = told["master_ids"]
    named = ", ".join(ids) if isinstance(ids, tuple) and ids else "none there"
    console().print(f"master key   {told['master_key']} ({named})", markup=False)
    console().print(f"persons      {told['subjects']:,} with a key, {told['destroyed']:,} destroyed", markup=False)
    if told["waiting"]:
        console().print(f"waiting      {told['waiting']:,} keys for `lakehouse keys rotate`", markup=False)
    if told["is_open_to_others"]:
        console().print("warning      other users of this machine can read the master key: chmod 600", markup=False)
