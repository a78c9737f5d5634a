"""A table of gold as small numbers: the same as its rows, whatever its files hold."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from lakehouse.settings import Settings, load_settings
from ml.coded import NO_DAY, Coded, coded, read_once
from ml.happenings import Happenings, read_happenings
from ml.tables import withholding

ROWS = [
    ("bob", "view", True, date(2025, 1, 2), Decimal("1.10"), 3),
    (None, "send", True, date(2025, 1, 1), Decimal("9.99"), 1),
    ("ann", None, None, None, None, None),
    ("bob", "cart", False, date(2025, 1, 1), Decimal("-0.07"), 2),
]
SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("kind", pa.string()),
        ("is_purchase", pa.bool_()),
        ("occurred_on", pa.date32()),
        ("net_amount", pa.decimal128(18, 2)),
        ("quantity", pa.int32()),
    ]
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Two files, whose dictionaries differ."""
    found = load_settings(home=tmp_path)
    for part in (ROWS[:2], ROWS[2:]):
        rows = pa.Table.from_pylist([dict(zip(SCHEMA.names, row)) for row in part], SCHEMA)
        write_deltalake(found.table_path("gold", "feat_activity"), rows, mode="append")
    return found


def by_rows(told: Happenings) -> list[tuple[object, ...]]:
    kind, every = told.named("kind"), told.customer >= 0
    return sorted(
        zip(
            told.customers[told.customer].tolist(),
            [None if code < 0 else kind.names[code] for code in kind.code],
            told.flags("is_purchase").tolist(),
            told.day.tolist(),
            told.cents("net_amount", every).tolist(),
            told.integers("quantity", every, -1).tolist(),
            strict=True,
        )
    )


def test_rows_of_who_is_withheld_are_none(settings: Settings) -> None:
    with read_once():
        assert len(coded(settings, "feat_activity", Coded).named("kind").code) == 4
        with withholding(["bob"]):
            told = coded(settings, "feat_activity", Coded)
            assert [told.named("kind").names[code] for code in told.named("kind").code if code >= 0] == ["send"]
            assert sorted(told.flags("is_purchase").tolist()) == [False, True]
            assert read_happenings(settings).customers.tolist() == ["ann"]


def test_the_rows_of_known_customers_are_those_of_the_table(settings: Settings) -> None:
    told = read_happenings(settings)
    assert by_rows(told) == [
        ("ann", None, False, NO_DAY, 0, -1),
        ("bob", "cart", False, date(2025, 1, 1).toordinal(), -7, 2),
        ("bob", "view", True, date(2025, 1, 2).toordinal(), 110, 3),
    ]
    assert told.customers.tolist() == ["ann", "bob"]
    assert told.first_day.tolist() == [NO_DAY, date(2025, 1, 1).toordinal()]
    assert told.named("kind").is_in("view", "unheard of").sum() == 1


def test_equal_texts_have_one_number_and_rows_are_picked_among_the_known(settings: Settings) -> None:
    told = read_happenings(settings)
    of_bob = told.customer == 1
    assert len(set(told.different("customer_id", of_bob))) == 1
    assert len(set(told.different("kind", of_bob))) == 2
    assert sorted(told.numbers("net_amount", of_bob)) == [-0.07, 1.1]


def test_a_column_or_a_table_that_is_not_there_tells_nothing(settings: Settings) -> None:
    told = read_happenings(settings)
    every = told.customer >= 0
    assert told.named("brand").code.tolist() == [-1, -1, -1]
    assert told.flags("is_return").tolist() == [False] * 3
    assert told.days("never_on").tolist() == [NO_DAY] * 3
    assert told.cents("gross_amount", every).tolist() == [0, 0, 0]
    nothing = coded(settings, "feat_interactions", Coded)
    assert (nothing.named("customer_id").names, len(nothing.days("interacted_on"))) == ((), 0)
    assert len(nothing.numbers("weight", nothing.flags("is_rated"))) == 0


def test_what_was_read_is_kept_while_the_table_stands_as_it_is_and_no_longer(settings: Settings) -> None:
    assert read_happenings(settings) is not read_happenings(settings)
    with read_once():
        first = read_happenings(settings)
        assert read_happenings(settings) is first
        assert len(first.customer) == 3
        DeltaTable(settings.table_path("gold", "feat_activity")).delete("customer_id = 'ann'")
        assert read_happenings(settings).customers.tolist() == ["bob"]
    assert read_happenings(settings) is not read_happenings(settings)
