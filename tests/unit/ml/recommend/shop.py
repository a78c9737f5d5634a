"""Small interaction histories written out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ml.recommend.features import NEVER, Daily, Interactions, interactions

Row = tuple[str, str, float, int, int | None]


def history(rows: Sequence[Row], customers: Sequence[str], products: Sequence[str]) -> Interactions:
    """Interactions from (customer, product, weight, purchases, day of the last purchase): one view, then one purchase
    a day.
    """
    days = [
        (customers.index(customer), products.index(product), NEVER if last is None else last - ago, ago, weight, bought)
        for customer, product, weight, bought, last in rows
        for ago in range(max(1, bought))
    ]
    user, item, day, ago, weight, bought = np.array(days).reshape(-1, 6).T
    daily = Daily(
        user=user.astype(np.int64),
        item=item.astype(np.int64),
        day=day.astype(np.int64),
        view_count=(ago == 0).astype(np.int64),
        cart_count=np.zeros(len(days), dtype=np.int64),
        purchase_count=(bought > 0).astype(np.int64),
        is_rated=np.zeros(len(days), dtype=np.bool_),
        millionths=np.where(ago == 0, np.rint(1e6 * weight), 0).astype(np.int64),
        rating_millionths=np.zeros(len(days), dtype=np.int64),
    )
    return interactions(daily, np.array(customers, dtype=object), np.array(products, dtype=object))
