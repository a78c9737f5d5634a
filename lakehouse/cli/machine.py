"""Verbs on the machine: doctor and config."""

from __future__ import annotations

import json

import typer

from lakehouse.cli.data import AsJson
from lakehouse.settings import Settings, config_file, load_settings


def add_to(app: typer.Typer) -> None:
    app.command(name="doctor")(doctor)
    app.command(name="config")(config)


def doctor(as_json: AsJson = False) -> None:
    """Check this machine, and say what to do about each fault."""
    from dataclasses import asdict

    from lakehouse.cli.screen import console
    from lakehouse.doctor import examine

    findings = examine(load_settings())
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
    else:
        for finding in findings:
            mark = "ok   " if finding.ok else "FAULT"
            advice = "" if finding.ok else f"  -> {finding.advice}"
            console().print(f"  {mark} {finding.subject:<14} {finding.found}{advice}", markup=False)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def config(as_json: AsJson = False) -> None:
    """Print the settings in force, secrets hidden: LAKEHOUSE_* first, then lakehouse.toml, then defaults."""
    from lakehouse.cli.screen import console

    settings = load_settings()
    values = {name: str(getattr(settings, name)) for name in Settings.model_fields}
    if as_json:
        print(json.dumps(values, ensure_ascii=False))
        return
    console().print(f"settings file: {config_file()}", markup=False)
    for name, field in Settings.model_fields.items():
        origin = "set" if name in settings.model_fields_set else "default"
        console().print(f"  {name:<20} {values[name]:<44} {origin:<8} {field.description}", markup=False)
