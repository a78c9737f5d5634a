"""Rows that repeat a key, counted in parts where they are many."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.quality import repeated_keys
from lakehouse.quality.repeated_keys import in_parts, rows_repeating_key

KINDS = {
    "text": (pa.string(), st.sampled_from(["", "a", "ba", "\u00e9a", "xxxxxa", "xxxxya", "\u597d"])),
    "large": (pa.large_string(), st.sampled_from(["1", "11"])),
    "coded": (pa.dictionary(pa.int32(), pa.string()), st.sampled_from(["shop", "other shop"])),
    "whole": (pa.int32(), st.integers(-2, 2)),
    "long": (pa.int64(), st.sampled_from([-(2**63), 0, 2**63 - 1])),
    "at": (
        pa.timestamp("us", "UTC"),
        st.sampled_from([datetime(1900, 1, 1, tzinfo=timezone.utc), datetime(2026, 1, 1, tzinfo=timezone.utc)]),
    ),
    "day": (pa.date32(), st.sampled_from([date(1, 1, 1), date(2026, 1, 1)])),
    "amount": (pa.decimal128(18, 2), st.sampled_from([Decimal("-1.00"), Decimal("1.10")])),
    "flag": (pa.bool_(), st.booleans()),
}


@st.composite
def keyed_rows(draw: st.DrawFn) -> pa.Table:
    names = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=3, unique=True))
    count = draw(st.integers(1, 40))
    columns = {
        name: pa.array(draw(st.lists(KINDS[name][1] | st.none(), min_size=count, max_size=count)), KINDS[name][0])
        for name in names
    }
    return pa.table(columns).slice(draw(st.integers(0, 3)))


def parts(rows: pa.Table, of: int) -> list[pa.Table]:
    """The rows in parts of about so many."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(repeated_keys, "ROWS_AT_ONCE", of)
        return list(in_parts(rows.num_rows, lambda: rows.to_batches(max_chunksize=7), rows.column_names))


def keys_of(rows: pa.Table) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(row.values()) for row in rows.to_pylist())


@settings(deadline=None)
@given(keyed_rows())
def test_every_row_is_in_one_part_and_equal_keys_are_in_the_same(rows: pa.Table) -> None:
    if rows.num_rows == 0:
        return
    found = [keys_of(part) for part in parts(rows, 5)]
    assert len(found) == -(-rows.num_rows // 5)
    assert sum(found, Counter()) == keys_of(rows)
    assert sum(len(keys) for keys in found) == len(keys_of(rows))


@settings(deadline=None)
@given(keyed_rows())
def test_parts_repeat_as_much_as_the_whole(rows: pa.Table) -> None:
    if rows.num_rows == 0:
        return
    repeated = [rows_repeating_key(part) for part in parts(rows, 5)]
    assert sum(count or 0 for count in repeated) == rows_repeating_key(rows) == rows.num_rows - len(keys_of(rows))


@pytest.mark.parametrize("form", ["E{:09d}", "{:x}", "2026-{:07d}-order"])
def test_ids_are_spread_evenly(form: str) -> None:
    rows = pa.table({"source": ["shop"] * 20_000, "id": [form.format(number * 977) for number in range(20_000)]})
    sizes = [part.num_rows for part in parts(rows, 2_500)]
    assert max(sizes) < 1.3 * 2_500
