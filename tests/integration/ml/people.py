"""Women who look at Beauty and men who look at Sports, of whom every third buys for much and others for little."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa

CUSTOMERS, DAYS = 360, 130


def listed() -> pa.Table:
    """gold.feat_customer_person: every sixth customer tells no gender, and every fourth has no name."""
    rows = range(CUSTOMERS)
    return pa.table(
        {
            "customer_id": [f"C{n:03d}" for n in rows],
            "gender": [None if n % 6 == 0 else "female" if is_female(n) else "male" for n in rows],
            "given_name": [None if n % 4 == 0 else "芳" if is_female(n) else "伟" for n in rows],
        }
    )


def is_female(number: int) -> bool:
    return number // 3 % 2 == 0


def doing(as_of: date) -> pa.Table:
    """gold.feat_activity: the last ten customers did nothing, the ten before them one thing that tells nothing."""
    rng = np.random.default_rng(21)
    rows = []
    for number in range(CUSTOMERS - 10):
        name, likes = f"C{number:03d}", ("Beauty", "Sports") if is_female(number) else ("Sports", "Beauty")
        if number >= CUSTOMERS - 20:
            rows.append((name, "view", "Food", False, None, as_of))
            continue
        for day in range(int(rng.integers(0, 9)), DAYS, 9):
            on = as_of - timedelta(days=day)
            rows.append((name, "view", likes[int(rng.random() < 0.3)], False, None, on))
            if rng.random() < 0.5:
                amount = (400 if number % 3 == 0 else 40) * float(rng.uniform(0.8, 1.2))
                rows.append((name, "order_line", "Food", True, Decimal(f"{amount:.2f}"), on))
    columns = list(zip(*rows, strict=True))
    return pa.table(
        {
            "customer_id": columns[0],
            "kind": columns[1],
            "category_level_1": columns[2],
            "is_purchase": columns[3],
            "net_amount": pa.array(columns[4], pa.decimal128(18, 2)),
            "occurred_on": columns[5],
        }
    )
