"""Features of a day from rows that can be added up by hand, and that no later row has a say in them."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from lakehouse.settings import Settings, load_settings
from ml.traits.activity import Activity, read_activity
from ml.traits.features import (
    SALES,
    Cuts,
    broad,
    common_tokens,
    cuts,
    has_interests,
    read_both,
    read_people,
    sales_by,
    shares,
    spent_after,
    thirds,
)
from ml.traits.learn import known_by
from tests.unit.ml.traits.shop import AS_OF, Row, look, sale, write

MARCH, MAY, JUNE = (day.toordinal() for day in (date(2025, 3, 31), date(2025, 5, 31), AS_OF))
HISTORY = [
    look("ann", "2025-03-01", "Beauty", category="Skin", brand="Finch", device_type="ios", local_hour=23),
    look("ann", "2025-03-31", "Beauty", category="Hair", kind="add_to_cart"),
    look("ann", "2025-05-30", "Food", local_hour=6),
    look("ann", "2025-05-30", "Food", kind="search"),  # no look
    look("ann", "2025-05-30", "Food", kind="order_line"),  # a return
    sale("ann", "2025-04-01", "10.10", quantity=3, category_level_1="Food"),
    sale("ann", "2025-04-01", "9.90", discount="5"),
    sale("ann", "2025-05-01", "30"),
    sale("ann", "2025-05-31", "40", discount="5", quantity=2),
    look("bob", "2025-05-31", None, device_type="ios"),
    look(None, "2025-05-31", "Beauty"),
]
FUTURE = [
    look("ann", "2025-06-01", "Beauty"),
    look("cho", "2025-06-02", "Beauty"),
    sale("ann", "2025-06-01", "500", category_level_1="Food"),
    sale("cho", "2025-06-30", "7"),
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home")


def seen(settings: Settings, rows: list[Row], *edges: int) -> Activity:
    write(settings, rows)
    return read_activity(settings, edges)


def test_a_share_is_of_the_looks_and_sales_that_tell_its_field_with_three_more_at_nothing(settings: Settings) -> None:
    found = seen(settings, HISTORY + FUTURE, MARCH, MAY, JUNE)
    assert found.customers.tolist() == ["ann", "bob", "cho"]
    tokens = ("brand=Finch", "category_level_1=Beauty", "category_level_1=Food", "day_part=evening", "device_type=ios")
    of_may = shares(found, MAY, tokens)
    # Four tell a category: Beauty twice, Food looked at once and bought once; two tell an hour, one a brand.
    assert of_may[0] == pytest.approx([1 / 4, 2 / 7, 2 / 7, 1 / 5, 1 / 4])
    assert of_may[1] == pytest.approx([0, 0, 0, 0, 1 / 4])
    assert of_may[2].tolist() == [0, 0, 0, 0, 0]
    assert shares(found, MARCH, tokens)[0] == pytest.approx([1 / 4, 2 / 5, 0, 1 / 4, 1 / 4])
    assert has_interests(found, MAY, tokens).tolist() == [True, False, False]  # a device is no interest
    assert found.is_seen(MARCH).tolist() == [True, False, False]
    assert found.is_seen(MAY).tolist() == [True, True, False]


def test_sales_are_summed_by_the_days_and_months_before_the_cut(settings: Settings) -> None:
    found = seen(settings, HISTORY + FUTURE, MAY, JUNE)
    ann = dict(zip(SALES, sales_by(found, MAY, 61).values[0], strict=True))
    assert ann == pytest.approx(
        {
            # 1 April is 60 days back, 1 May 30 and 31 May none: three months.
            "amount_per_buying_month": 30.0,
            "amount_per_sale_day": 30.0,
            "amount": 90.0,
            "largest_day_amount": 40.0,
            "sale_days": 3.0,
            "units_per_line": 7 / 4,
            "discount_rate": 0.1,
        }
    )
    shorter = dict(zip(SALES, sales_by(found, MAY, 60).values[0], strict=True))
    assert (shorter["amount"], shorter["sale_days"]) == (70.0, 2.0)
    assert np.isnan(sales_by(found, MAY, 61).values[1:]).all()


def test_what_is_spent_later_is_that_of_the_days_after_the_cut(settings: Settings) -> None:
    found = seen(settings, HISTORY + FUTURE, MAY, JUNE)
    assert spent_after(found, MAY, 30).tolist()[0::2] == [500.0, 7.0]
    assert np.isnan(spent_after(found, MAY, 30)[1])
    assert np.isnan(spent_after(found, MAY, 29)[2])
    assert spent_after(found, MARCH, 30)[0] == 20.0  # to 30 April


def test_thirds_are_of_equal_size_and_equal_amounts_share_one() -> None:
    assert thirds(np.array([5.0, 1.0, 3.0, 2.0, 6.0, 4.0])).tolist() == [2, 0, 1, 0, 2, 1]
    assert thirds(np.array([1.0, 1.0, 1.0, 9.0])).tolist() == [0, 0, 0, 2]


@pytest.mark.parametrize(
    ("days", "horizon"), [(365, 90), (360, 90), (359, 89), (120, 30)], ids=["year", "360", "359", "120"]
)
def test_the_cuts_are_ninety_days_apart_or_a_quarter_of_what_there_is(days: int, horizon: int) -> None:
    found = cuts(1001, 1000 + days)
    assert found == Cuts(1000 + days - 2 * horizon, 1000 + days - horizon, 1000 + days)
    assert found.horizon == horizon


def test_there_are_no_cuts_of_less_than_a_hundred_and_twenty_days_nor_without_a_sale() -> None:
    assert cuts(1001, 1119) is None
    assert cuts(0, 800_000) is None


def test_a_token_needs_a_hundredth_of_the_customers(settings: Settings) -> None:
    rows = [look(f"c{n:03d}", "2025-05-01", "Beauty" if n else "Rare", brand=f"b{n % 150}") for n in range(200)]
    found = seen(settings, rows, MAY)
    kept = common_tokens(found, MAY)
    # One of 200 is less than a hundredth; of brands only those of two customers reach it, b0 to b49.
    assert broad(kept) == ("category_level_1=Beauty",)
    assert {token for token in kept if token.startswith("brand=")} == {"brand=b" + str(n) for n in range(50)}


def test_nothing_after_the_cut_changes_what_is_known_on_it(settings: Settings) -> None:
    before = seen(settings, HISTORY, MARCH, MAY)
    tokens = common_tokens(before, MAY)
    for rows in (HISTORY + FUTURE, (HISTORY + FUTURE)[::-1]):
        after = seen(settings, rows, MARCH, MAY, JUNE)
        assert common_tokens(after, MAY) == tokens
        for cut in (MARCH, MAY):
            was, is_now = known_by(before, cut, 60, tokens), known_by(after, cut, 60, tokens)
            np.testing.assert_array_equal(was[0], is_now[0][:2])
            assert was[1].tolist() == is_now[1].tolist()[:2]
            assert not is_now[1][2]  # cho is not there yet
        by_then = seen(settings, rows, MARCH, MAY)
        for field in fields(Activity):
            np.testing.assert_array_equal(getattr(by_then, field.name), getattr(before, field.name))


def test_people_are_those_whom_a_source_lists_and_those_who_did_something(settings: Settings) -> None:
    write(
        settings,
        HISTORY,
        [
            {"customer_id": "bob", "gender": "male", "given_name": "伟"},
            {"customer_id": "dan", "gender": None, "given_name": None},
            {"customer_id": "eve", "gender": "female", "given_name": "eve"},
        ],
    )
    people = read_people(settings, read_activity(settings, [MAY]))
    assert people.ids.tolist() == ["ann", "bob", "dan", "eve"]
    assert people.is_told.tolist() == [False, True, False, True]
    assert people.gender[people.is_told].tolist() == [0.0, 1.0]
    assert people.given_name.tolist() == [None, "伟", None, "eve"]
    assert people.place.tolist() == [0, 1, -1, -1]


def test_a_home_without_either_table_has_nobody(settings: Settings) -> None:
    found, people, days = read_both(settings, AS_OF)
    assert len(found.customers) == len(people.ids) == 0
    assert days is None
    assert common_tokens(found, JUNE) == ()
    assert shares(found, JUNE, ()).shape == (0, 0)
