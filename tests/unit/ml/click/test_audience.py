from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
from deltalake import write_deltalake

from lakehouse.settings import load_settings
from ml.click.audience import tastes

DAY, LATER = date(2025, 6, 1), date(2025, 7, 1)
VIEWS = [
    ("ann", "book", DAY, 2),
    ("ann", "toy", DAY, 1),
    ("ann", "toy", date(2025, 5, 1), 1),
    ("ann", "thing", DAY, 1),
    ("ann", "book", LATER, 9),
    ("ann", "book", None, 9),
    ("ann", "unlisted", DAY, 9),
    ("bob", "thing", DAY, 3),
    ("cho", "toy", DAY, 0),
    (None, "toy", DAY, 5),
]


def test_a_taste_is_the_category_of_most_views_and_its_share_of_all(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    names = ("customer_id", "product_id", "interacted_on", "view_count")
    views = pa.table([pa.array(column) for column in zip(*VIEWS)], list(names))
    products = pa.table({"product_id": ["book", "thing", "toy"], "category_level_1": ["Books", None, "Toys"]})
    write_deltalake(settings.table_path("gold", "feat_interactions"), views)
    write_deltalake(settings.table_path("gold", "feat_product"), products)

    told = tastes(settings, date(2025, 6, 30))

    assert told.index.tolist() == ["ann", "bob"]  # cho looked at nothing
    assert told["taste"].tolist() == ["Toys", None]  # of equals the last by name; the thing has no category
    assert told["taste_rate"].iloc[0] == 2 / 5
    assert pd.isna(told["taste_rate"].iloc[1])
    assert tastes(load_settings(home=tmp_path / "other"), DAY).empty
