"""Which files are refused for their columns, and which only look so."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from landing_shop import LOADED_AT, Shop

from lakehouse import ops
from lakehouse.bronze import land
from lakehouse.errors import InputError
from lakehouse.sources import parse_source


def rows(names: str, *values: str, count: int = 60) -> str:
    return f"{names}\n" + "".join(",".join(f"{value}{i}" for value in values) + "\n" for i in range(count))


def test_columns_in_another_order_are_read_by_name(shop: Shop) -> None:
    shop.write("a.csv", rows("id,name", "1", "n"))
    shop.land("*.csv", {"product_id": "id", "title": "name"})
    shop.write("b.csv", rows("name,id", "n", "2"))
    (load,) = shop.land("*.csv", {"product_id": "id", "title": "name"})
    assert {row["name"][0] for row in shop.rows() if row["_file"] == load.file} == {"n"}
    assert ops.read(shop.settings, "drift") == []


def test_a_renamed_column_with_a_mapping_for_both_names_is_no_loss(shop: Shop) -> None:
    shop.write("a.csv", rows("id,name", "1", "n"))
    shop.land("*.csv", {"product_id": "id", "title": "name"})
    shop.write("b.csv", rows("id,title", "2", "n"))
    with pytest.raises(InputError, match=r"write `title: coalesce\(name, title\)`"):
        shop.land("*.csv", {"product_id": "id", "title": "name"})
    assert [load.file for load in shop.land("*.csv", {"product_id": "id", "title": "coalesce(name, title)"})] == [
        "b.csv"
    ]


def test_two_kinds_of_file_have_a_path_each(shop: Shop) -> None:
    columns = {"product_id": "id", "title": "name", "brand": "brand"}
    shop.write("full.csv", rows("id,name,brand", "1", "n", "b"))
    shop.write("day-1.csv", rows("id,name", "2", "n"))
    assert len(shop.land(["full.csv", "day-*.csv"], columns)) == 2
    assert ops.read(shop.settings, "drift") == []


def test_a_json_key_that_is_rare_may_be_absent(shop: Shop) -> None:
    line = '{{"id": {0}, "sale": {1}}}\n'
    shop.write("a.jsonl", "".join(line.format(i, 1 if i % 20 == 0 else "null") for i in range(100)))
    columns = {"product_id": "id", "unit_price": "sale"}
    shop.land("*.jsonl", columns)
    shop.write("b.jsonl", "".join(f'{{"id": {i}}}\n' for i in range(200)))
    assert len(shop.land("*.jsonl", columns)) == 1


def test_a_file_of_another_entity_is_refused_without_any_history(shop: Shop) -> None:
    shop.write("stores.csv", rows("store,label,lat,lng", "1", "n", "1", "2"))
    shop.write("products.csv", rows("sku,name,brand,price", "1", "n", "b", "1"))
    source: dict[str, Any] = {
        "products": {
            "path": "*.csv",
            "columns": {"product_id": "sku", "title": "name", "brand": "brand", "unit_price": "price"},
        },
        "stores": {
            "path": "stores.csv",
            "columns": {"store_id": "store", "name": "label", "latitude": "lat", "longitude": "lng"},
        },
    }
    parsed = parse_source({"name": "shop", "entities": source}, shop.folder)
    with pytest.raises(InputError, match=r"stores\.csv has the columns of stores, not of products"):
        land(shop.settings, [parsed], "run", LOADED_AT)
    assert {row["_file"] for row in shop.rows()} == {"products.csv"}


def test_since_when_a_column_is_known(shop: Shop) -> None:
    for day, names in enumerate(["id", "id,name", "id,name"]):
        shop.write(f"{day}.csv", rows(names, *"12"[: names.count(",") + 1], count=3 + day))
        shop.land("*.csv")
    found = {(row["file"], row["column_name"]): row for row in ops.read(shop.settings, "batch_profiles")}
    assert found["2.csv", "id"]["known_since"] == LOADED_AT
    assert found["2.csv", "name"]["known_since"] == LOADED_AT + timedelta(days=1)
    assert (found["2.csv", "name"]["position"], found["2.csv", "name"]["landed_count"]) == (1, 5)


def test_no_value_of_a_personal_column_stands_in_ops(shop: Shop, tmp_path: Path) -> None:
    people = "id,email\n" + "".join(f"{i},anna{i % 3}@example.org\n" for i in range(60))
    shop.write("people.csv", people)
    entities = {"customers": {"path": "people.csv", "columns": {"customer_id": "id", "email": "email"}}}
    land(shop.settings, [parse_source({"name": "shop", "entities": entities}, shop.folder)], "run", LOADED_AT)
    text = str([ops.read(shop.settings, table) for table in ops.OF_A_BATCH])
    assert "a9@a.a" in text
    assert "anna" not in text
