"""Entities of which nothing comes any more."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from lakehouse.arrivals import overdue, silences

FIRST = datetime(2025, 3, 1, 6, tzinfo=timezone.utc)


def loads(entity: str, *days: float) -> list[dict[str, object]]:
    return [{"source": "shop", "entity": entity, "loaded_at": FIRST + timedelta(days=day)} for day in days]


def test_a_daily_entity_is_missed_after_three_days() -> None:
    daily = loads("orders", 0, 1, 2, 3, 4)
    assert overdue(daily, FIRST + timedelta(days=7)) == []
    assert overdue(daily, FIRST + timedelta(days=8)) == [
        "shop: nothing new of orders for 4 days, where something comes every day; ask the exporter whether data "
        "stopped coming"
    ]


def test_a_weekly_entity_and_one_that_came_seldom_are_not_missed_so_soon() -> None:
    assert overdue(loads("stores", 0, 7, 14, 21), FIRST + timedelta(days=40)) == []
    assert overdue(loads("products", 0, 1, 2), FIRST + timedelta(days=40)) == []


def test_landings_of_one_day_count_once() -> None:
    tried_out = loads("orders", 0, 0.1, 0.2, 0.3, 0.4)
    assert silences(tried_out, FIRST + timedelta(days=9)) == []
    (silence,) = silences(loads("orders", 0, 1, 2, 3), FIRST + timedelta(days=9))
    assert (silence.days, silence.usual_days, silence.row["deviation"]) == (6, 1, 6.0)
