"""Small interaction histories written out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ml.recommend.features import Interactions, interactions

Row = tuple[str, str, float, int, int | None]


def history(rows: Sequence[Row], customers: Sequence[str], products: Sequence[str]) -> Interactions:
    """Interactions from (customer, product, weight, purchases, day of the last purchase)."""
    frame = pd.DataFrame(rows, columns=["customer_id", "product_id", "weight", "purchase_count", "last_bought_day"])
    frame = frame.assign(
        view_count=1,
        cart_count=0,
        rating_count=0,
        bought_days=frame["purchase_count"],
        last_bought_day=frame["last_bought_day"].astype("float64"),
    )
    return interactions(frame, np.array(customers, dtype=object), np.array(products, dtype=object))
