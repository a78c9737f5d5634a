"""Verbs on Superset: the dashboards into one that is there."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Optional

import typer

from lakehouse.cli.data import AsJson
from lakehouse.errors import InputError

ADMIN_PASSWORD, DATABASE_PASSWORD = "LAKEHOUSE_SUPERSET_PASSWORD", "LAKEHOUSE_SUPERSET_DATABASE_PASSWORD"

verbs = typer.Typer(name="superset", help="The dashboards, in a Superset of yours.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(verbs)


@verbs.callback()
def _superset() -> None:
    """The dashboards, in a Superset of yours."""


@verbs.command("import")
def import_(
    url: Annotated[str, typer.Argument(metavar="URL", help="of Superset, such as http://localhost:8088")],
    database_uri: Annotated[
        str,
        typer.Option(
            metavar="URI",
            help="the SQL endpoint as Superset sees it, without a password: spark://USER@HOST:10000/gold"
            "[?tls=verify&ca=FILE] with the package of helm/superset in it, or hive://USER@HOST:10000/gold?auth=CUSTOM",
        ),
    ],
    user: Annotated[str, typer.Option(help="a Superset user of role Admin")] = "admin",
    password_file: Annotated[
        Optional[Path],
        typer.Option(metavar="FILE", help=f"holds its password; default: {ADMIN_PASSWORD}, or asked for"),
    ] = None,
    database_password_file: Annotated[
        Optional[Path],
        typer.Option(metavar="FILE", help=f"holds the endpoint's password; default: {DATABASE_PASSWORD}, or none"),
    ] = None,
    provider: Annotated[str, typer.Option(help="how Superset knows its users: db or ldap")] = "db",
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="how long to wait for a Superset that starts")] = 0,
    as_json: AsJson = False,
) -> None:
    """Put the lakehouse's database, datasets, charts and dashboards into a Superset; again to bring them up to date."""
    from lakehouse.cli.screen import console
    from lakehouse.superset import import_assets, read_assets
    from lakehouse.superset.client import Superset
    from lakehouse.superset.connection import Connection

    connection = Connection(database_uri, _password(database_password_file, DATABASE_PASSWORD) or "")
    assets = read_assets()
    superset = Superset(url)
    password = _password(password_file, ADMIN_PASSWORD) or _asked_for(user)
    superset.wait(wait)
    superset.log_in(user, password, provider)
    imported = import_assets(superset, assets, connection)
    if as_json:
        print(json.dumps(asdict(imported), ensure_ascii=False))
        return
    console().print(
        f"{imported.charts} charts on {imported.datasets} datasets in {len(imported.dashboards)} dashboards:"
    )
    for title, address in imported.dashboards.items():
        console().print(f"  {title:<32} {address}", markup=False)
    if imported.absent:
        console().print(
            f"note: not published yet, so their charts are empty: {', '.join(imported.absent)}", markup=False
        )


def _password(file: Path | None, variable: str) -> str | None:
    if file is None:
        return os.environ.get(variable)
    try:
        found = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}") from None
    if not found:
        raise InputError(f"{file} is empty: it is to hold a password")
    return found


def _asked_for(user: str) -> str:
    if not sys.stdin.isatty():
        raise InputError(f"no password of {user!r}: --password-file FILE, or {ADMIN_PASSWORD}")
    asked: str = typer.prompt(f"Password of {user}", hide_input=True)
    return asked
