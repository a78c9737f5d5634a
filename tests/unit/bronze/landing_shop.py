"""A small shop: files in a folder, a source over them, and a home to land them in. No Spark."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from lakehouse import ops
from lakehouse.bronze import Load, land
from lakehouse.settings import Settings
from lakehouse.sources import Source, parse_source

LOADED_AT = datetime(2025, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@dataclass
class Shop:
    folder: Path
    settings: Settings
    landings: int = 0

    def write(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def source(self, path: str | list[str], columns: dict[str, str] | None = None, **options: Any) -> Source:
        products = {"path": path, "columns": columns or {"product_id": "id"}, **options}
        return parse_source({"name": "shop", "entities": {"products": products}}, self.folder)

    def land(self, path: str | list[str], columns: dict[str, str] | None = None, **options: Any) -> list[Load]:
        loaded_at = LOADED_AT + timedelta(days=self.landings)
        self.landings += 1
        return land(self.settings, [self.source(path, columns, **options)], "run", loaded_at)

    def rows(self, table: str = "products") -> list[dict[str, Any]]:
        found = DeltaTable(self.settings.table_path("bronze", table)).to_pyarrow_table().to_pylist()
        by = "row_number" if table == "quarantine" else "_row_number"
        return sorted(found, key=lambda row: (row.get("_file") or row.get("file"), row[by]))

    def values(self, *columns: str) -> list[tuple[Any, ...]]:
        return [tuple(row[column] for column in columns) for row in self.rows()]

    def faults(self) -> list[tuple[int, str, str]]:
        return [(row["row_number"], row["reason"], row["raw"]) for row in self.rows("quarantine")]

    def loads(self) -> list[dict[str, Any]]:
        return sorted(ops.read(self.settings, "loads"), key=lambda row: (row["file"], row["loaded_at"]))
