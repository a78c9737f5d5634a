"""An answer as JSON is written as Spark's `to_json` writes it."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from decimal import Decimal

import pyarrow as pa
import pytest

from lakehouse.cli.records import record, tuples


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "null"),
        (True, "true"),
        (Decimal("12.30"), "12.30"),
        (Decimal("1E+3"), "1000"),
        (0.1, "0.1"),
        (float("nan"), '"NaN"'),
        (float("-inf"), '"-Infinity"'),
        ("Zürich 北京", '"Zürich 北京"'),
        (date(2025, 1, 2), '"2025-01-02"'),
        (datetime(2025, 1, 2, 3, 4, 5), '"2025-01-02T03:04:05.000Z"'),
        (b"ab", '"YWI="'),
        ([1, None], "[1,null]"),
        ([("a", Decimal("1.50"))], '{"a":1.50}'),
        ({"a": [datetime(2025, 1, 2, tzinfo=timezone.utc)]}, '{"a":["2025-01-02T00:00:00.000Z"]}'),
    ],
)
def test_a_value_is_written_as_spark_does(value: object, told: str) -> None:
    assert record(["x"], [value]) == f'{{"x":{told}}}'
    json.loads(record(["x"], [value]))


def test_times_lose_their_zone_which_is_utc() -> None:
    moment = datetime(2025, 1, 2, 3, tzinfo=timezone.utc)
    assert tuples(pa.table({"at": pa.array([moment], pa.timestamp("us", tz="UTC"))})) == [(datetime(2025, 1, 2, 3),)]
