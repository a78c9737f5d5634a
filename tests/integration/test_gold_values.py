"""Gold of a shop with four customers, worked out by hand and built by dbt, its own tests included."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from lakehouse.engine import open_engine
from lakehouse.settings import Settings, load_settings
from ml.tables import ML_SCHEMAS
from tests.integration.gold_by_dbt import run_dbt
from tests.integration.silver_by_hand import at, write_home

AS_OF = date(2024, 6, 30)
Row = dict[str, Any]
Gold = Mapping[str, dict[Any, Row]]

# ann: three orders 20 days apart, the last 10 days ago; bob: one order, cancelled another; cho: carts without buying;
# dee: registered and silent; a stranger in order 9 whom the shop does not know.
SILVER: dict[str, list[Row]] = {
    "customers": [
        {"customer_id": "ann", "full_name": "A**", "email": "a***@x.cn", "is_email_valid": True,
         "birth_year": 1990,
         "registered_at": at("2024-01-01"), "city": "Oslo", "phone": "138****0000", "is_phone_valid": True},
        {"customer_id": "bob", "birth_year": 2000, "registered_at": at("2024-01-01"), "gender": "male"},
        {"customer_id": "cho", "registered_at": at("2024-06-01")},
        {"customer_id": "dee", "registered_at": at("2024-06-30")},
    ],
    "products": [
        {"product_id": "tea", "title": "Green tea", "category": "Food > Drinks", "brand": "Leaf",
         "unit_price": 10,
         "unit_cost": 4},
        {"product_id": "cup", "title": "Cup", "category": "Home > Kitchen", "brand": "Clay", "unit_price": 30,
         "unit_cost": 15},
        {"product_id": "pot", "title": "Pot", "category": "Home > Kitchen", "brand": "Clay",
         "unit_price": 50},
    ],
    "order_lines": [
        {"order_id": "1", "line_number": 1, "customer_id": "ann", "product_id": "tea", "quantity": 3,
         "unit_price": 10,
         "ordered_at": at("2024-05-11 06:30"), "channel": "app"},
        {"order_id": "2", "line_number": 1, "customer_id": "ann", "product_id": "tea", "quantity": 1,
         "unit_price": 10,
         "ordered_at": at("2024-05-31 06:10"), "channel": "app"},
        {"order_id": "3", "line_number": 1, "customer_id": "ann", "product_id": "cup", "quantity": 1,
         "unit_price": 30,
         "discount_amount": 5, "ordered_at": at("2024-06-20 06:00"), "channel": "web"},
        {"order_id": "3", "line_number": 2, "customer_id": "ann", "product_id": "tea", "quantity": -1,
         "unit_price": 10,
         "ordered_at": at("2024-06-20 06:00"), "channel": "web"},
        {"order_id": "4", "line_number": 1, "customer_id": "bob", "product_id": "cup", "quantity": 1,
         "unit_price": 30,
         "ordered_at": at("2024-06-29 23:59"), "campaign_id": "k"},
        {"order_id": "5", "line_number": 1, "customer_id": "bob", "product_id": "cup", "quantity": 2,
         "unit_price": 30,
         "ordered_at": at("2024-06-30 00:00"), "is_cancelled": True},
        {"order_id": "9", "line_number": 1, "customer_id": "who", "product_id": "tea", "quantity": 1,
         "unit_price": 10,
         "ordered_at": at("2024-06-30 01:00"), "is_known_customer": False, "is_sale": False},
        {"order_id": "7", "line_number": 1, "customer_id": "bob", "product_id": "tea", "quantity": 1,
         "unit_price": 10,
         "ordered_at": at("2024-07-01 00:00")},
    ],
    "events": [
        {"event_id": "a", "session_id": "s", "event_type": "view", "product_id": "pot",
         "event_at": at("2024-06-29 12:00"),
         "channel": "app", "device_type": "ios"},
        {"event_id": "b", "session_id": "s", "event_type": "view", "product_id": "tea",
         "event_at": at("2024-06-29 12:01"),
         "customer_id": "cho", "channel": "app", "device_type": "ios"},
        {"event_id": "c", "session_id": "s", "event_type": "add_to_cart", "product_id": "pot",
         "event_at": at("2024-06-29 12:02"), "customer_id": "cho", "channel": "app", "device_type": "ios"},
        {"event_id": "d", "session_id": "s", "event_type": "add_to_cart", "product_id": "pot",
         "is_near_duplicate": True,
         "event_at": at("2024-06-29 12:02"), "customer_id": "cho", "channel": "app", "device_type": "ios"},
        {"event_id": "e", "session_id": "t", "event_type": "add_to_cart", "product_id": "cup",
         "event_at": at("2024-06-29 20:00"), "customer_id": "bob", "channel": "web", "device_type": "desktop"},
        {"event_id": "f", "session_id": "t", "event_type": "purchase", "product_id": "cup",
         "event_at": at("2024-06-29 23:59"), "customer_id": "bob", "channel": "web", "device_type": "desktop"},
        {"event_id": "g", "session_id": "u", "event_type": "view", "product_id": "cup",
         "event_at": at("2024-03-01 09:00"),
         "channel": "web", "device_type": "desktop"},
    ],
    "impressions": [
        {"impression_id": "i1", "customer_id": "cho", "creative_id": "x", "campaign_id": "k",
         "slot_id": "top",
         "cost_amount": 0.5, "currency": "CNY",
         "is_clicked": True, "shown_at": at("2024-06-29 12:00"), "attributes": {"creative_category": "Home"}},
        {"impression_id": "i2", "customer_id": "cho", "creative_id": "x", "campaign_id": "k",
         "slot_id": "top",
         "cost_amount": 0.3, "currency": "CNY",
         "is_clicked": False, "shown_at": at("2024-06-29 12:30"), "attributes": {"creative_category": "Home"}},
        {"impression_id": "i3", "customer_id": "bob", "creative_id": "x", "campaign_id": "k",
         "slot_id": "top",
         "cost_amount": 0.1, "currency": "CNY",
         "is_clicked": False, "shown_at": at("2024-06-30 12:30"), "attributes": {}},
    ],
    "campaigns": [{"campaign_id": "k", "name": "Summer", "channel": "display", "objective": "sales"}],
    "sends": [
        {"send_id": "m1", "customer_id": "ann", "channel": "email", "cost_amount": 0.02, "currency": "CNY",
         "revenue_amount": 25, "sent_at": at("2024-06-19"), "converted_at": at("2024-06-20 06:00")},
        {"send_id": "m2", "customer_id": "bob", "channel": "email", "cost_amount": 0.02, "currency": "CNY",
         "revenue_amount": 10, "sent_at": at("2024-06-30"), "converted_at": at("2024-07-01")},
    ],
    "consents": [
        {"customer_id": "ann", "purpose": "marketing", "channel": "email",
         "changed_at": at("2024-01-01"), "is_granted": True},
        {"customer_id": "bob", "purpose": "marketing", "channel": "email",
         "changed_at": at("2024-01-01"), "is_granted": True},
        {"customer_id": "bob", "purpose": "marketing", "channel": "email",
         "changed_at": at("2024-02-01"), "is_granted": False},
        {"customer_id": "bob", "purpose": "marketing", "channel": "Push",
         "changed_at": at("2024-02-01"), "is_granted": True},
        {"customer_id": "cho", "purpose": "all", "changed_at": at("2024-06-01"), "is_granted": True},
        {"customer_id": "cho", "purpose": "marketing", "channel": "sms",
         "changed_at": at("2024-06-02"), "is_granted": False},
        {"customer_id": "dee", "purpose": "marketing", "channel": "email",
         "changed_at": at("2024-06-30 12:00"), "is_granted": True},
        {"customer_id": "dee", "purpose": "analytics", "channel": "sms",
         "changed_at": at("2024-06-30 12:00"), "is_granted": True},
        {"customer_id": "dee", "purpose": "marketing", "channel": "email",  # after the day, and known already
         "changed_at": at("2024-07-02"), "is_granted": False},
    ],
    "suppressions": [{"customer_id": "dee", "reason": "complaint"}],
    "memberships": [
        {"customer_id": "ann", "tier": "gold", "started_on": date(2024, 1, 1),
         "expires_on": date(2024, 12, 31)},
        {"customer_id": "bob", "tier": "silver", "started_on": date(2023, 1, 1),
         "expires_on": date(2023, 12, 31)},
    ],
}  # fmt: skip

ML: dict[str, list[Row]] = {
    "customer_segments": [
        {"customer_id": "ann", "segment_id": 1, "segment_name": "Champions", "action": "Reward them",
         "next_segment_name": "New", "reason_feature": "monetary_amount", "reason_value": 70.0, "reason_effect": 1.5,
         "model_version": "1"},
        {"customer_id": "bob", "segment_id": 4, "segment_name": "New", "action": "Welcome them",
         "model_version": "1"},
    ],
    "recommendations": [
        {"customer_id": "ann", "rank": 1, "product_id": "pot", "score": 0.9, "strategy": "als",
         "model_version": "1",
         "evidence_product_id": "tea", "evidence_type": "bought"},
        {"customer_id": "ann", "rank": 2, "product_id": "tea", "score": 0.8, "strategy": "als",
         "model_version": "1",
         "evidence_product_id": "tea", "evidence_type": "bought"},
        {"customer_id": "bob", "rank": 1, "product_id": "tea", "score": 0.5, "strategy": "segment",
         "model_version": "1"},
        {"customer_id": "cho", "rank": 1, "product_id": "pot", "score": 0.7, "strategy": "als",
         "model_version": "1",
         "evidence_product_id": "pot", "evidence_type": "carted"},
        {"customer_id": "dee", "rank": 1, "product_id": "tea", "score": 0.1, "strategy": "popularity",
         "model_version": "1"},
    ],
    "ticket_texts": [
        {"source": "shop", "ticket_id": ticket, "customer_id": "ann", "opened_at": at(day), "language": "en",
         "sentiment": sentiment, "sentiment_label": label, "topic": "late, parcel, courier",
         "reason_feature": words, "reason_effect": effect, "model_version": "1"}
        for ticket, day, sentiment, label, words, effect in [
            ("t1", "2024-06-01", 0.9, "positive", "thank you", 1.5),
            ("t2", "2024-06-21", 0.1, "negative", "so late", -0.7),
        ]
    ],
    "customer_traits": [
        {"customer_id": customer, "trait": trait, "value": value, "probability": probability,
         "is_known": basis == "told", "basis": basis, "reason": f"{trait} by {basis}", "model_version": "1"}
        for customer, trait, value, probability, basis in [
            ("ann", "gender", "female", 0.9, "name"), ("ann", "spending_power", "high", 0.7, "behaviour"),
            ("bob", "gender", "male", 1.0, "told"), ("bob", "spending_power", "unknown", 0.4, "behaviour"),
            ("cho", "gender", "unknown", 0.6, "behaviour"),
        ]
    ],
    "click_predictions": [
        {"customer_id": "cho", "creative_id": "x", "slot_id": "top", "click_probability": 0.2,
         "model_version": "1"},
        {"customer_id": "cho", "creative_id": "y", "slot_id": "top", "click_probability": 0.4,
         "model_version": "1"},
    ],
    "customer_value": [
        {"customer_id": "ann", "expected_order_count_90d": 1.5, "expected_order_count_365d": 4.0,
         "reason_feature": "repeat_order_amount", "reason_value": 1234.5, "reason_effect": 9.0,
         "expected_order_amount": 20.0, "expected_value_90d_amount": 30.004, "expected_value_365d_amount": 80.0,
         "expected_value_90d_low_amount": 25.0, "expected_value_90d_high_amount": 36.0, "order_count_90d_low": 0,
         "order_count_90d_high": 5, "alive_probability": 0.75, "model_version": "1"},
    ],
    "budget_allocation": [
        {"channel": "email", "currency": "CNY", "unit_cost_amount": 0.02, "unit_return_amount": 12.5,
         "recent_count": 2, "minimum_count": 1, "maximum_count": 4, "allocated_count": 4,
         "allocated_amount": Decimal("0.08"), "expected_return_amount": Decimal("50.00"), "bound": "maximum",
         "budget_amount": Decimal("0.94"), "budget_shadow_price": 33.33, "model_version": "lp"},
        {"channel": "display", "currency": "CNY", "unit_cost_amount": 0.3, "unit_return_amount": 10.0,
         "recent_count": 3, "minimum_count": 2, "maximum_count": 6, "allocated_count": 2,
         "allocated_amount": Decimal("0.60"), "expected_return_amount": Decimal("20.00"), "bound": "none",
         "budget_amount": Decimal("0.94"), "budget_shadow_price": 33.33, "model_version": "lp"},
    ],
    "churn_predictions": [
        {"customer_id": "ann", "churn_probability": 0.25,
         "churn_probability_low": 0.2, "churn_probability_high": 0.31, "is_lapsed": False,
         "contact_on": date(2024, 7, 5),
         "reason_feature": "order_day_count", "reason_effect": "raises", "reason_value": 3.0,
         "model_version": "1"},
    ],
}  # fmt: skip

KEYS: dict[str, tuple[str, ...]] = {
    "feat_customer_rfm": ("customer_id",),
    "feat_customer_behaviour": ("customer_id",),
    "feat_product": ("product_id",),
    "feat_interactions": ("customer_id", "product_id", "interacted_on"),
    "feat_impressions": ("impression_id",),
    "feat_customer_tags": ("customer_id", "tag_type", "tag"),
    "feat_ticket_text": ("source", "ticket_id"),
    "dim_customer": ("customer_id",),
    "dim_consent": ("customer_id",),
    "dim_product": ("product_id",),
    "fct_orders": ("order_id",),
    "fct_sessions": ("session_id",),
    "fct_funnel": ("started_on", "channel"),
    "mart_revenue_daily": ("ordered_on", "channel"),
    "act_segments": ("customer_id",),
    "act_recommendations": ("customer_id", "rank"),
    "act_click_propensity": ("customer_id", "creative_id"),
    "feat_channel_returns": ("channel",),
    "act_budget": ("channel",),
    "feat_memberships": ("customer_id", "started_on"),
    "act_churn_rescue": ("customer_id",),
}


def build(settings: Settings, silver: Mapping[str, list[Row]], ml: Mapping[str, list[Row]]) -> Gold:
    """Gold of a home with these rows, by key."""
    write_home(settings, silver, AS_OF, timezones={"shop": "Asia/Shanghai"})
    for table, schema in ML_SCHEMAS.items():
        rows = [{name: row.get(name) for name in schema.names} for row in ml.get(table, [])]
        write_deltalake(settings.table_path("ml", table), pa.Table.from_pylist(rows, schema=schema))
    open_engine(settings)
    run_dbt(
        ["build", "--select", "tag:features", "tag:marts", "--exclude-resource-type", "unit_test"],
        settings.home / "dbt",
    )
    gold: dict[str, dict[Any, Row]] = {}
    for table, key in KEYS.items():
        rows = DeltaTable(settings.table_path("gold", table)).to_pyarrow_table().to_pylist()
        gold[table] = {tuple(row[name] for name in key) if key[1:] else row[key[0]]: row for row in rows}
    return gold


@pytest.fixture(scope="module")
def gold(tmp_path_factory: pytest.TempPathFactory) -> Gold:
    settings = load_settings(home=tmp_path_factory.mktemp("gold") / "home")
    return build(settings, SILVER, ML)


def test_recency_frequency_and_value_are_those_of_the_sales_up_to_the_day(gold: Gold) -> None:
    ann, bob = gold["feat_customer_rfm"]["ann"], gold["feat_customer_rfm"]["bob"]

    assert set(gold["feat_customer_rfm"]) == {"ann", "bob"}
    assert (ann["recency_days"], ann["frequency"], ann["monetary_amount"]) == (10, 3, Decimal("70.00"))
    assert (bob["recency_days"], bob["frequency"], bob["monetary_amount"]) == (1, 1, Decimal("30.00"))
    # Half of the customers do worse: 1 + floor(5 x 1/2) = 3; nobody does worse: 1.
    assert (ann["rfm_score"], bob["rfm_score"]) == ("133", "311")
    assert (ann["median_gap_days"], ann["average_gap_days"], bob["median_gap_days"]) == (20.0, 20.0, None)
    # 3 x (10 - 4) + 1 x (10 - 4) + (30 - 5 - 15) = 34 of 65 net.
    assert (ann["margin_amount"], ann["returned_amount"]) == (Decimal("34.00"), Decimal("10.00"))
    assert ann["margin_rate"] == pytest.approx(34 / 65)
    # After the first day: 10, and 30 less 5.
    assert (ann["order_day_count"], ann["repeat_net_amount"], bob["repeat_net_amount"]) == (3, Decimal("35.00"), None)
    assert bob["cancelled_order_count"] == 1


def test_the_last_word_by_the_day_counts_and_a_later_refusal_at_once(gold: Gold) -> None:
    channels = {who: row["contact_channels"] for who, row in gold["dim_consent"].items()}
    every_but_texts = ["ad", "email", "phone", "post", "push"]
    assert channels == {"ann": ["email"], "bob": ["push"], "cho": every_but_texts, "dee": []}
    assert [who for who, row in gold["dim_consent"].items() if row["is_consent_assumed"]] == []
    activated = [{key[0] for key in gold[f"act_{name}"]} for name in ("recommendations", "click_propensity")]
    assert activated[0] | activated[1] | set(gold["act_segments"]) <= {"ann", "bob", "cho", None}


def test_a_cart_is_abandoned_until_it_is_bought_and_a_session_lends_its_customer(gold: Gold) -> None:
    cho, bob = gold["feat_customer_behaviour"]["cho"], gold["feat_customer_behaviour"]["bob"]

    assert set(gold["feat_customer_behaviour"]) == {"ann", "bob", "cho", "dee"}
    assert (cho["view_count_7d"], cho["cart_count_7d"], cho["session_count_7d"]) == (2, 1, 1)
    assert (cho["abandoned_product_ids"], cho["abandoned_cart_7d_amount"]) == (["pot"], Decimal("50.00"))
    assert (bob["carted_product_count_7d"], bob["cart_abandonment_rate_7d"]) == (1, 0.0)
    assert (bob["purchase_count_7d"], bob["spend_7d_amount"]) == (1, Decimal("30.00"))
    assert cho["last_categories"] == ["Drinks", "Kitchen"]
    # Pot: viewed 1 + carted 3; tea: viewed 1.
    assert (cho["top_categories"], cho["top_brands"]) == (["Kitchen", "Drinks"], ["Clay", "Leaf"])
    assert (cho["click_count"], cho["click_rate"]) == (1, 0.5)
    # 12:00 UTC is 20:00 in Shanghai, a Saturday.
    assert (cho["preferred_hour"], cho["preferred_weekday"], cho["preferred_device_type"]) == (20, 6, "ios")
    assert (gold["feat_customer_behaviour"]["ann"]["preferred_hour"], cho["days_since_last_activity"]) == (14, 1)


def test_a_day_of_interest_weighs_views_carts_and_orders(gold: Gold) -> None:
    pot = gold["feat_interactions"][("cho", "pot", date(2024, 6, 29))]
    cup = gold["feat_interactions"][("bob", "cup", date(2024, 6, 29))]

    assert (pot["view_count"], pot["cart_count"], pot["weight"]) == (1, 1, pytest.approx(4.0))
    # The purchase event is the same purchase as order 4: one cart and one order, 3 + 5.
    assert (cup["cart_count"], cup["purchase_count"], cup["weight"]) == (1, 1, pytest.approx(8.0))
    assert all(day <= AS_OF for _, _, day in gold["feat_interactions"])


def test_a_tag_weighs_what_tells_a_customer_from_others(gold: Gold) -> None:
    tags, profiles = gold["feat_customer_tags"], gold["dim_customer"]

    # Ann bought tea in two orders and a cup in one; of three customers two have Kitchen tags beside her: ln(3/3) = 0.
    tea = tags[("ann", "category", "Drinks")]
    assert (tea["interaction_count"], tea["tag_customer_count"], tea["customer_count"]) == (2, 2, 3)
    assert tea["weight"] == pytest.approx(2 / 3 * math.log(3 / 2))
    assert tags[("ann", "category", "Kitchen")]["weight"] == 0
    # Cho viewed the pot and carted it, and viewed tea.
    assert tags[("cho", "brand", "Leaf")]["weight"] == pytest.approx(1 / 3 * math.log(3 / 2))
    assert [profiles[name]["top_tags"] for name in ("ann", "bob", "cho", "dee")] == [
        ["Drinks", "Leaf"], [], ["Drinks", "Leaf"], [],
    ]  # fmt: skip


def test_an_impression_knows_only_what_was_before_it(gold: Gold) -> None:
    first, second, other = (gold["feat_impressions"][name] for name in ("i1", "i2", "i3"))

    assert (first["prior_impression_count"], first["prior_view_count"], first["prior_click_rate"]) == (0, 0, None)
    assert (second["prior_impression_count"], second["prior_click_count"], second["prior_view_count"]) == (1, 1, 2)
    assert (second["prior_category_view_count"], second["prior_category_view_rate"]) == (1, 0.5)
    assert (second["hours_since_prior_impression"], second["hour_of_day"], second["channel"]) == (0.5, 20, "display")
    assert (other["creative_prior_impression_count"], other["creative_prior_click_rate"]) == (2, 0.5)
    assert (other["prior_impression_count"], other["prior_order_count"]) == (0, 1)


def test_product_demand_counts_anonymous_views_and_real_sales(gold: Gold) -> None:
    tea, cup = gold["feat_product"]["tea"], gold["feat_product"]["cup"]

    assert (tea["unit_count"], tea["revenue_amount"], tea["buyer_count"]) == (4, Decimal("40.00"), 1)
    assert (tea["return_rate"], tea["repeat_orders_per_buyer"]) == (0.25, 1.0)
    assert (cup["view_count_90d"], cup["unit_count_30d"], cup["margin_rate"]) == (0, 2, 0.5)
    # Cup: one cart and two orders of the last 30 days, 3 + 10; pot: one view and one cart, 1 + 3.
    assert (cup["popularity_score"], cup["popularity_rank"]) == (13, 1)
    assert gold["feat_product"]["pot"]["popularity_score"] == 4
    assert gold["dim_product"]["tea"]["recommended_first_count"] == 2


def test_orders_split_into_sales_returns_and_cancellations(gold: Gold) -> None:
    mixed, cancelled, stranger = (gold["fct_orders"][order] for order in ("3", "5", "9"))

    assert (mixed["gross_amount"], mixed["sale_amount"], mixed["returned_amount"]) == (20, 30, -10)
    assert (mixed["net_sale_amount"], mixed["order_number"], mixed["days_since_previous_order"]) == (25, 3, 20)
    assert (cancelled["is_cancelled"], cancelled["cancelled_amount"], cancelled["sale_amount"]) == (True, 60, 0)
    assert (stranger["other_amount"], stranger["is_first_order"]) == (10, False)
    day = gold["mart_revenue_daily"][(date(2024, 6, 20), "web")]
    assert (day["sale_amount"], day["returned_amount"], day["new_customer_count"]) == (30, -10, 0)
    assert gold["mart_revenue_daily"][(date(2024, 5, 11), "app")]["new_customer_count"] == 1


def test_a_session_ends_with_its_customer_and_the_funnel_counts_it(gold: Gold) -> None:
    session = gold["fct_sessions"]["s"]
    assert (session["customer_id"], session["has_login"], session["event_count"]) == ("cho", True, 3)
    assert (session["recorded_event_count"], session["duration_seconds"], session["furthest_step"]) == (4, 120, 3)
    assert gold["fct_sessions"]["u"]["is_anonymous"]
    bought = gold["fct_funnel"][(date(2024, 6, 29), "web")]
    assert (bought["session_count"], bought["cart_session_count"], bought["conversion_rate"]) == (1, 1, 1.0)


def test_the_profile_joins_everything_and_leaves_nobody_out(gold: Gold) -> None:
    ann, bob, cho, dee = (gold["dim_customer"][name] for name in ("ann", "bob", "cho", "dee"))

    assert len(ann) >= 60
    assert (ann["age_years"], bob["age_years"]) == (34, 24)
    assert (ann["is_member"], bob["is_member"], ann["membership_tier"]) == (True, False, "gold")
    assert (ann["is_reachable_by_email"], bob["has_email_consent"]) == (True, False)
    assert (ann["segment_name"], cho["segment_name"]) == ("Champions", None)
    assert [one["lifecycle_stage"] for one in (ann, bob, cho, dee)] == [
        "repeat buyer", "one-time buyer", "prospect", "silent",
    ]  # fmt: skip
    assert (ann["last_ticket_sentiment"], ann["last_ticket_topic"]) == ("negative", "late, parcel, courier")
    assert ann["last_ticket_reason"] == 'Its words "so late" speak most for a bad mood'
    assert (bob["last_ticket_sentiment"], bob["last_ticket_reason"]) == (None, None)
    assert (cho["best_creative_id"], cho["best_click_probability"]) == ("y", 0.4)
    assert (cho["last_touch_channel"], dee["monetary_amount"], dee["clv_amount"]) == ("ad", 0, 0)


def test_a_gender_is_inferred_only_where_none_is_told_and_says_by_what(gold: Gold) -> None:
    ann, bob, cho, dee = (gold["dim_customer"][name] for name in ("ann", "bob", "cho", "dee"))

    told = [
        (one["gender"], one["gender_inferred"], one["gender_probability"], one["gender_basis"]) for one in (ann, bob)
    ]
    assert told == [(None, "female", 0.9, "name"), ("male", None, 1.0, "told")]
    assert (cho["gender_inferred"], cho["gender_basis"]) == ("unknown", "behaviour")
    assert (dee["gender_inferred"], dee["gender_basis"], dee["expected_spending_power"]) == (None, None, None)
    assert (ann["expected_spending_power"], ann["expected_spending_power_probability"]) == ("high", 0.7)
    assert (bob["expected_spending_power"], bob["expected_spending_power_probability"]) == ("unknown", 0.4)
    assert (ann["gender_reason"], bob["expected_spending_power_reason"]) == (
        "gender by name", "spending_power by behaviour",
    )  # fmt: skip


def test_churn_and_value_follow_their_stated_formulas(gold: Gold) -> None:
    ann, bob = gold["dim_customer"]["ann"], gold["dim_customer"]["bob"]

    # Usual gap 20 days; ann: (2 x 20 + 2 x 20) / 4 = 20, bob: (0 + 2 x 20) / 2 = 20.
    assert (ann["expected_gap_days"], bob["expected_gap_days"]) == (20.0, 20.0)
    assert bob["churn_probability"] == pytest.approx(1 - 0.5 ** (1 / 40))
    # What the model expects of a year, 80, of which the margin is 34/65.
    assert float(ann["clv_amount"]) == pytest.approx(80 * 34 / 65, abs=0.01)
    assert ann["value_reason"] == (
        "Spends 1,234.50 CNY on a day of purchase after the first, which raises their expected value most"
    )
    assert bob["value_reason"] is None
    told = (ann["expected_order_count_90d"], ann["expected_value_90d_amount"], ann["alive_probability"])
    assert told == (1.5, Decimal("30.00"), 0.75)
    assert (ann["order_count_90d_low"], ann["order_count_90d_high"]) == (0, 5)
    assert (ann["expected_value_90d_low_amount"], ann["expected_value_90d_high_amount"]) == (25, 36)
    # No model knows bob: 1 order in 90 days at least, of 30 net, margin 15/30, staying 0.5 ^ (1/40).
    assert float(bob["clv_amount"]) == pytest.approx(365 / 90 * 30 * 0.5 * 0.5 ** (1 / 40), abs=0.01)
    assert (bob["expected_order_count_90d"], bob["alive_probability"]) == (None, None)
    assert gold["dim_customer"]["dee"]["churn_probability"] is None


def test_the_churn_model_takes_the_place_of_the_formula_and_says_whom_to_rescue(gold: Gold) -> None:
    ann = gold["dim_customer"]["ann"]
    assert [ann[f"churn_probability{end}"] for end in ("", "_low", "_high")] == [0.25, 0.2, 0.31]
    assert gold["dim_customer"]["bob"]["churn_probability_low"] is None
    assert gold["feat_memberships"][("ann", date(2024, 1, 1))]["expires_on"] == date(2024, 12, 31)
    rescue = gold["act_churn_rescue"]
    assert set(rescue) == {"ann"}
    at_risk = Decimal("0.25") * ann["clv_amount"]
    assert (rescue["ann"]["clv_amount"], rescue["ann"]["value_at_risk_amount"]) == (
        ann["clv_amount"], at_risk.quantize(Decimal("0.01"), ROUND_HALF_UP),
    )  # fmt: skip
    assert rescue["ann"]["reason"] == "Bought on 3 days so far, which speaks most for leaving"
    assert (rescue["ann"]["rank"], rescue["ann"]["contact_on"]) == (1, date(2024, 7, 5))


def test_a_segment_says_what_the_customer_is_in_it_for(gold: Gold) -> None:
    reasons = {key: (row["reason"], row["next_segment_name"]) for key, row in gold["act_segments"].items()}
    assert reasons == {
        "ann": ("Bought for 70.00 CNY so far, which speaks most for Champions rather than New", "New"),
        "bob": ("There is one segment only", None),
    }


def test_a_reason_says_what_the_customer_or_their_group_did(gold: Gold) -> None:
    reasons = {key: row["reason"] for key, row in gold["act_recommendations"].items()}

    assert reasons == {
        ("ann", 1): "Because they bought Green tea",
        ("ann", 2): "Because they bought it before and may need it again",
        ("bob", 1): "Popular with customers of the segment New",
        ("cho", 1): "Because they put it into the cart and have not bought it yet",
    }
    best = gold["act_click_propensity"][("cho", "y")]
    assert (best["rank"], best["decile"]) == (1, 6)
    assert gold["act_click_propensity"][("cho", "x")]["campaign_name"] == "Summer"


def test_a_channel_costs_and_brings_what_its_contacts_did_and_its_reason_says_why(gold: Gold) -> None:
    email, display = gold["feat_channel_returns"]["email"], gold["feat_channel_returns"]["display"]

    # The second message was converted the day after.
    assert (email["contact_count_30d"], email["cost_30d_amount"], email["revenue_90d_amount"]) == (
        2, Decimal("0.04"), Decimal("25.00"),
    )  # fmt: skip
    assert (email["cost_per_contact"], email["return_per_contact"]) == (0.02, 12.5)
    # 25 and 0: a standard deviation of 25 / sqrt(2), by sqrt(2).
    assert email["return_standard_error"] == pytest.approx(12.5)
    # Bob's order of a cup names the campaign of the three ads.
    assert (display["contact_count_90d"], display["cost_90d_amount"], display["revenue_30d_amount"]) == (
        3, Decimal("0.90"), Decimal("30.00"),
    )  # fmt: skip
    assert (display["cost_per_contact"], display["return_per_contact"]) == (pytest.approx(0.3), 10.0)
    assert {channel: row["reason"] for channel, row in gold["act_budget"].items()} == {
        "email": "At its maximum: 1 CNY brings 625.00 CNY, place 1 of 2",
        "display": "Takes what the better channels leave of the budget: 1 CNY brings 33.33 CNY, place 2 of 2",
    }


def test_a_home_without_any_rows_has_empty_tables_and_no_errors(home_settings: Settings) -> None:
    empty = build(home_settings, {}, {})

    assert {table: len(rows) for table, rows in empty.items()} == dict.fromkeys(KEYS, 0)
