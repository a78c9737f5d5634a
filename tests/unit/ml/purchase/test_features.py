"""Features of a day from rows that can be added up by hand, and that no later row has a say in them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lakehouse.settings import Settings, load_settings
from ml.happenings import Happenings, read_happenings
from ml.purchase.features import (
    COUNTS,
    LEAST_BUYERS,
    PLAIN,
    Customers,
    Cuts,
    common_channels,
    customers_at,
    cuts,
    is_enough,
    outcomes,
)

AS_OF = date(2025, 6, 30)
CUT = date(2025, 5, 31)
AMOUNT = pa.decimal128(18, 2)
SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("happening_id", pa.string()),
        ("kind", pa.string()),
        ("channel", pa.string()),
        ("is_purchase", pa.bool_()),
        ("is_return", pa.bool_()),
        ("gross_amount", AMOUNT),
        ("net_amount", AMOUNT),
        ("discount_amount", AMOUNT),
        ("occurred_on", pa.date32()),
    ]
)
Row = dict[str, Any]


def row(customer: str | None, happening: str, kind: str, day: str | None, **more: Any) -> Row:
    known = {"is_purchase": False, "is_return": False, **more}
    told = {"customer_id": customer, "happening_id": happening, "kind": kind, **known}
    return {**told, "occurred_on": None if day is None else date.fromisoformat(day)}


def sale(customer: str, order: str, day: str, gross: str, discount: str = "0", channel: str = "store") -> Row:
    amounts = {"gross_amount": Decimal(gross), "discount_amount": Decimal(discount)}
    net = Decimal(gross) - Decimal(discount)
    return row(customer, order, "order_line", day, is_purchase=True, channel=channel, net_amount=net, **amounts)


HISTORY = [
    row("ann", "r1", "registration", "2020-01-01"),
    row("ann", "s1", "view", "2025-05-31", channel="app"),
    row("ann", "s1", "view", "2025-05-31", channel="app"),
    row("ann", "s1", "add_to_cart", "2025-05-31", channel="app"),
    row("ann", "s2", "search", "2025-05-24", channel="web"),  # the eighth day back: not in the last 7
    row("ann", "s3", "view", "2025-03-02", channel="web"),  # day 91: in no window, but within the time looked back on
    row("ann", "i1", "impression", "2025-05-30"),
    row("ann", "m1", "send", "2025-05-02", channel="email"),
    row("ann", "t1", "ticket", "2025-04-01"),
    sale("ann", "o1", "2025-05-21", "40", "10"),
    sale("ann", "o1", "2025-05-21", "60"),
    sale("ann", "o2", "2025-03-22", "100", "10"),
    row("ann", "o3", "order_line", "2025-05-22", is_return=True, gross_amount=Decimal(-60)),
    sale("ann", "o4", "2024-01-01", "999"),  # before the time looked back on
    row("bob", "r2", "registration", None),  # known all along, and silent
    row("cho", "r3", "registration", "2025-06-02"),  # not there yet on the cut
    row(None, "s9", "view", "2025-05-31"),
]
FUTURE = [
    row("ann", "s1", "view", "2025-06-01", channel="web"),
    sale("ann", "o5", "2025-06-30", "500", channel="web"),
    sale("bob", "o6", "2025-07-01", "500"),
    sale("cho", "o7", "2025-06-15", "500"),
    row("dan", "s7", "view", "2025-06-03", channel="app"),
    row("ann", "s8", "add_to_cart", "2025-06-04", channel="app"),
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home")


def activity(settings: Settings, rows: list[Row]) -> Happenings:
    full = [{name: one.get(name) for name in SCHEMA.names} for one in rows]
    path = settings.table_path("gold", "feat_activity")
    write_deltalake(path, pa.Table.from_pylist(full, schema=SCHEMA), mode="overwrite")
    return read_happenings(settings)


def features(settings: Settings, rows: list[Row], cut: date = CUT, lookback: int = 120) -> Customers:
    return customers_at(activity(settings, rows), cut, lookback)


def as_dict(customers: Customers, number: int) -> dict[str, float | None]:
    values = [None if np.isnan(value) else float(value) for value in customers.plain[number]]
    return dict(zip(PLAIN, values, strict=True))


def test_counts_amounts_and_days_are_those_added_up_by_hand(settings: Settings) -> None:
    told = features(settings, HISTORY + FUTURE)
    assert told.ids.tolist() == ["ann", "bob"]
    ann = as_dict(told, 0)
    counts = {name: value for name, value in ann.items() if name in COUNTS and value}
    assert counts == {
        "view_count_7d": 2,
        "view_count_30d": 2,
        "view_count_90d": 2,
        "search_count_30d": 1,
        "search_count_90d": 1,
        "cart_count_7d": 1,
        "cart_count_30d": 1,
        "cart_count_90d": 1,
        "session_count_7d": 1,
        "session_count_30d": 2,
        "session_count_90d": 2,
        "order_count_30d": 1,
        "order_count_90d": 2,
    }
    assert (ann["active_day_count_30d"], ann["send_count_30d"], ann["impression_count_30d"]) == (2, 1, 1)
    assert (ann["ticket_count_90d"], ann["order_count"], ann["return_count"]) == (1, 2, 1)
    assert (ann["spend_30d_amount"], ann["spend_90d_amount"], ann["spend_amount"]) == (90, 180, 180)
    assert (ann["average_order_amount"], ann["discount_rate"]) == (90, pytest.approx(20 / 200))
    assert ann["tenure_days"] == 120  # since 2020, of the 120 looked back on
    assert (ann["days_since_last_order"], ann["days_since_last_cart"], ann["days_since_last_activity"]) == (10, 0, 0)
    assert ann["average_gap_days"] == 60  # from 22 March to 21 May


def test_a_silent_customer_has_no_spans_and_zeros_else(settings: Settings) -> None:
    told = features(settings, HISTORY)
    bob = as_dict(told, 1)
    assert {name for name, value in bob.items() if value is None} == {
        "days_since_last_order",
        "days_since_last_cart",
        "days_since_last_activity",
        "average_gap_days",
    }
    assert {value for name, value in bob.items() if value is not None and name != "tenure_days"} == {0}
    assert bob["tenure_days"] == 120
    columns = told.matrix(["store"], 120)[1]
    assert columns[PLAIN.index("days_since_last_order")] == 121


def test_the_preferred_channel_is_that_of_most_rows_and_the_first_by_name_of_equals(settings: Settings) -> None:
    told = features(settings, HISTORY)
    assert told.channel.tolist() == ["app", None]  # app 3, store 3, web 2
    assert common_channels(told) == ["app"]
    assert told.matrix(["app", "web"], 120)[:, -2:].tolist() == [[1, 0], [0, 0]]


def test_a_shuffled_future_changes_no_feature_of_a_past_day(settings: Settings) -> None:
    before = features(settings, HISTORY + FUTURE)
    rng = np.random.default_rng(1)
    for _ in range(3):
        dealt = {name: [FUTURE[n].get(name) for n in rng.permutation(len(FUTURE))] for name in SCHEMA.names}
        future = [{name: dealt[name][n] for name in dealt} for n in range(len(FUTURE))]
        assert_same(features(settings, HISTORY + future), before)
    assert_same(features(settings, HISTORY), before)
    with pytest.raises(AssertionError):  # this test can fail: a row of the cut's own day is seen
        assert_same(features(settings, [*HISTORY, row("ann", "s4", "view", "2025-05-31")]), before)


def test_the_same_deeds_a_month_later_are_the_same_features_a_month_later(settings: Settings) -> None:
    month = timedelta(days=30)
    later = [{**one, "occurred_on": one["occurred_on"] and one["occurred_on"] + month} for one in HISTORY]
    assert_same(features(settings, later, CUT + month), features(settings, HISTORY))


def test_a_buyer_is_who_was_known_and_bought_in_the_thirty_days_after(settings: Settings) -> None:
    found = activity(settings, HISTORY + FUTURE)
    may, april = outcomes(found, AS_OF, CUT, date(2025, 4, 21))
    assert features(settings, HISTORY + FUTURE).ids.tolist() == ["ann", "bob"]  # cho came later
    assert may.tolist() == [True, False]  # ann on the thirtieth day; bob's is after the run's day
    assert april.tolist() == [True, False]
    (day_before,) = outcomes(activity(settings, HISTORY), AS_OF, date(2025, 4, 20))
    assert day_before.tolist() == [False, False]  # 21 May is the thirty-first day


def test_all_three_days_look_back_equally_far_and_a_short_history_has_none(settings: Settings) -> None:
    first = AS_OF - timedelta(days=60 + 29)
    rows = [row("ann", "r", "registration", "2020-01-01"), row("ann", "s", "view", first.isoformat())]
    assert cuts(activity(settings, rows), AS_OF) == Cuts(AS_OF - timedelta(60), AS_OF - timedelta(30), AS_OF, 30)
    assert cuts(activity(settings, rows), AS_OF - timedelta(days=1)) is None
    assert cuts(activity(settings, rows[:1]), AS_OF) is None
    assert cuts(activity(settings, HISTORY), AS_OF) == Cuts(date(2025, 5, 1), CUT, AS_OF, 365)


def test_as_many_must_have_bought_as_not() -> None:
    def shop(buyers: int, others: int) -> np.ndarray:
        return np.arange(buyers + others) < buyers

    assert is_enough(shop(LEAST_BUYERS, LEAST_BUYERS))
    assert not is_enough(shop(LEAST_BUYERS, LEAST_BUYERS - 1))
    assert not is_enough(shop(LEAST_BUYERS - 1, 99))


def test_visits_and_orders_of_rows_at_random_are_those_counted_one_by_one(settings: Settings) -> None:
    rng, start, lookback = np.random.default_rng(3), date(2025, 3, 1), 60
    rows = []
    for _ in range(400):
        who, day = f"c{rng.integers(9)}", (start + timedelta(days=int(rng.integers(121)))).isoformat()
        if rng.random() < 0.4:
            rows.append(sale(who, f"o{rng.integers(4)}", day, str(rng.integers(1, 99))))  # an order lasts for weeks
        else:
            rows.append(row(who, f"s{rng.integers(4)}", str(rng.choice(["view", "checkout"])), day, channel="app"))
    told = features(settings, rows, CUT, lookback)
    for number, who in enumerate(told.ids):
        own = [one for one in rows if one["customer_id"] == who and 0 <= (CUT - one["occurred_on"]).days < lookback]
        last: dict[str, dict[str, date]] = {"order": {}, "session": {}}
        for one in own:
            group = last["order" if one["is_purchase"] else "session"]
            group[one["happening_id"]] = max(group.get(one["happening_id"], date.min), one["occurred_on"])
        found = as_dict(told, number)
        for what, group in last.items():
            for days in (7, 30, 90):
                counted = sum((CUT - day).days < days for day in group.values())
                assert found[f"{what}_count_{days}d"] == counted, (who, what, days)
        recent = {day for day in last["session"].values() if (CUT - day).days < 30}
        assert found["active_day_count_30d"] == len(recent)
        on = sorted(set(last["order"].values()))
        gap = np.float32((on[-1] - on[0]).days / (len(on) - 1)) if len(on) > 1 else None
        assert (found["order_count"], found["average_gap_days"]) == (len(last["order"]), gap)


def assert_same(ours: Customers, theirs: Customers) -> None:
    assert ours.ids.tolist() == theirs.ids.tolist()
    assert ours.channel.tolist() == theirs.channel.tolist()
    np.testing.assert_array_equal(ours.plain, theirs.plain)
