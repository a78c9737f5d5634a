"""The columns of a dataset as dbt declares them: names, types and descriptions are written once, in the model's `.yml`.

`python -m lakehouse.superset.columns` renews the dataset files after a model has changed; a test says when it has to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from lakehouse.privacy.classes import class_of
from lakehouse.settings import CHECKOUT
from lakehouse.superset.assets import DASHBOARDS_DIR, write_yaml

MODELS = CHECKOUT / "dbt_project" / "models"


def declared_columns(table: str) -> list[dict[str, Any]]:
    """The columns of gold table `table` in Superset's words, in the model's order, without those that have a mask.

    No chart needs them; who may read them finds them by SQL.

    Raises:
        FileNotFoundError: no model of that name is declared.
    """
    columns = _model(table)["columns"]
    return [_column(column) for column in columns if not class_of(table, column["name"]).mask]


def declared_description(table: str) -> str:
    """What a row of the table is, as the model says it."""
    return " ".join(str(_model(table)["description"]).split())


def _model(table: str) -> dict[str, Any]:
    path = next(MODELS.rglob(f"{table}.yml"), None)
    if path is None:
        raise FileNotFoundError(f"no model {table}.yml below {MODELS}")
    models: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    return next(model for model in models if model["name"] == table)


def _column(column: dict[str, Any]) -> dict[str, Any]:
    kind = str(column["data_type"])
    is_simple = not kind.startswith(("array", "map", "struct"))
    return {
        "column_name": column["name"],
        "verbose_name": None,
        "is_dttm": kind in ("date", "timestamp"),
        "is_active": True,
        "type": kind.upper(),
        "advanced_data_type": None,
        "groupby": is_simple,
        "filterable": is_simple,
        "expression": None,
        "description": " ".join(str(column["description"]).split()),
        "python_date_format": None,
        "extra": None,
    }


def renew(folder: Path = DASHBOARDS_DIR) -> list[str]:
    """Write what the models declare into the dataset files of tables; returns the names of those that changed."""
    changed = []
    for path in sorted((folder / "datasets").rglob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if content["sql"] is None:
            table = content["table_name"]
            ours = [column for column in content["columns"] if column["expression"] is not None]
            columns = [*declared_columns(table), *ours]
            fresh = {**content, "description": declared_description(table), "columns": columns}
            if fresh != content:
                write_yaml(path, fresh)
                changed.append(table)
    return changed


if __name__ == "__main__":
    print(", ".join(renew()) or "all as the models declare them")
