"""The world behaves as docs/sample.md says, so that models have something true to find."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime

import numpy as np
import pytest


def plain_order_lines(sample):
    """Order lines without a planted defect, by key."""
    planted = {d["row_key"] for d in sample.defects("order_lines")}
    rows = {f"{r['order_no']}|{r['line_no']}": r for r in sample.order_lines()}
    return {key: row for key, row in rows.items() if key not in planted}


def test_every_online_order_line_has_its_purchase_event_at_the_same_second(sample):
    damaged = {d["row_key"] for d in sample.defects("events")}
    events = {
        (e["order_no"], e["sku"]): (e["uid"], e["ts"])
        for e in sample.events()
        if e["event"] == "pay" and e["event_id"] not in damaged
    }
    online = [r for r in plain_order_lines(sample).values() if r["sale_channel"] != "store" and int(r["qty"]) > 0]
    matched = [events.get((r["order_no"], r["sku"])) for r in online]
    touched = {(e["order_no"], e["sku"]) for e in sample.events() if e["event_id"] in damaged and e.get("order_no")}
    assert len(online) > 1000
    for row, event in zip(online, matched):
        if (row["order_no"], row["sku"]) not in touched:
            assert event == (row["cust_no"], row["order_time"])


def test_every_purchase_event_belongs_to_an_order(sample):
    lines = {(r["order_no"], r["sku"]) for r in sample.order_lines()}
    planted = {d["row_key"].split("|")[0] for d in sample.defects("order_lines")}
    paid = {(e["order_no"], e["sku"]) for e in sample.events() if e["event"] == "pay"}
    assert {pair for pair in paid - lines if pair[0] not in planted} == set()


def test_the_true_click_probability_is_the_click_rate_within_binomial_error(sample):
    clicked = {r["imp_id"]: r["clicked"] for r in sample.parquet("ads/*.parquet")}
    truth = {r["impression_id"]: r["click_probability"] for r in sample.parquet("truth/impressions.parquet")}
    assert clicked.keys() == truth.keys()
    p = np.array([truth[key] for key in clicked])
    y = np.array(list(clicked.values()), dtype=float)
    error = np.sqrt(np.sum(p * (1 - p))) / len(p)
    assert abs(y.mean() - p.mean()) < 4 * error
    assert 0.02 < y.mean() < 0.08
    # Also where it is low and where it is high, not only on average.
    for part in np.array_split(np.argsort(p), 4):
        assert abs(y[part].mean() - p[part].mean()) < 4 * np.sqrt(np.sum(p[part] * (1 - p[part]))) / len(part)


def test_people_buy_what_their_tastes_say(sample):
    people = {r["customer_id"]: r for r in sample.parquet("truth/customers.parquet")}
    products = {r["product_id"]: r for r in sample.parquet("truth/products.parquet")}
    taste = {c: np.array([r[f"taste_{k:02d}"] for k in range(1, 13)]) for c, r in people.items()}
    vector = {p: np.array([r[f"vector_{k:02d}"] for k in range(1, 13)]) for p, r in products.items()}
    bought = [(r["cust_no"], r["sku"]) for r in plain_order_lines(sample).values() if int(r["qty"]) > 0]
    rng = np.random.default_rng(0)
    others = rng.permutation([p for _, p in bought])
    own = np.array([taste[c] @ vector[p] for c, p in bought])
    random = np.array([taste[c] @ vector[p] for (c, _), p in zip(bought, others)])
    # Same customers, same products, only the pairing is broken.
    assert own.mean() > random.mean() + 0.5 * random.std()
    share = np.array([taste[c][:8] @ vector[p][:8] for c, p in bought])
    assert np.corrcoef(np.r_[share, [taste[c][:8] @ vector[p][:8] for (c, _), p in zip(bought, others)]],
                       np.r_[np.ones(len(bought)), np.zeros(len(bought))])[0, 1] > 0.3  # fmt: skip


def test_the_price_sensitive_buy_cheaper_things_of_a_category(sample):
    people = {r["customer_id"]: r["price_sensitivity"] for r in sample.parquet("truth/customers.parquet")}
    relative = {r["product_id"]: r["relative_price"] for r in sample.parquet("truth/products.parquet")}
    bought = [(people[r["cust_no"]], relative[r["sku"]]) for r in plain_order_lines(sample).values()]
    assert np.corrcoef(np.array(bought).T)[0, 1] < -0.1


def test_segments_differ_in_frequency_and_recency(sample):
    segment = {r["customer_id"]: r["segment"] for r in sample.parquet("truth/customers.parquet")}
    orders, last = defaultdict(set), {}
    for row in plain_order_lines(sample).values():
        if int(row["qty"]) > 0:
            orders[row["cust_no"]].add(row["order_no"])
            last[row["cust_no"]] = max(last.get(row["cust_no"], ""), row["order_time"])
    size = Counter(segment.values())
    frequency = Counter()
    for customer, numbers in orders.items():
        frequency[segment[customer]] += len(numbers)
    mean = {name: frequency[name] / size[name] for name in size}
    assert mean["champions"] > 2 * mean["loyal"] > 4 * mean["occasional"] > 4 * mean["dormant"]
    quiet = [last[c] for c in last if segment[c] == "dormant"]
    assert max(quiet) < "2025-06-01"


def test_nobody_acts_before_registration_or_after_churn(sample):
    churned = {r["customer_id"]: r["churned_on"] for r in sample.parquet("truth/customers.parquet")}
    planted = {d["row_key"] for d in sample.defects("events")} | {d["row_key"] for d in sample.defects("customers")}
    registered = {r["cust_no"]: r["reg_time"] for r in sample.csv("crm/customers.csv") if r["cust_no"] not in planted}
    for event in sample.events():
        customer = event["uid"]
        if customer is None or event["event_id"] in planted:
            continue
        assert event["ts"] > registered.get(customer, "")
        if churned[customer] is not None:
            assert date.fromisoformat(event["ts"][:10]) <= churned[customer]


def test_eleven_eleven_is_the_busiest_day_and_weekends_are_busier_than_mondays(sample):
    planted = {d["row_key"] for d in sample.defects("events")}
    days = Counter(e["ts"][:10] for e in sample.events() if e["event_id"] not in planted)
    assert days.most_common(3)[0][0] in {"2025-11-09", "2025-11-10", "2025-11-11"}
    ordinary = {d: n for d, n in days.items() if d[5:7] in {"04", "07", "08", "09"}}
    by_weekday = Counter()
    for day, count in ordinary.items():
        by_weekday[datetime.fromisoformat(day).weekday()] += count
    assert by_weekday[5] > 1.1 * by_weekday[1]


def test_anonymous_events_come_before_the_login_of_the_same_session(sample):
    known: dict[str, bool] = {}
    seen_both = 0
    damaged = {d["row_key"] for d in sample.defects("events")}
    for event in sample.events():
        if event["event_id"] in damaged:
            continue
        was_known = known.get(event["sid"])
        assert not (was_known and event["uid"] is None)
        seen_both += was_known is False and event["uid"] is not None
        known[event["sid"]] = event["uid"] is not None
        assert event["anon_id"]
    assert seen_both > 500


def test_a_return_takes_back_an_earlier_line_of_the_same_customer_and_product(sample):
    lines = {f"{r['order_no']}|{r['line_no']}": r for r in sample.order_lines()}
    returns = [r for r in lines.values() if int(r["qty"]) < 0]
    assert len(returns) > 50
    for back in returns:
        original = lines[f"{back['orig_order_no']}|{back['orig_line_no']}"]
        assert [back[k] for k in ("cust_no", "sku", "price")] == [original[k] for k in ("cust_no", "sku", "price")]
        assert 0 < -int(back["qty"]) <= int(original["qty"])
        assert back["status"] == "returned"
        assert original["status"] == "completed"


def test_messages_go_only_to_those_who_agreed_at_that_time(sample):
    consents = defaultdict(list)
    for row in sample.csv("crm/consents.csv"):
        consents[row["cust_no"], row["channel"]].append((row["changed"], row["granted"]))
    for row in sample.csv("crm/sends.csv", ";"):
        known = [granted for changed, granted in sorted(consents[row["cust_no"], row["channel"]])
                 if changed <= row["send_time"]]  # fmt: skip
        assert known
        assert known[-1] == "Y"


def test_a_converted_message_names_the_net_amount_of_the_order_that_it_led_to(sample):
    planted = {d["row_key"].split("|")[0] for d in sample.defects("order_lines")}
    net, at = defaultdict(float), {}
    for row in sample.order_lines():
        if int(row["qty"]) > 0:
            net[row["order_no"]] += int(row["qty"]) * float(row["price"]) - float(row["discount_amt"])
            at[row["cust_no"], row["order_time"]] = row["order_no"]
    converted = [r for r in sample.csv("crm/sends.csv", ";") if r["convert_time"]]
    assert len(converted) > 30
    checked = 0
    for row in converted:
        order = at.get((row["cust_no"], row["convert_time"]))
        if order is not None and order not in planted:
            assert float(row["revenue"]) == pytest.approx(net[order], abs=0.01)
            checked += 1
    assert checked > 0.8 * len(converted)


def test_identity_cards_have_a_valid_check_digit_and_say_birth_date_and_gender(sample):
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    cards = [r for r in sample.csv("crm/customers.csv") if r["id_no"] and r["birthday"]]
    assert len(cards) > 200
    for row in cards:
        card = row["id_no"]
        assert "10X98765432"[sum(w * int(d) for w, d in zip(weights, card)) % 11] == card[17]
        assert card[6:14] == row["birthday"].replace("-", "")
        if row["sex"]:
            assert (int(card[16]) % 2 == 1) == (row["sex"] == "M")


def test_gender_is_sometimes_unknown_but_always_in_the_truth(sample):
    rows = sample.csv("crm/customers.csv")
    assert 0.10 < sum(r["sex"] == "" for r in rows) / len(rows) < 0.20
    truth = {r["customer_id"]: r["gender"] for r in sample.parquet("truth/customers.parquet")}
    assert all(truth[r["cust_no"]] == {"F": "female", "M": "male"}[r["sex"]] for r in rows if r["sex"])


def test_partners_members_are_customers_in_two_of_three_cases_by_phone_or_email(sample):
    truth = {(r["partner_id"], r["member_id"]): r["customer_id"] for r in sample.csv("truth/partner_members.csv")}
    customers = {r["cust_no"]: r for r in sample.csv("crm/customers.csv")}
    planted = {d["row_key"] for d in sample.defects()}
    inside = 0
    for row in sample.csv("partners/members.csv", "|"):
        customer = truth[row["Partner"], row["Member No"]]
        if customer and customer not in planted and f"{row['Partner']}|{row['Member No']}" not in planted:
            inside += 1
            same = (
                row["Mobile"] == customers[customer]["mobile"],
                row["E-mail"] == customers[customer]["email"],
            )
            assert any(same)
    assert inside / len(truth) == pytest.approx(2 / 3, abs=0.1)


def test_shoppers_are_seen_in_the_store_before_they_pay(sample):
    stores = {r["store_code"]: (float(r["lat"]), float(r["lng"])) for r in sample.csv("stores/stores.csv")}
    seen = defaultdict(list)
    for row in sample.parquet("app/locations.parquet"):
        seen[row["device_user"]].append((row["lat"], row["lng"], row["dwell_s"]))
    bought = [r for r in plain_order_lines(sample).values() if r["sale_channel"] == "store" and int(r["qty"]) > 0]
    for row in bought[:200]:
        latitude, longitude = stores[row["store_code"]]
        assert any(
            abs(lat - latitude) < 0.001 and abs(lng - longitude) < 0.001 and dwell >= 480
            for lat, lng, dwell in seen[row["cust_no"]]
        )
