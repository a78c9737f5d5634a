"""A shop that sends a file of orders a day, and every way in which the next file can be another thing.

A case writes one more file after six good ones, and is either refused when it is landed or leaves findings.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from lakehouse.bronze import Load, land
from lakehouse.settings import Settings
from lakehouse.sources import parse_source

DAYS = 6
ROWS = 200
FIRST_DAY = datetime(2025, 3, 1, tzinfo=timezone.utc)
NAMES = ("Jürgen Müßig", "Zoë Größe", "André Lefèvre", "Søren Ågård", "Łukasz Żółty")
COLUMNS = {
    "order_id": "order_no",
    "customer_id": "cust",
    "product_id": "sku",
    "ordered_at": "to_timestamp(placed, 'yyyy-MM-dd HH:mm:ss')",
    "quantity": "qty",
    "unit_price": "price",
    "channel": "channel",
}
CUSTOMERS = {"customer_id": "cust", "full_name": "name", "phone": "mobile", "city": "city"}
Rows = list[dict[str, str]]


def orders(day: int, rows: int = ROWS) -> Rows:
    """The orders of a day: the same every time, and no two days alike."""
    began = FIRST_DAY + timedelta(days=day)
    return [
        {
            "order_no": f"{day:02d}{i:05d}",
            "cust": f"C{(7 * i + day) % 90:04d}",
            "sku": f"P-{(11 * i + 3 * day) % 40}",
            "placed": f"{began + timedelta(seconds=86_400 * i // rows):%Y-%m-%d %H:%M:%S}",
            "qty": str(1 + (13 * i + i // 7 + day) % 4),
            "price": f"{5 + (37 * i + 11 * day) % 90}.{(i * 7) % 100:02d}",
            "channel": ("web", "app", "store")[(i + day) % 3],
            "note": f"{NAMES[i % 5]} {i}" if i % 2 else "",
        }
        for i in range(rows)
    ]


def customers(rows: int = 50) -> Rows:
    return [
        {"cust": f"C{i:04d}", "name": NAMES[i % 5], "mobile": f"+49 170 {i:07d}", "city": ("Ulm", "Bonn")[i % 2]}
        for i in range(rows)
    ]


def as_csv(rows: Rows, header: bool = True) -> str:
    lines = [",".join(rows[0])] if header else []
    return "\n".join([*lines, *(",".join(row.values()) for row in rows)]) + "\n"


def as_json(rows: Rows) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def changed(rows: Rows, **new: Callable[[int, str], str]) -> Rows:
    """The rows with some columns' values made anew from their place and old value."""
    return [{name: new[name](i, v) if name in new else v for name, v in row.items()} for i, row in enumerate(rows)]


def renamed(rows: Rows, old: str, new: str) -> Rows:
    return [{new if name == old else name: value for name, value in row.items()} for row in rows]


def without(rows: Rows, column: str) -> Rows:
    return [{name: value for name, value in row.items() if name != column} for row in rows]


def as_date(text: str, form: str) -> str:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").strftime(form)


@dataclass
class OrderShop:
    """A folder of exports and the home that they are landed in, a day apart."""

    folder: Path
    settings: Settings
    options: dict[str, Any]
    landings: int = 0
    landed_days_later: int = 0

    def send(self, name: str, content: str | bytes) -> None:
        (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    def land(self) -> list[Load]:
        now = FIRST_DAY + timedelta(days=self.landings + self.landed_days_later, hours=26)
        self.landings += 1
        entities = {
            "order_lines": {"path": "orders-*", "columns": COLUMNS, **self.options},
            "customers": {"path": "customers.csv", "columns": CUSTOMERS},
        }
        if not (self.folder / "customers.csv").exists():
            self.send("customers.csv", as_csv(customers()))
        source = parse_source({"name": "shop", "entities": entities}, self.folder)
        return land(self.settings, [source], f"run-{self.landings:03d}", now)

    def send_and_land(self, name: str, content: str | bytes) -> list[Load]:
        self.send(name, content)
        return self.land()

    def six_good_days(self, form: Callable[[Rows], str] = as_csv, ending: str = "csv") -> None:
        for day in range(DAYS):
            self.send_and_land(f"orders-{day}.{ending}", form(orders(day)))


@dataclass(frozen=True)
class Case:
    """What the seventh file is, and what is said of it.

    `does`: `refused` (exit code 2, nothing of it landed), `error` (the bronze gate fails, 3), `warning`.
    `rule`: the rule of expectations/bronze/drift.yml that judges it.
    """

    name: str
    does: str
    rule: str
    file: str | bytes
    options: dict[str, Any] | None = None
    form: Callable[[Rows], str] = as_csv
    ending: str = "csv"
    days: Callable[[int], Rows] = orders


def cases() -> list[Case]:
    """Every case of the table in docs/drift.md, in its order."""
    day = orders(DAYS)
    half = ROWS // 2
    headerless: dict[str, Any] = {"header": list(day[0])}
    reordered = [
        {n: row[n] for n in ("order_no", "cust", "sku", "placed", "price", "qty", "channel", "note")} for row in day
    ]
    return [
        Case("mapped column missing", "refused", "", as_csv(without(day, "qty"))),
        Case("mapped key missing (JSON)", "refused", "", as_json(without(day, "qty")), form=as_json, ending="jsonl"),
        Case("unmapped column missing", "warning", "columns_are_known", as_csv(without(day, "note"))),
        Case("column renamed", "refused", "", as_csv(renamed(day, "placed", "placed_at"))),
        Case("column added", "warning", "columns_are_known", as_csv([{**row, "coupon": "SPRING"} for row in day])),
        Case(
            "columns in another order, no header",
            "refused",
            "",
            as_csv(reordered, header=False),
            headerless,
            lambda rows: as_csv(rows, header=False),
        ),
        Case(
            "a column more, no header",
            "refused",
            "",
            as_csv([{**row, "coupon": "SPRING"} for row in day], header=False),
            {"header": "false", "columns": {"order_id": "_c0", "customer_id": "_c1", "quantity": "_c4"}},
            lambda rows: as_csv(rows, header=False),
        ),
        Case("numbers became text", "error", "kind_is_as_before", as_csv(changed(day, qty=lambda i, v: f"{v} pcs"))),
        Case(
            "decimals with a comma",
            "error",
            "kind_is_as_before",
            as_csv(changed(day, price=lambda i, v: f'"{v.replace(".", ",")}"')),
        ),
        Case(
            "whole numbers became decimals",
            "error",
            "kind_is_as_before",
            as_csv(changed(day, qty=lambda i, v: f"{v}.0")),
        ),
        Case(
            "leading zeros lost",
            "error",
            "leading_zeros_are_kept",
            as_csv(changed(day, order_no=lambda i, v: v.lstrip("0"))),
        ),
        Case("part of a column is text", "warning", "kind_is_mostly_as_before", as_csv(
            changed(day, qty=lambda i, v: "n/a" if i % 4 == 0 else v))),
        Case("latin-1 after UTF-8", "error", "encoding_is_as_before", as_csv(day).encode("latin-1", "replace")),
        Case("GB 18030 after UTF-8", "error", "encoding_is_as_before", as_csv(
            changed(day, note=lambda i, v: "上海市浦东新区" if v else v)).encode("gb18030")),
        Case("UTF-16 after UTF-8", "warning", "columns_are_known", as_csv(day).encode("utf-16")),
        Case("UTF-8 read as Latin-1 before", "error", "text_is_not_garbled", as_csv(
            changed(day, note=lambda i, v: v.encode().decode("latin-1")))),
        Case("file of another entity", "refused", "", as_csv(customers(ROWS))),
        Case("file of nothing we know", "refused", "", as_csv([{"a": "1", "b": "2"}] * ROWS)),
        Case("file of another entity, no header", "refused", "", as_csv(
            [{**c, "e": "Ulm 7", "f": "x@y.de", "g": "2", "h": "yes"} for c in customers(ROWS)], header=False),
            headerless, lambda rows: as_csv(rows, header=False)),
        Case("100 times fewer rows", "error", "volume_is_possible", as_csv(day[:2])),
        Case("100 times more rows", "error", "volume_is_possible", as_csv(orders(DAYS, 100 * ROWS))),
        Case("20 times fewer rows", "warning", "volume_is_usual", as_csv(day[:10])),
        Case(
            "date format turns half way",
            "error",
            "times_keep_their_format",
            as_csv(changed(day, placed=lambda i, v: as_date(v, "%d/%m/%Y %H:%M") if i >= half else v)),
        ),
        Case("date format changed", "error", "kind_is_as_before", as_csv(
            changed(day, placed=lambda i, v: as_date(v, "%d.%m.%Y %H:%M")))),
        Case(
            "days and months swapped",
            "error",
            "days_are_not_months",
            as_csv(changed(orders(20), placed=lambda i, v: as_date(v, "%m/%d/%Y"))),
            days=lambda number: changed(orders(number + 14), placed=lambda i, v: as_date(v, "%d/%m/%Y")),
        ),
        Case("days and months swap half way", "error", "times_keep_their_format", as_csv(
            changed(orders(20), placed=lambda i, v: as_date(v, "%m/%d/%Y" if i >= half else "%d/%m/%Y"))),
            days=lambda number: changed(orders(number + 14), placed=lambda i, v: as_date(v, "%d/%m/%Y"))),
        Case("category never seen", "warning", "categories_are_known", as_csv(
            changed(day, channel=lambda i, v: "kiosk" if i == 150 else v))),
        Case("old rows sent again", "warning", "data_is_fresh", as_csv(
            changed(day, placed=lambda i, v: v.replace("2025-03", "2025-02")))),
        Case("mapped column empty", "error", "columns_are_filled", as_csv(changed(day, price=lambda i, v: ""))),
        Case("half of a column empty", "warning", "nulls_are_as_usual", as_csv(
            changed(day, price=lambda i, v: "" if i % 2 else v))),
        Case("amounts in cents", "warning", "numbers_are_as_usual", as_csv(
            changed(day, price=lambda i, v: f"{float(v) * 100:.2f}"))),
        Case("values written otherwise", "warning", "shapes_are_as_usual", as_csv(
            changed(day, sku=lambda i, v: v.replace("P-", "prod/")))),
    ]  # fmt: skip
