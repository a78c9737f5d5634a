"""Nothing after the run's day reaches a feature, whatever comes later: a property of the compiled SQL itself."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse.engine import open_engine
from lakehouse.settings import Settings, load_settings
from tests.integration.gold_by_dbt import compiled_features, feature_rows
from tests.integration.silver_by_hand import COLUMNS, at, write_home

AS_OF = date(2024, 6, 30)
LAST_MOMENT = "2024-06-30 23:59:59.999999"
#: Each example computes all features anew, which takes about half a second; `make futures` tries many.
EXAMPLES = int(os.environ.get("LAKEHOUSE_AS_OF_EXAMPLES", "10"))
FIRST_MOMENT_AFTER = datetime(2024, 7, 1, tzinfo=timezone.utc)
Rows = dict[str, list[dict[str, Any]]]

BEFORE: Rows = {
    "customers": [
        {"customer_id": "ann", "registered_at": at("2023-01-01"), "birth_year": 1990, "gender": "female"},
        {"customer_id": "bob", "registered_at": None, "city": "Oslo"},
        {"customer_id": "cho", "registered_at": at(LAST_MOMENT)},
    ],
    "products": [
        {"product_id": "tea", "category": "Food > Drinks", "brand": "Leaf", "unit_price": 4, "unit_cost": 1},
        {"product_id": "cup", "category": "Home > Kitchen", "brand": "Clay", "unit_price": 9,
         "listed_at": at(LAST_MOMENT)},
    ],
    "order_lines": [
        {"order_id": "1", "customer_id": "ann", "product_id": "tea", "quantity": 3, "unit_price": 4,
         "ordered_at": at("2024-04-01 10:00")},
        {"order_id": "2", "customer_id": "ann", "product_id": "cup", "quantity": 1, "unit_price": 9,
         "ordered_at": at(LAST_MOMENT)},
        {"order_id": "3", "customer_id": "bob", "product_id": "tea", "quantity": 1, "unit_price": 4,
         "ordered_at": at("2024-06-01 08:00"), "channel": "app"},
    ],
    "events": [
        {"event_id": "a", "session_id": "s", "event_type": "view", "product_id": "tea",
         "event_at": at("2024-06-30 23:00")},
        {"event_id": "b", "session_id": "t", "event_type": "view", "product_id": "cup",
         "event_at": at("2024-06-28 09:00"),
         "customer_id": "bob"},
        {"event_id": "c", "session_id": "t", "event_type": "add_to_cart", "product_id": "cup",
         "event_at": at("2024-06-28 09:01"), "customer_id": "bob"},
    ],
    "impressions": [
        {"impression_id": "i", "customer_id": "bob", "creative_id": "x", "campaign_id": "k",
         "is_clicked": True,
         "shown_at": at("2024-06-29 12:00"), "attributes": {"creative_category": "Home"}},
        {"impression_id": "j", "customer_id": "bob", "creative_id": "x", "campaign_id": "k",
         "is_clicked": False,
         "shown_at": at("2024-06-30 12:00"), "attributes": {"creative_category": "Home"}},
    ],
    "campaigns": [{"campaign_id": "k", "channel": "display"}, {"campaign_id": "l", "channel": "search"}],
    "sends": [{"send_id": "m", "customer_id": "ann", "campaign_id": "l", "channel": "email", "cost_amount": 1,
               "sent_at": at("2024-06-20")}],
    "tickets": [{"ticket_id": "q", "customer_id": "ann", "opened_at": at("2024-06-20"), "satisfaction": 4.0}],
    "ratings": [{"customer_id": "ann", "product_id": "tea", "rating": 4.0, "rated_at": at("2024-05-01")}],
    "memberships": [{"customer_id": "ann", "started_on": AS_OF, "expires_on": date(2025, 6, 30)}],
}  # fmt: skip

# People and products of before, and new ones; the session "s" of before is anonymous so far.
people = st.sampled_from(["ann", "bob", "cho", "new"])
things = st.sampled_from(["tea", "cup", "pot"])
later = st.one_of(
    st.just(FIRST_MOMENT_AFTER),
    st.integers(0, 400 * 86400).map(lambda seconds: FIRST_MOMENT_AFTER + timedelta(seconds=seconds)),
)


def rows_of(**columns: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries(columns), min_size=2, max_size=25)


after = st.fixed_dictionaries(
    {
        "customers": rows_of(customer_id=st.sampled_from(["new", "other"]), registered_at=later),
        "products": rows_of(
            product_id=st.sampled_from(["pot", "pan"]),
            category=st.just("Home > Kitchen"),
            unit_price=st.integers(1, 99),
            listed_at=later,
        ),
        "order_lines": rows_of(
            order_id=st.sampled_from(["1", "2", "9"]),
            customer_id=people,
            product_id=things,
            quantity=st.integers(-2, 9),
            unit_price=st.integers(0, 500),
            campaign_id=st.sampled_from([None, "k", "l"]),
            is_cancelled=st.booleans(),
            ordered_at=later,
        ),
        "events": rows_of(
            event_id=st.uuids().map(str),
            session_id=st.sampled_from(["s", "t", "u"]),
            customer_id=st.one_of(st.none(), people),
            event_type=st.sampled_from(["view", "search", "add_to_cart", "purchase"]),
            product_id=things,
            event_at=later,
        ),
        "impressions": rows_of(
            impression_id=st.uuids().map(str),
            customer_id=people,
            creative_id=st.sampled_from(["x", "y"]),
            campaign_id=st.sampled_from(["k", "l"]),
            is_clicked=st.booleans(),
            shown_at=later,
        ),
        "sends": rows_of(
            send_id=st.uuids().map(str),
            customer_id=people,
            campaign_id=st.sampled_from(["k", "l"]),
            channel=st.sampled_from(["email", "sms"]),
            revenue_amount=st.integers(1, 99),
            sent_at=later,
        ),
        "tickets": rows_of(ticket_id=st.uuids().map(str), customer_id=people, opened_at=later),
        "ratings": rows_of(customer_id=people, product_id=things, rating=st.floats(0.5, 99), rated_at=later),
        "memberships": rows_of(customer_id=people, started_on=later.map(datetime.date)),
        "consents": rows_of(customer_id=people, changed_at=later, is_granted=st.booleans()),
        "locations": rows_of(customer_id=people, seen_at=later),
        "accounts": rows_of(customer_id=people, opened_on=later.map(datetime.date)),
    }
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(home=tmp_path_factory.mktemp("as-of") / "home")


@pytest.fixture(scope="module")
def features(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    write_home(home, BEFORE, AS_OF, declared=[("shop", entity) for entity in COLUMNS])
    open_engine(home)
    return compiled_features(tmp_path_factory.mktemp("dbt"))


@pytest.fixture(scope="module")
def rows_before(home: Settings, features: dict[str, str]) -> dict[str, list[str]]:
    return feature_rows(home, features)


@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES == 10, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(rows_after=after)
def test_rows_and_answers_after_as_of_leave_every_feature_as_it_was(
    home: Settings, features: dict[str, str], rows_before: dict[str, list[str]], rows_after: Rows
) -> None:
    answered_later: Rows = {
        **BEFORE,
        "sends": [
            BEFORE["sends"][0]
            | dict.fromkeys(("opened_at", "clicked_at", "converted_at"), FIRST_MOMENT_AFTER)
            | {"revenue_amount": 9}
        ],
        "tickets": [BEFORE["tickets"][0] | {"closed_at": FIRST_MOMENT_AFTER}],
    }
    both = {entity: answered_later.get(entity, []) + rows_after.get(entity, []) for entity in {*BEFORE, *rows_after}}
    write_home(home, both, AS_OF)

    assert feature_rows(home, features) == rows_before


def test_the_same_rows_change_the_features_once_the_day_has_come(
    home: Settings, features: dict[str, str], rows_before: dict[str, list[str]]
) -> None:
    new_day = FIRST_MOMENT_AFTER + timedelta(hours=1)
    added: Rows = {
        "order_lines": [
            {"order_id": "9", "customer_id": "cho", "product_id": "tea", "quantity": 1, "unit_price": 4,
             "ordered_at": new_day}
        ],
        "events": [
            {"event_id": "z", "session_id": "s", "customer_id": "ann", "event_type": "search",
         "event_at": new_day}
        ],
        "impressions": [{"impression_id": "z", "customer_id": "ann", "creative_id": "x", "shown_at": new_day}],
        "memberships": [{"customer_id": "bob", "started_on": new_day.date()}],
    }  # fmt: skip
    both = {entity: BEFORE[entity] + added.get(entity, []) for entity in BEFORE}
    write_home(home, both, AS_OF)
    next_day = {model: sql.replace("date'2024-06-30'", "date'2024-07-01'") for model, sql in features.items()}
    rows = feature_rows(home, next_day)

    assert all(rows[model] != rows_before[model] for model in rows_before)
    assert any('"customer_id":"cho"' in row for row in rows["feat_customer_rfm"])
    # The anonymous view of the evening before now belongs to who logged in after midnight.
    assert any('"customer_id":"ann","product_id":"tea","view_count":1' in row for row in rows["feat_interactions"])
