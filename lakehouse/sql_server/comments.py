"""What dbt's YAML says of gold's tables and columns, for who lists them in a BI tool."""

from __future__ import annotations

import yaml

from lakehouse.settings import CHECKOUT

FOLDERS = ("features", "marts", "activation")


def gold_comments() -> dict[str, str]:
    """`table` -> its description, `table.column` -> the column's, each on one line."""
    found = {}
    for folder in FOLDERS:
        for path in sorted((CHECKOUT / "dbt_project" / "models" / folder).rglob("*.yml")):
            declared = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            for model in declared.get("models") or ():
                found[model["name"]] = _line(model.get("description"))
                for column in model.get("columns") or ():
                    found[f"{model['name']}.{column['name']}"] = _line(column.get("description"))
    return {name: text for name, text in found.items() if text}


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
