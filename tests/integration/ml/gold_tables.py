"""A small shop's gold features, with something true to find in them, written by delta-rs."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake

from lakehouse.settings import Settings

AS_OF = date(2025, 6, 30)
GAP_DAYS = 6
TASTES = ("Beauty", "Food", "Sports")
TEXTS = pa.map_(pa.string(), pa.string())
TICKETS = (
    (5.0, "The parcel came a day early and the courier was kind, thank you"),
    (1.0, "The parcel is late and the courier never rang, I am disappointed"),
    (4.0, "Is there a warranty with it, and can you tell me the size"),
    (2.0, "I sent it back and still have no refund of my money"),
    (5.0, "非常满意，东西很好用，还提前一天送到"),
    (1.0, "质量太差，收到的时候外壳裂了，非常失望"),
)
"""A score, and what is written with it."""


def write_shop(
    settings: Settings, customers: int = 60, products: int = 30, days: int = 100, activity: pa.Table | None = None
) -> None:
    """Customers of three tastes who look at and buy products of their taste, and click creatives of it.

    Args:
        activity: feat_activity; by default the orders that feat_customer_rfm tells of.
    """
    rng = np.random.default_rng(11)
    taste = np.arange(customers) % 3
    kind = np.arange(products) % 3
    write_gold(settings, "feat_customer_behaviour", _behaviour(customers))
    write_gold(
        settings,
        "feat_product",
        pa.table({"product_id": _names("P", products), "category_level_1": [TASTES[k] for k in kind]}),
    )
    write_gold(settings, "feat_interactions", _interactions(rng, taste, kind, days))
    rfm = _rfm(rng, max(1, customers - 5))
    write_gold(settings, "feat_customer_rfm", rfm)
    write_gold(settings, "feat_activity", _orders(rfm) if activity is None else activity)
    write_gold(settings, "feat_impressions", _impressions(rng, taste, days))
    write_gold(settings, "feat_channel_returns", _channel_returns())
    write_gold(settings, "feat_memberships", _memberships(customers))
    write_gold(settings, "feat_ticket_text", _tickets(customers, days))


def write_gold(settings: Settings, table: str, content: pa.Table) -> None:
    write_deltalake(settings.table_path("gold", table), content, mode="overwrite", schema_mode="overwrite")


def _names(letter: str, count: int) -> list[str]:
    return [f"{letter}{number:03d}" for number in range(count)]


def _behaviour(customers: int) -> pa.Table:
    return pa.table(
        {
            "customer_id": _names("C", customers + 1),  # the last one never did anything
            "view_count_30d": pa.array([n % 7 for n in range(customers)] + [0], pa.int64()),
            "last_active_on": pa.array([AS_OF] * customers + [None], pa.date32()),
        }
    )


def _interactions(rng: np.random.Generator, taste: np.ndarray, kind: np.ndarray, days: int) -> pa.Table:
    keys = set()
    for customer in range(len(taste)):
        for _ in range(14):
            likes = np.flatnonzero(kind == taste[customer]) if rng.random() < 0.85 else np.arange(len(kind))
            keys.add((customer, int(rng.choice(likes)), int(rng.integers(0, days))))
    rows = sorted(keys)
    bought = [int(rng.random() < 0.5) for _ in rows]
    return pa.table(
        {
            "customer_id": [f"C{row[0]:03d}" for row in rows],
            "product_id": [f"P{row[1]:03d}" for row in rows],
            "interacted_on": [AS_OF - timedelta(days=row[2]) for row in rows],
            "view_count": pa.array([1] * len(rows), pa.int64()),
            "cart_count": pa.array([0] * len(rows), pa.int64()),
            "purchase_count": pa.array(bought, pa.int64()),
            "rating": pa.array([None] * len(rows), pa.float64()),
            "weight": [1.0 + 5.0 * count for count in bought],
        }
    )


def _rfm(rng: np.random.Generator, customers: int) -> pa.Table:
    is_good = np.arange(customers) % 2 == 0
    frequency = np.where(is_good, rng.integers(8, 15, customers), rng.integers(1, 3, customers))
    recency = np.where(is_good, rng.integers(0, 9, customers), rng.integers(50, 99, customers))
    repeat = [None if n == 1 else Decimal(int(n - 1) * _spend(who)) for who, n in enumerate(frequency)]
    return pa.table(
        {
            "customer_id": _names("C", customers),
            "recency_days": pa.array(recency, pa.int32()),
            "frequency": pa.array(frequency, pa.int64()),
            "order_day_count": pa.array(frequency, pa.int64()),
            "tenure_days": pa.array(recency + GAP_DAYS * (frequency - 1), pa.int32()),
            "repeat_net_amount": pa.array(repeat, pa.decimal128(18, 2)),
            "monetary_amount": pa.array([Decimal(int(n) * 100) for n in frequency], pa.decimal128(18, 2)),
            "as_of_on": [AS_OF] * customers,
        }
    )


def _spend(customer: int) -> int:
    """What a customer pays each time."""
    return 90 + 5 * (customer % 5)


def _orders(rfm: pa.Table) -> pa.Table:
    """The order lines of which the customers' figures are told: two on each day, `GAP_DAYS` apart; and a view."""
    rows = [
        {
            "customer_id": row["customer_id"],
            "kind": "order_line",
            "occurred_on": AS_OF - timedelta(days=row["recency_days"] + GAP_DAYS * back),
            "is_purchase": True,
            "net_amount": Decimal(_spend(who)) / 2,
        }
        for who, row in enumerate(rfm.to_pylist())
        for back in range(row["frequency"])
        for _ in range(2)
    ]
    other = {"kind": "view", "occurred_on": AS_OF, "is_purchase": False, "net_amount": None}
    schema = pa.schema(
        [
            ("customer_id", pa.string()),
            ("kind", pa.string()),
            ("occurred_on", pa.date32()),
            ("is_purchase", pa.bool_()),
            ("net_amount", pa.decimal128(18, 2)),
        ]
    )
    return pa.Table.from_pylist([*rows, {"customer_id": "C000", **other}], schema)


def _channel_returns() -> pa.Table:
    """Mails, texts and ads, a hundred of each in the last 30 days; an ad costs more than it brings."""
    money = pa.decimal128(18, 2)
    return pa.table(
        {
            "channel": ["sms", "email", "display"],
            "currency": ["CNY"] * 3,
            "contact_count_30d": pa.array([100] * 3, pa.int64()),
            "contact_count_90d": pa.array([300] * 3, pa.int64()),
            "revenue_30d_amount": pa.array([Decimal(300), Decimal(200), Decimal(10)], money),
            "revenue_90d_amount": pa.array([Decimal(900), Decimal(600), Decimal(30)], money),
            "cost_per_contact": [1.0, 0.1, 0.2],
            "return_per_contact": [3.0, 2.0, 0.1],
            "return_standard_error": [0.5, 0.25, 0.05],
            "as_of_on": [AS_OF] * 3,
        }
    )


def _impressions(rng: np.random.Generator, taste: np.ndarray, days: int, count: int = 3000) -> pa.Table:
    who, creative = rng.integers(0, len(taste), count), rng.integers(0, 6, count)
    match = taste[who] == creative % 3
    second = np.sort(rng.integers(0, days * 86_400, count))
    end = datetime(AS_OF.year, AS_OF.month, AS_OF.day, tzinfo=timezone.utc)
    shown = [end - timedelta(days=days - 1) + timedelta(seconds=int(s)) for s in second]
    return pa.table(
        {
            "impression_id": [f"I{number:05d}" for number in range(count)],
            "customer_id": [f"C{number:03d}" for number in who],
            "creative_id": [f"CR{number}" for number in creative],
            "slot_id": [("top", "side")[int(n)] for n in rng.integers(0, 2, count)],
            "shown_at": pa.array(shown, pa.timestamp("us", tz="UTC")),
            "hour_of_day": pa.array([t.hour for t in shown], pa.int32()),
            "device_type": [("ios", "web")[int(n)] for n in rng.integers(0, 2, count)],
            "region": ["north"] * count,
            "prior_order_count": pa.array(rng.integers(0, 9, count), pa.int64()),
            "days_since_prior_order": pa.array([None if n < 20 else float(n) for n in rng.integers(0, 99, count)]),
            "age_years": pa.array([None if n < 20 else int(n) for n in rng.integers(0, 80, count)], pa.int32()),
            "prior_top_category": [TASTES[k] for k in taste[who]],
            "prior_top_category_rate": [0.8] * count,
            "attributes": pa.array([[("topic", TASTES[int(k) % 3]), ("empty", None)] for k in creative], TEXTS),
            "is_clicked": [bool(x) for x in rng.random(count) < np.where(match, 0.30, 0.03)],
        }
    )


def leaving(customers: int = 60, days: int = 100) -> pa.Table:
    """Everybody buys in the first week; every third customer leaves by four fifths of the days, others come often."""
    rng = np.random.default_rng(13)
    keys = set()
    for customer in range(customers):
        until = int(rng.integers(days // 5, 4 * days // 5)) if customer % 3 == 0 else days
        gap = 6 if customer % 3 == 0 else 3
        keys |= {(customer, int(rng.integers(0, min(7, days))), True)}
        keys |= {(customer, day, bool(rng.random() < 0.3)) for day in range(until) if rng.random() < 1 / gap}
    rows = sorted(keys)
    return pa.table(
        {
            "customer_id": [f"C{row[0]:03d}" for row in rows],
            "kind": ["order_line" if row[2] else "view" for row in rows],
            "is_purchase": [row[2] for row in rows],
            "gross_amount": pa.array([Decimal(10 * row[2]) for row in rows], pa.decimal128(18, 2)),
            "occurred_on": [AS_OF - timedelta(days=days - 1 - row[1]) for row in rows],
        }
    )


def _memberships(customers: int) -> pa.Table:
    """Of every third customer, from the second on; they end in 40 days."""
    members = [number for number in range(customers) if number % 3 == 1]
    return pa.table(
        {
            "customer_id": [f"C{number:03d}" for number in members],
            "started_on": pa.array([AS_OF - timedelta(days=325)] * len(members), pa.date32()),
            "expires_on": pa.array([AS_OF + timedelta(days=40)] * len(members), pa.date32()),
        }
    )


def _tickets(customers: int, days: int) -> pa.Table:
    """Six tickets of every customer, spread evenly over the days; the last customer's have no score yet."""
    rows = [(n, place) for n in range(customers) for place in range(len(TICKETS))]
    end = datetime(AS_OF.year, AS_OF.month, AS_OF.day, 12, tzinfo=timezone.utc)
    opened = [end - timedelta(days=(7 * n + place) % days) for n, place in rows]
    return pa.table(
        {
            "source": ["shop"] * len(rows),
            "ticket_id": [f"T{number:04d}" for number in range(len(rows))],
            "customer_id": [f"C{n:03d}" for n, _ in rows],
            "subject": [f"Order {n}" for n, _ in rows],
            "body": [TICKETS[place][1] for _, place in rows],
            "satisfaction": pa.array(
                [None if n == customers - 1 else TICKETS[place][0] for n, place in rows], pa.float64()
            ),
            "opened_at": pa.array(opened, pa.timestamp("us", tz="UTC")),
        }
    )
