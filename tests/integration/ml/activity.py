"""What happened in a small shop, as gold.feat_activity: who came lately buys, who did not does not."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa

CUSTOMERS = 200
WEEKS = 13


def habits(as_of: date) -> pa.Table:
    """Customers of whom half come every week or so; most of those buy within a month, and few of the others."""
    rng = np.random.default_rng(12)
    rows = []
    for customer in range(CUSTOMERS):
        is_regular = customer % 2 == 0
        for week in range(WEEKS):
            day = as_of - timedelta(days=7 * week + int(rng.integers(0, 7)))
            name = f"C{customer:03d}"
            if is_regular or rng.random() < 0.05:
                rows.append((name, f"S{customer}-{week}", "view", "app", False, None, day))
            if rng.random() < (0.42 if is_regular else 0.025):
                rows.append((name, f"O{customer}-{week}", "order_line", "store", True, Decimal(50), day))
        first = as_of - timedelta(days=7 * WEEKS)
        rows.append((f"C{customer:03d}", f"R{customer}", "registration", None, False, None, first))
    columns = list(zip(*rows, strict=True))
    amount = pa.array(columns[5], pa.decimal128(18, 2))
    return pa.table(
        {
            "customer_id": columns[0],
            "happening_id": columns[1],
            "kind": columns[2],
            "channel": columns[3],
            "is_purchase": columns[4],
            "is_return": [False] * len(rows),
            "gross_amount": amount,
            "net_amount": amount,
            "discount_amount": pa.array([None if one is None else Decimal(0) for one in columns[5]], amount.type),
            "occurred_on": columns[6],
        }
    )
