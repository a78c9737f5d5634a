"""What the models of the benchmark learn from, as arrays for both sides: python model_inputs.py SHOP TABLES FOLDER

Made of a peer's tables and the shop's impressions:

- `pairs.npz`: `user`, `item`, `weight`, a pair per customer and product that they touched, in that order;
- `points.npz`: `points`, customers x 4 (recency, frequency, value, mean order): logarithms, unit variance;
- `impressions.npz`: `ends`, `columns`, impressions as one-hot rows in the order of time, words of ten columns hashed
  into 2^17; `label`, whether it was clicked.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from duckdb_lakehouse import connect, scan

HASHED_INTO = 1 << 17


def main() -> None:
    shop, tables, folder = (Path(given) for given in sys.argv[1:4])
    connection = connect()
    pairs = connection.sql(
        f"""
        with touched as (
            select customer_id, product_id, case event_type when 'view' then 1 else 3 end as weight
            from {scan(tables / "silver/events")} where is_known_customer and is_known_product
            union all
            select customer_id, product_id, 5
            from {scan(tables / "silver/order_lines")} where is_sale and is_known_product
        )
        select
            (dense_rank() over (order by customer_id) - 1)::integer as user,
            (dense_rank() over (order by product_id) - 1)::integer as item,
            ln(1 + sum(weight))::float as weight
        from touched group by customer_id, product_id order by 1, 2
        """
    ).fetchnumpy()
    np.savez(folder / "pairs.npz", **pairs)
    rfm = connection.sql(
        f"""
        select ln(1 + recency_days), ln(1 + frequency), ln(1 + greatest(monetary_amount::double, 0)),
            ln(1 + greatest(average_order_amount::double, 0))
        from {scan(tables / "gold/rfm")} order by customer_id
        """
    ).fetchnumpy()
    points = np.column_stack(list(rfm.values()))
    np.savez(folder / "points.npz", points=(points - points.mean(axis=0)) / points.std(axis=0))
    names = ["campaign", "creative", "slot", "device", "province", "ad_category", "audience", "user_id"]
    words = [f"'{name}=' || coalesce({name}, 'unknown')" for name in names]
    words += ["'hour=' || hour(ts)", "'weekday=' || dayofweek(ts)"]
    shown = connection.sql(
        f"""
        select {", ".join(f"(hash({word}) % {HASHED_INTO})::integer as w{n}" for n, word in enumerate(words))},
            clicked::double as label
        from read_parquet('{shop}/ads/impressions-*.parquet') order by ts, imp_id
        """
    ).fetchnumpy()
    label = shown.pop("label")
    columns = np.column_stack(list(shown.values()))
    ends = np.arange(0, columns.size + 1, columns.shape[1])
    np.savez(folder / "impressions.npz", ends=ends, columns=columns.ravel(), label=label)


if __name__ == "__main__":
    main()
