"""Silver tables written out by hand, for tests of gold: no JVM and no landing, a row is a dict of what matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake

from lakehouse import ops
from lakehouse.settings import Settings

Row = Mapping[str, Any]

TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "at": pa.timestamp("us", tz="UTC"),
    "on": pa.date32(),
    "amount": pa.decimal128(18, 2),
    "price": pa.decimal128(18, 4),
    "flag": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "double": pa.float64(),
    "texts": pa.map_(pa.string(), pa.string()),
}

# Columns by kind, as the contract of silver gives them.
COLUMNS: dict[str, dict[str, str]] = {
    "customers": {
        "text": "customer_id full_name given_name phone email gender address city region country language",
        "flag": "has_id_card is_email_valid is_phone_valid is_birth_year_imputed",
        "int": "birth_year",
        "double": "latitude longitude",
        "at": "registered_at",
        "texts": "attributes",
    },
    "products": {
        "text": "product_id title category brand currency category_path category_level_1 category_level_2"
        " category_level_3",
        "price": "unit_price unit_cost",
        "flag": "is_unit_price_imputed is_unit_cost_imputed",
        "at": "listed_at",
        "texts": "attributes",
    },
    "order_lines": {
        "text": "order_id customer_id product_id channel store_id campaign_id currency",
        "at": "ordered_at",
        "on": "ordered_on",
        "int": "quantity line_number",
        "price": "unit_price",
        "amount": "discount_amount gross_amount net_amount",
        "flag": "is_cancelled is_return is_duplicate is_sale is_known_customer is_known_product"
        " is_quantity_outlier is_price_outlier",
        "texts": "attributes",
    },
    "events": {
        "text": "event_id customer_id anonymous_id session_id event_type product_id query url referrer"
        " device_type channel",
        "at": "event_at",
        "on": "event_on",
        "flag": "is_near_duplicate is_known_product is_known_customer is_duplicate",
        "texts": "attributes",
    },
    "impressions": {
        "text": "impression_id customer_id campaign_id creative_id slot_id device_type region currency",
        "at": "shown_at",
        "on": "shown_on",
        "amount": "cost_amount",
        "flag": "is_clicked is_known_customer is_duplicate",
        "texts": "attributes",
    },
    "campaigns": {
        "text": "campaign_id name channel objective currency",
        "on": "starts_on ends_on",
        "amount": "budget_amount",
    },
    "sends": {
        "text": "send_id campaign_id customer_id channel currency",
        "at": "sent_at opened_at clicked_at converted_at",
        "on": "sent_on",
        "amount": "cost_amount revenue_amount",
    },
    "tickets": {
        "text": "ticket_id customer_id subject body channel",
        "at": "opened_at closed_at",
        "double": "satisfaction",
        "flag": "is_satisfaction_imputed",
    },
    "memberships": {
        "text": "customer_id tier",
        "on": "started_on expires_on",
        "double": "points",
        "flag": "is_points_imputed",
    },
    "suppressions": {"text": "customer_id reason", "at": "suppressed_at"},
    "consents": {
        "text": "customer_id purpose channel origin",
        "at": "changed_at",
        "on": "changed_on",
        "flag": "is_granted",
    },
    "locations": {
        "text": "customer_id",
        "at": "seen_at",
        "on": "seen_on",
        "double": "latitude longitude",
        "long": "dwell_seconds",
    },
    "accounts": {
        "text": "account_id customer_id account_type currency",
        "on": "opened_on due_on paid_on",
        "amount": "credit_limit_amount",
    },
    "ratings": {
        "text": "customer_id product_id",
        "double": "rating",
        "at": "rated_at",
        "on": "rated_on",
    },
}


def silver_schema(entity: str) -> pa.Schema:
    """The Arrow schema of `silver.<entity>`."""
    kinds = {"text": "source " + COLUMNS[entity]["text"]}
    kinds |= {kind: names for kind, names in COLUMNS[entity].items() if kind != "text"}
    return pa.schema([(name, TYPES[kind]) for kind, names in kinds.items() for name in names.split()])


def write_home(
    settings: Settings,
    rows: Mapping[str, Sequence[Row]],
    as_of: date,
    timezones: Mapping[str, str] | None = None,
    declared: Sequence[tuple[str, str]] = (),
) -> None:
    """Write every silver table of a home (empty where `rows` has none) and the `ops` tables that gold reads.

    Args:
        settings: says where the home is.
        rows: entity to rows; columns left out are null, `source` is `shop` unless given.
        as_of: the day of the run.
        timezones: source to time zone; `shop` is in UTC unless given.
        declared: (source, entity) pairs that a source file brings; `shop` brings each entity that has rows
            unless given.
    """
    ops.ensure_tables(settings)
    ops.overwrite(settings, "as_of", [{"as_of_on": as_of}])
    zones = {"shop": "UTC"} | dict(timezones or {})
    pairs = list(declared) or [("shop", entity) for entity in COLUMNS if rows.get(entity)]
    ops.overwrite(
        settings,
        "sources",
        [{"source": source, "entity": entity, "timezone": zones[source]} for source, entity in pairs],
    )
    for entity in COLUMNS:
        write_deltalake(
            settings.table_path("silver", entity), silver_table(entity, rows.get(entity, [])), mode="overwrite"
        )


def silver_table(entity: str, rows: Sequence[Row]) -> pa.Table:
    """Rows of one silver table; what silver derives (days, amounts, flags) is derived where a row does not say."""
    schema = silver_schema(entity)
    complete = [{"source": "shop"} | _derived(entity, row) | dict(row) for row in rows]
    return pa.Table.from_pylist(
        [{name: _typed(row.get(name), schema.field(name).type) for name in schema.names} for row in complete],
        schema=schema,
    )


def at(text: str) -> datetime:
    """`2024-03-01 09:30` as a UTC time."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def _typed(value: Any, kind: pa.DataType) -> Any:
    if value is not None and pa.types.is_decimal(kind):
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-kind.scale))
    if isinstance(value, dict):
        return list(value.items())
    return value


def _derived(entity: str, row: Row) -> dict[str, Any]:
    if entity == "order_lines":
        quantity, price = row["quantity"], Decimal(str(row["unit_price"]))
        gross = round(quantity * price, 2)
        cancelled = row.get("is_cancelled", False)
        return {
            "line_number": 1,
            "currency": "CNY",
            "ordered_on": row["ordered_at"].date(),
            "gross_amount": gross,
            "net_amount": gross - Decimal(str(row.get("discount_amount") or 0)),
            "is_cancelled": cancelled,
            "is_return": quantity < 0,
            "is_duplicate": False,
            "is_known_customer": row.get("customer_id") is not None,
            "is_known_product": True,
            "is_sale": quantity > 0 and price > 0 and not cancelled and row.get("customer_id") is not None,
        }
    if entity == "events":
        return {
            "event_on": row["event_at"].date(),
            "is_near_duplicate": False,
            "is_duplicate": False,
            "is_known_product": True,
            "is_known_customer": row.get("customer_id") is not None,
        }
    if entity == "impressions":
        return {
            "shown_on": row["shown_at"].date(),
            "is_duplicate": False,
            "is_known_customer": row.get("customer_id") is not None,
        }
    if entity == "products":
        levels = [level.strip() for level in (row.get("category") or "").split(">") if level.strip()]
        named = {f"category_level_{depth}": level for depth, level in enumerate(levels[:3], start=1)}
        return {"currency": "CNY", "category_path": " > ".join(levels) or None} | named
    for column in ("sent", "changed", "seen", "rated"):
        if row.get(f"{column}_at") is not None:
            return {f"{column}_on": row[f"{column}_at"].date()}
    return {}
