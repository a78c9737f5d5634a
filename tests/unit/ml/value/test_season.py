from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

from lakehouse.settings import load_settings
from ml.value.season import read_repeat_days

SALES = [
    ("ann", "order_line", True, date(2025, 1, 5)),
    ("ann", "order_line", True, date(2025, 1, 5)),
    ("ann", "order_line", True, date(2025, 1, 9)),
    ("ann", "order_line", True, date(2025, 1, 9)),
    ("ann", "order_line", False, date(2025, 1, 10)),
    ("ann", "order_line", True, date(2025, 3, 1)),
    ("bob", "order_line", True, date(2025, 1, 7)),
    ("bob", "purchase", True, date(2025, 1, 8)),
    ("bob", "order_line", True, date(2025, 1, 8)),
    (None, "order_line", True, date(2025, 1, 8)),
]


def test_repeat_days_are_days_with_a_sale_after_the_first_up_to_the_day(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    names = ["customer_id", "kind", "is_purchase", "occurred_on"]
    rows = pa.table([pa.array(column) for column in zip(*SALES)], names)
    write_deltalake(settings.table_path("gold", "feat_activity"), rows)

    days = read_repeat_days(settings, date(2025, 2, 1))

    assert days.tolist() == [date(2025, 1, 8).toordinal(), date(2025, 1, 9).toordinal()]
    assert read_repeat_days(load_settings(home=tmp_path / "other"), date(2025, 2, 1)).tolist() == []
