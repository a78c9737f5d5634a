"""The dbt docs' page is put together from dbt's files and Delta's logs."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

from lakehouse.dbt_docs import write_page
from lakehouse.settings import load_settings

PAGE = 'let m = "MANIFEST.JSON INLINE DATA", c = "CATALOG.JSON INLINE DATA"'


def test_columns_types_and_rows_of_tables_on_disk_are_in_the_page(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    rows = pa.table({"id": ["a", "b"], "attributes": pa.array([[("k", "v")], []], pa.map_(pa.string(), pa.string()))})
    write_deltalake(settings.table_path("gold", "made"), rows)
    common = {"schema": "gold", "resource_type": "model"}
    nodes = {
        "model.x.made": {"name": "made", **common, "columns": {"customer_id": {"name": "customer_id"}}},
        "model.x.not_built": {"name": "not_built", **common},
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": nodes, "sources": {}}))
    (tmp_path / "catalog.json").write_text(json.dumps({"nodes": {}, "sources": {}}))
    (tmp_path / "index.html").write_text(PAGE)

    page = write_page(settings, tmp_path).read_text()

    catalog = json.loads((tmp_path / "catalog.json").read_text())
    assert list(catalog["nodes"]) == ["model.x.made"]
    made = catalog["nodes"]["model.x.made"]
    assert {name: column["type"] for name, column in made["columns"].items()} == {
        "id": "string",
        "attributes": "map<string,string>",
    }
    assert made["stats"]["num_rows"]["value"] == 2
    assert json.dumps(catalog) in page
    assert "INLINE DATA" not in page
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    said = manifest["nodes"]["model.x.made"]["columns"]["customer_id"]["meta"]
    assert said == {"class": "pseudonym", "purpose": "analytics"}
    assert json.dumps(manifest) in page
