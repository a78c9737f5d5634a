"""Verbs on what leaves the house: export."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Optional, get_args

import typer

from lakehouse.cli.data import AsJson
from lakehouse.errors import InputError
from lakehouse.settings import load_settings


def add_to(app: typer.Typer) -> None:
    app.command(name="export")(export)


def export(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="a published gold table, such as gold.dim_customer")],
    to: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="postgresql://USER@HOST/DATABASE[/SCHEMA], mysql://… or mariadb://…; the password comes from "
            "LAKEHOUSE_EXPORT_PASSWORD, PGPASSWORD or MYSQL_PWD",
        ),
    ],
    purpose: Annotated[
        Optional[str],
        typer.Option(metavar="WHAT", help="what for, of a table about people: marketing or analytics"),
    ] = None,
    channel: Annotated[
        Optional[str],
        typer.Option(metavar="NAME", help="over what, for marketing: email, sms, phone, push, post or ad"),
    ] = None,
    if_exists: Annotated[
        str, typer.Option(metavar="WHAT", help="a table that is there: replace its rows, append to them, or fail")
    ] = "replace",
    k: Annotated[
        Optional[int],
        typer.Option("--k", min=1, help="people alike that each row's person is among, for analytics; default: 5"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a gold table to a database in one transaction; its readers see the old rows or the new.

    Of people, only those leave who have agreed to the purpose, with the columns that it needs.
    """
    from lakehouse.cli.screen import console
    from lakehouse.export import IfExists, export_table

    choices: tuple[IfExists, ...] = get_args(IfExists)
    chosen = next((choice for choice in choices if choice == if_exists), None)
    if chosen is None:
        raise InputError(f"--if-exists {if_exists!r} is not one of {', '.join(choices)}")
    exported = export_table(load_settings(), table, to, chosen, purpose, channel, k)
    if as_json:
        print(json.dumps(asdict(exported), ensure_ascii=False))
        return
    console().print(f"{exported.rows:,} rows of {exported.table} are in {exported.target}", markup=False)
    if exported.withheld:
        told = ", ".join(exported.withheld)
        console().print(f"not needed for {exported.purpose}, and left out: {told}", markup=False)
    if exported.anonymity is not None:
        console().print(exported.anonymity.sentence(), markup=False)
