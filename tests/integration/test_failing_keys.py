"""The keys of failing rows as files tell them are those that Spark tells."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from lakehouse.quality import Rule
from lakehouse.quality.failing_keys import failing_keys
from lakehouse.quality.failing_rows import sample_failing_rows
from lakehouse.quality.file_counts import MeasuredRows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
ROWS = pa.table(
    {
        "id": ["b", "ä", None, "a", "10", "9", "B", "c", "d", "b"],
        "line": pa.array([1, 10, 9, None, -3, 2, 100, 4, 5, 6], pa.int32()),
        "day": pa.array([date(2025, 1, n + 1) for n in range(9)] + [None], pa.date32()),
        "at": pa.array(
            [datetime(2025, 1, n + 1, 10, 0, 0, micro, timezone.utc) for n, micro in enumerate((0, 1, 120000, 10, 0))]
            + [datetime(2025, 1, 1, 0, 0, 0, tzinfo=timezone.utc)] * 4
            + [None],
            pa.timestamp("us", "UTC"),
        ),
        "is_sale": [True, False, None, True, True, False, None, True, False, True],
        "state": ["paid", "lost", None, "open", "lost", "paid", None, "x", "paid", "paid"],
        "price": pa.array([1, -2, 3, -4, 5, -6, 7, -8, None, 10]).cast(pa.decimal128(21, 2)),
    }
)
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("expect_column_values_to_not_be_null", {"column": "state"}),
    ("expect_column_values_to_be_in_set", {"column": "state", "value_set": ["paid", "open"]}),
    ("expect_column_values_to_be_between", {"column": "price", "min_value": 0}),
    ("expect_column_values_to_be_between", {"column": "line", "max_value": 5, "strict_max": True}),
    ("expect_rows_to_satisfy", {"condition": "price > 0 or state = 'lost'"}),
    ("expect_rows_to_satisfy", {"condition": "is_sale"}),
    ("expect_key_to_be_unique", {"columns": ["id"]}),
    ("expect_key_to_be_unique", {"columns": ["is_sale", "state"]}),
    ("expect_key_to_be_unique", {"columns": ["at"]}),
]


@pytest.mark.parametrize("key", [("id",), ("line", "id"), ("day", "is_sale"), ("at", "state"), ()], ids="-".join)
@pytest.mark.parametrize(("kind", "kwargs"), KINDS, ids=[f"{kind} {list(kwargs.values())}" for kind, kwargs in KINDS])
def test_keys_are_those_of_spark(spark: SparkSession, kind: str, kwargs: dict[str, Any], key: tuple[str, ...]) -> None:
    rule = Rule(kind, "error", "somebody", kwargs)
    told = failing_keys(MeasuredRows(ROWS), rule, key, NOW)
    frame = spark.createDataFrame(
        ROWS.to_pylist(),
        "id string, line int, day date, at timestamp, is_sale boolean, state string, price decimal(21, 2)",
    )
    assert told == sample_failing_rows(rule, None, frame, lambda: None, key).keys
    assert bool(told) == bool(key)


def test_what_files_cannot_tell_is_left_to_spark() -> None:
    by_price = Rule("expect_column_values_to_not_be_null", "error", "somebody", {"column": "state"})
    assert failing_keys(MeasuredRows(ROWS), by_price, ("price",), NOW) is None
