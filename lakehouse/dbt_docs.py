"""The dbt docs as one page that needs no server, with columns and row counts from Delta's own log.

`dbt docs generate` would ask Spark for the columns of every table (half a minute); the log has them in milliseconds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from lakehouse.catalog import row_count
from lakehouse.privacy.classes import class_of
from lakehouse.settings import Settings
from lakehouse.storage import find_table


def write_page(settings: Settings, folder: Path) -> Path:
    """Fill `catalog.json` beside dbt's `manifest.json` and write both into `static_index.html`; returns that page.

    Args:
        folder: dbt's target folder after `dbt docs generate --empty-catalog`.
    """
    manifest_text = (folder / "manifest.json").read_text(encoding="utf-8")
    manifest, catalog = json.loads(manifest_text), json.loads((folder / "catalog.json").read_text(encoding="utf-8"))
    for kind in ("nodes", "sources"):
        for unique_id, node in manifest[kind].items():
            name = node.get("identifier") or node.get("alias") or node["name"]
            is_table = node["resource_type"] in ("model", "source")
            if is_table:
                _say_classes(node)
            found = find_table(settings, f"{node['schema']}.{name}") if is_table else None
            if found is not None:
                catalog[kind][unique_id] = _entry(unique_id, node["schema"], name, found)
    manifest_text, catalog_text = json.dumps(manifest), json.dumps(catalog)
    (folder / "manifest.json").write_text(manifest_text, encoding="utf-8")
    (folder / "catalog.json").write_text(catalog_text, encoding="utf-8")
    page = (folder / "index.html").read_text(encoding="utf-8")
    for name, text in (("MANIFEST", manifest_text), ("CATALOG", catalog_text)):
        page = page.replace(f'"{name}.JSON INLINE DATA"', text)
    static = folder / "static_index.html"
    static.write_text(page, encoding="utf-8")
    return static


def _say_classes(node: dict[str, Any]) -> None:
    """What each column tells of a person, why it is kept and for how many days, as meta of the column."""
    table = node["name"] if node["resource_type"] == "model" else f"{node['source_name']}.{node['name']}"
    for name, column in node.get("columns", {}).items():
        found = class_of(table, name)
        said: dict[str, Any] = {"class": found.kind, "purpose": found.purpose}
        said |= {"mask": found.mask} if found.mask else {}
        said |= {"retention_days": found.retention_days} if found.retention_days else {}
        column["meta"] = {**column.get("meta", {}), **said}


def _entry(unique_id: str, schema: str, name: str, table: DeltaTable) -> dict[str, Any]:
    """A table as dbt's catalog describes it (schemas.getdbt.com/dbt/catalog/v1.json)."""
    fields = json.loads(table.schema().to_json())["fields"]
    return {
        "unique_id": unique_id,
        "metadata": {"type": "table", "schema": schema, "name": name, "database": None, "comment": None, "owner": None},
        "columns": {
            field["name"]: {"name": field["name"], "index": index, "type": type_name(field["type"]), "comment": None}
            for index, field in enumerate(fields, start=1)
        },
        "stats": {
            "has_stats": _stat("has_stats", "Has Stats?", True, "Whether there are statistics", shown=False),
            "num_rows": _stat("num_rows", "Rows", row_count(table), "Rows of the newest version", shown=True),
        },
    }


def _stat(name: str, label: str, value: Any, description: str, shown: bool) -> dict[str, Any]:
    return {"id": name, "label": label, "value": value, "description": description, "include": shown}


def type_name(of: Any) -> str:
    """A type of Delta's schema JSON as SQL writes it: `string`, `array<string>`, `map<string,string>`."""
    if isinstance(of, str):
        return of
    if of["type"] == "array":
        return f"array<{type_name(of['elementType'])}>"
    if of["type"] == "map":
        return f"map<{type_name(of['keyType'])},{type_name(of['valueType'])}>"
    fields = (f"{field['name']}:{type_name(field['type'])}" for field in of["fields"])
    return f"struct<{','.join(fields)}>"
