"""Two sources in one entity: each with its own key, its own attributes, its own customers."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lakehouse.bronze import land
from lakehouse.engine.sail import open_sail
from lakehouse.settings import Settings, load_settings
from lakehouse.sources import load_source
from tests.integration.gold_by_dbt import run_dbt

if TYPE_CHECKING:
    pass

LOADED_AT = datetime(2024, 3, 1, tzinfo=timezone.utc)

FILES = {
    # Line 1 of order 1 came twice, the second time with another quantity: the last one in the file stands.
    "shop.csv": """order,line,who,what,when,pieces,price,colour
1,1,ann,tea,2024-01-05 12:00,1,2.00,green
1,1,ann,tea,2024-01-05 12:00,3,2.00,green
1,2,zoe,tea,2024-01-05 12:00,1,2.00,red
""",
    "shop_customers.csv": "who,name\nann,Ann\n",
    # No key: both equal lines are kept and the second one is flagged; order 1 here is another order than the shop's.
    "market.csv": """order,line,who,what,when,pieces,price,shade
1,1,bob,pot,2024-01-05 12:00,1,9.00,dark
1,1,bob,pot,2024-01-05 12:00,1,9.00,dark
2,1,,pot,2024-01-05 12:00,1,9.00,light
""",
    # A key of its own: one line per order and product, whatever the line number.
    "fair.csv": """order,line,who,what,when,pieces,price
1,1,cho,cup,2024-01-05 12:00,1,5.00
1,2,cho,cup,2024-01-05 12:00,2,5.00
""",
}

COLUMNS = """{order_id: order, line_number: line, customer_id: who, product_id: what, ordered_at: when,
        quantity: pieces, unit_price: price}"""
SOURCES = {
    "shop.yml": f"""
name: shop
timezone: Asia/Shanghai
currency: CNY
entities:
  order_lines: {{key: [order_id, line_number], path: shop.csv, columns: {COLUMNS}, attributes: {{colour: colour}}}}
  customers: {{path: shop_customers.csv, columns: {{customer_id: who, full_name: name}}}}
""",
    "market.yml": f"""
name: market
currency: EUR
entities:
  order_lines: {{path: market.csv, columns: {COLUMNS}, attributes: {{shade: shade}}}}
""",
    "fair.yml": f"""
name: fair
currency: USD
entities:
  order_lines: {{key: [order_id, product_id], path: fair.csv, columns: {COLUMNS}}}
""",
}


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder: Path = tmp_path_factory.mktemp("two-sources")
    settings: Settings = load_settings(home=folder / "home")
    for name, text in {**FILES, **SOURCES}.items():
        (folder / name).write_text(text)
    land(settings, [load_source(folder / name) for name in SOURCES], "run", LOADED_AT)
    sail = open_sail(settings)
    run_dbt(["run", "--select", "+stg_order_lines", "int_products_as_of"], folder / "dbt")
    rows = sail.rows("select * from silver.order_lines order by source, order_id, line_number, quantity, _row_number")
    return [{**row, "attributes": dict(row["attributes"] or ())} for row in rows.to_pylist()]


def of(lines: list[dict[str, Any]], source: str, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(line[column] for column in columns) for line in lines if line["source"] == source]


def test_a_source_with_a_key_keeps_the_last_of_its_copies(lines: list[dict[str, Any]]) -> None:
    told = of(lines, "shop", "line_number", "quantity", "source_row_count", "is_duplicate")
    assert told == [(1, 3, 2, False), (2, 1, 1, False)]


def test_a_source_with_another_key_goes_by_that_one(lines: list[dict[str, Any]]) -> None:
    assert of(lines, "fair", "line_number", "quantity", "source_row_count", "is_duplicate") == [(2, 2, 2, False)]


def test_a_source_without_a_key_keeps_all_and_flags_the_copies(lines: list[dict[str, Any]]) -> None:
    told = of(lines, "market", "order_id", "source_row_count", "is_duplicate")
    assert told == [("1", 1, False), ("1", 1, True), ("2", 1, False)]


def test_each_source_has_its_own_zone_currency_and_attributes(lines: list[dict[str, Any]]) -> None:
    noon_in_shanghai, noon = (datetime(2024, 1, 5, hour, tzinfo=timezone.utc) for hour in (4, 12))
    first = {line["source"]: line for line in reversed(lines)}
    assert {name: line["currency"] for name, line in first.items()} == {"shop": "CNY", "market": "EUR", "fair": "USD"}
    assert first["shop"]["attributes"] == {"colour": "green"}
    assert first["market"]["attributes"] == {"shade": "dark"}
    assert first["fair"]["attributes"] == {}
    assert first["shop"]["ordered_at"] == noon_in_shanghai
    assert first["market"]["ordered_at"] == noon


def test_a_source_that_lists_customers_vouches_only_for_those(lines: list[dict[str, Any]]) -> None:
    told = of(lines, "shop", "customer_id", "is_known_customer", "is_sale")
    assert told == [("ann", True, True), ("zoe", False, False)]
    assert of(lines, "market", "customer_id", "is_known_customer") == [("bob", True), ("bob", True), (None, False)]
    assert of(lines, "fair", "customer_id", "is_known_customer", "is_sale") == [("cho", True, True)]
