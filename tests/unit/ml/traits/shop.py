"""Rows of gold.feat_activity and gold.feat_customer_person that tests write and read back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake

from lakehouse.settings import Settings

AS_OF = date(2025, 6, 30)
AMOUNT = pa.decimal128(18, 2)
ACTIVITY = pa.schema(
    [
        ("customer_id", pa.string()),
        ("kind", pa.string()),
        ("is_purchase", pa.bool_()),
        ("category_level_1", pa.string()),
        ("category", pa.string()),
        ("brand", pa.string()),
        ("device_type", pa.string()),
        ("local_hour", pa.int32()),
        ("quantity", pa.int32()),
        ("net_amount", AMOUNT),
        ("discount_amount", AMOUNT),
        ("occurred_on", pa.date32()),
    ]
)
PERSON = pa.schema([("customer_id", pa.string()), ("gender", pa.string()), ("given_name", pa.string())])
Row = dict[str, Any]


def look(customer: str | None, day: str, topic: str | None, kind: str = "view", **more: Any) -> Row:
    return {
        "customer_id": customer,
        "kind": kind,
        "is_purchase": False,
        "category_level_1": topic,
        "occurred_on": date.fromisoformat(day),
        **more,
    }


def sale(customer: str, day: str, net: str, discount: str = "0", quantity: int = 1, **more: Any) -> Row:
    amounts = {"net_amount": Decimal(net), "discount_amount": Decimal(discount), "quantity": quantity}
    return {**look(customer, day, None, "order_line"), "is_purchase": True, **amounts, **more}


def write(settings: Settings, activity: list[Row], people: list[Row] | None = None) -> None:
    for table, rows, schema in (
        ("feat_activity", activity, ACTIVITY),
        ("feat_customer_person", people or [], PERSON),
    ):
        full = [{name: one.get(name) for name in schema.names} for one in rows]
        content = pa.Table.from_pylist(full, schema=schema)
        write_deltalake(settings.table_path("gold", table), content, mode="overwrite")
