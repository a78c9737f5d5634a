"""Verbs that serve: sql-server, and sql-user for who may log in there."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lakehouse.errors import InputError
from lakehouse.settings import load_settings


def add_to(app: typer.Typer) -> None:
    app.command(name="sql-server")(sql_server)
    app.command(name="sql-user")(sql_user)


def sql_server(
    role: Annotated[
        str, typer.Option(help="analyst reads published gold and nothing else; engineer reads all, writes dev_<name>")
    ] = "analyst",
    host: Annotated[str, typer.Option(help="address to listen on; others need users and a keystore")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free")] = 10000,
) -> None:
    """Serve SQL over the Hive protocol (PyHive, JDBC, Superset, dbt), in the foreground; docs/sql.md."""
    from lakehouse.sql_server.configuration import ROLES
    from lakehouse.sql_server.server import serve

    chosen = next((known for known in ROLES if known == role), None)
    if chosen is None:
        raise InputError(f"--role {role!r} is not one of {', '.join(ROLES)}")
    serve(load_settings(), chosen, host, port, lambda line: print(line, flush=True))


def sql_user(
    name: Annotated[str, typer.Argument(metavar="NAME", help="the user; an engineer's schema is dev_NAME")],
) -> None:
    """Print a line for LAKEHOUSE_SQL_USERS_FILE; the password is asked for, or read from standard input."""
    from getpass import getpass

    from lakehouse.sql_server.passwords import users_line

    password = getpass("password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    print(users_line(name, password))
