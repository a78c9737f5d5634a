"""Tallies and profiles: by hand, against pandas, and the same however a file is cut."""

from __future__ import annotations

from datetime import datetime, timezone

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.bronze import tallies
from lakehouse.bronze.garbling import is_garbled, likely_encoding
from lakehouse.bronze.profiles import ColumnProfile, profile_columns
from lakehouse.bronze.shapes import kind_of, shape_of
from lakehouse.bronze.tallies import Tally, merge, tally


def tallied(values: list[str | None], first: int = 1) -> Tally:
    return tally(pa.array(range(first, first + len(values))), {"x": pa.array(values, pa.string())})


def profile(values: list[str | None]) -> ColumnProfile:
    return profile_columns(tallied(values))["x"]


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.one_of(st.none(), st.text("ab1.", max_size=3), st.integers(0, 999).map(str)), max_size=300),
    cut=st.integers(0, 300),
    rows=st.integers(4, 64),
)
def test_the_tally_of_two_blocks_merged_is_that_of_the_whole(values: list[str | None], cut: int, rows: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tallies, "SAMPLE_ROWS", rows)
        whole = tallied(values)
        both = merge(tallied(values[:cut]), tallied(values[cut:], min(cut, len(values)) + 1))
        assert (whole.rows, whole.nulls, whole.values, whole.halvings) == (
            *(both.rows, both.nulls, both.values, both.halvings),
        )
        assert whole.numbers.tolist() == both.numbers.tolist()
        assert profile_columns(whole) == profile_columns(both)


def test_a_sample_is_spread_over_the_file_and_follows_no_period_of_it() -> None:
    values: list[str | None] = [str(i % 2) for i in range(100_000)]
    found = tallied(values)
    assert tallies.SAMPLE_ROWS / 2 < len(found.numbers) <= tallies.SAMPLE_ROWS
    by_tenth = np.bincount(found.numbers // 10_001)
    assert by_tenth.min() > 0.9 * by_tenth.max()
    assert profile_columns(found)["x"].mean == pytest.approx(0.5, abs=0.03)


def test_figures_are_those_of_pandas() -> None:
    random = np.random.default_rng(3)
    numbers = random.lognormal(3, 1, 1000).round(2)
    values: list[str | None] = [None if i % 7 == 0 else f"{n:.2f}" for i, n in enumerate(numbers)]
    found, series = profile(values), pd.Series(numbers)[np.arange(1000) % 7 != 0]
    assert found.null_count == 1000 - len(series)
    assert (found.low, found.middle, found.high) == pytest.approx(tuple(series.quantile([0.1, 0.5, 0.9])))
    assert found.mean == pytest.approx(series.mean())
    assert (float(found.min_value or 0), float(found.max_value or 0)) == (series.min(), series.max())
    assert found.kinds == {"decimal": 1.0}


@pytest.mark.filterwarnings("error")
def test_a_number_too_large_for_a_double_moves_no_figure() -> None:
    numbers: list[str | None] = [str(i) for i in range(101)]
    found = profile([*numbers, "1e400"])
    assert (found.low, found.middle, found.high, found.mean) == (10.0, 50.0, 90.0, 50.0)
    assert profile(["1e400"] * 20).mean is None


def test_values_are_counted_exactly_where_they_are_few() -> None:
    values: list[str | None] = ["web"] * 60 + ["app"] * 30 + [None] * 10
    found = profile(values)
    assert (found.values, found.is_category, found.null_count) == ({"web": 60, "app": 30}, True, 10)
    assert profile([str(i) for i in range(65)]).values is None


def test_no_value_of_a_personal_column_is_kept() -> None:
    found = profile_columns(tallied(["2001-02-03"] * 50), personal={"x"})["x"]
    assert (found.values, found.is_category, found.min_value, found.max_value, found.newest_at) == (
        *(None, False, None, None, None),
    )
    assert found.kinds == {"9999-99-99": 1.0}


@pytest.mark.parametrize(
    ("value", "shape", "kind"),
    [
        ("12", "99", "integer"),
        ("-12.50", "-99.99", "decimal"),
        ("1.234,5", "9.999,9", "decimal comma"),
        ("1,234,567.8", "9,999,999.9", "grouped number"),
        ("1.2E+11", "9.9a+99", "exponent"),
        ("2024-01-31", "9999-99-99", "9999-99-99"),
        ("2024-01-31T10:00:00.123Z", "9999-99-99a99:99:99.999a", "9999-99-99T99:99:99Z"),
        ("1/31/2024 9:05", "9/99/9999 9:99", "99/99/9999 99:99"),
        ("3 März 2024", "9 a 9999", "99 a 9999"),
        ("上海 12号", "a 99a", "text"),
        ("192.168.1.1", "999.999.9.9", "text"),
    ],
)
def test_a_value_has_a_shape_and_a_kind(value: str, shape: str, kind: str) -> None:
    assert shape_of(value) == shape
    assert kind_of(shape) == kind


def test_a_turn_is_found_where_it_is_and_a_mixture_is_none() -> None:
    iso, other = "2024-05-06", "06/05/2024"
    turned = profile([iso] * 30 + [other] * 70).turn
    assert (turned.strength, turned.row, turned.before, turned.after) == (1.0, 31, "9999-99-99", "99/99/9999")
    random = np.random.default_rng(1)
    mixed = profile([iso if one else other for one in random.random(1000) < 0.5]).turn
    assert mixed.strength < 0.6
    rare = profile([other if one else iso for one in random.random(1000) < 0.02]).turn
    assert rare.strength < 0.2
    assert profile([iso] * 12 + [other] * 5).turn.strength == 0.0


def test_the_newest_time_does_not_follow_a_mistyped_year() -> None:
    values: list[str | None] = [f"2024-05-{1 + i % 28:02d} 10:00:00" for i in range(500)]
    expected = datetime(2024, 5, 28, 10, tzinfo=timezone.utc)
    assert profile(values).newest_at == expected
    assert profile([*values, "2042-01-01 00:00:00"]).newest_at == expected
    assert profile(["31/12/2023", "02/01/2024"] * 20).newest_at == datetime(2024, 1, 2, tzinfo=timezone.utc)
    assert profile(["1700000000", "1710000000"] * 20).newest_at == datetime(2024, 3, 9, 16, tzinfo=timezone.utc)


@pytest.mark.parametrize("text", ["Müller", "Größe", "上海市浦东新区", "男", "联通", "Łódź", "ascii"])
def test_right_text_is_not_garbled_and_is_once_it_is_read_wrongly(text: str) -> None:
    assert not is_garbled(text)
    if not text.isascii():
        assert is_garbled(text.encode().decode("latin-1"))


def test_undecodable_lines_show_their_encoding() -> None:
    chinese = "1,上海市浦东新区".encode("gb18030").decode("utf-8", "backslashreplace")
    german = "1,Müller,Größe".encode("latin-1").decode("utf-8", "backslashreplace")
    assert (likely_encoding([chinese]), likely_encoding([german]), likely_encoding(["1,a"])) == (
        *("gb18030", "latin-1", None),
    )
