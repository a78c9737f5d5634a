"""Every planted defect stands where the truth says, and nothing else is wrong with the files."""

from __future__ import annotations

import json
import math
import re
import statistics
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone

import pytest
import yaml

from lakehouse.synth.defects import KINDS

SHANGHAI = timezone(timedelta(hours=8))
UTC_FORM = "%Y-%m-%dT%H:%M:%SZ"
ISO, SLASH, MONTH_NAME = "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%d-%b-%Y %H:%M:%S"
EMAIL = re.compile(r"[a-z0-9.]+@[a-z]+(\.[a-z]+)+")


def moment(text: str) -> datetime:
    for form in (ISO, SLASH, MONTH_NAME):
        try:
            return datetime.strptime(text, form).replace(tzinfo=SHANGHAI)
        except ValueError:
            continue
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def true_moment(text: str) -> datetime:
    return datetime.strptime(text, UTC_FORM).replace(tzinfo=timezone.utc)


def field(sample, defect: dict[str, str], raw: str) -> str:
    record = sample.record(defect["file"], int(defect["record_number"])).decode()
    if "json" in defect["file"]:
        return str(json.loads(record)[raw])
    header = sample.lines(defect["file"])[0].decode().split(",")
    return record.split(",")[header.index(raw)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: f"{k.defect}-{k.entity}-{k.column or 'row'}")
def test_every_kind_is_planted_at_its_stated_rate_and_at_least_once(sample, kind):
    stated = yaml.safe_load((sample.directory / "truth/rates.yml").read_text())["defects"]
    [entry] = [
        e for e in stated
        if (e["defect_kind"], e["entity"], e["column"] or "") == (kind.defect, kind.entity, kind.column)
    ]  # fmt: skip
    planted = [d for d in sample.defects(kind.entity, kind.defect) if d["column_name"] == kind.column]
    assert len(planted) == entry["planted"] == math.ceil(kind.rate * entry["rows"]) >= 1
    assert entry["stated_rate"] == kind.rate


def test_no_row_carries_two_defects(sample):
    places = Counter((d["file"], d["record_number"]) for d in sample.defects())
    assert places.most_common(1)[0][1] == 1


@pytest.mark.parametrize("entity", ["customers", "order_lines", "events", "sends", "tickets"])
def test_a_truncated_line_is_the_beginning_of_the_true_line_and_cannot_be_read(sample, entity):
    delimiter = {"sends": ";"}.get(entity, ",")
    for defect in sample.defects(entity, "truncated_line"):
        line = sample.record(defect["file"], int(defect["record_number"])).decode()
        assert line == defect["planted_value"]
        assert defect["true_value"].startswith(line)
        if "json" in defect["file"]:
            with pytest.raises(json.JSONDecodeError):
                json.loads(line)
        else:
            assert line.count(delimiter) < defect["true_value"].count(delimiter)


def test_a_line_in_the_wrong_encoding_is_gb18030_and_no_utf_8(sample):
    for defect in sample.defects(kind="wrong_encoding"):
        line = sample.record(defect["file"], int(defect["record_number"]))
        with pytest.raises(UnicodeDecodeError):
            line.decode("utf-8")
        assert line.decode("gb18030") == defect["true_value"]
        assert re.search("[\u4e00-\u9fff]", defect["true_value"])


def test_nothing_depends_on_customers_whose_row_cannot_be_read(sample):
    lost = {d["row_key"] for k in ("wrong_encoding", "truncated_line") for d in sample.defects("customers", k)}
    assert not lost & {row["cust_no"] for row in sample.order_lines()}
    assert not lost & {row["uid"] for row in sample.events()}
    assert not lost & {row["user_id"] for row in sample.parquet("ads/*.parquet")}


@pytest.mark.parametrize("entity", ["order_lines", "events"])
def test_an_exact_duplicate_is_a_second_copy_of_the_same_raw_line(sample, entity):
    for defect in sample.defects(entity, "exact_duplicate"):
        line = sample.record(defect["file"], int(defect["record_number"]))
        assert sample.lines(defect["file"]).count(line) == 2
        assert all(part.encode() in line for part in defect["row_key"].split("|"))


def test_a_near_duplicate_repeats_an_event_one_second_later_under_another_id(sample):
    events = {event["event_id"]: event for event in sample.events()}
    same = ("sid", "event", "sku", "uid", "anon_id")
    for defect in sample.defects("events", "near_duplicate"):
        copy, original = events[defect["row_key"]], events[defect["true_value"]]
        assert [copy.get(k) for k in same] == [original.get(k) for k in same]
        assert moment(copy["ts"]) - moment(original["ts"]) == timedelta(seconds=1)
        assert field(sample, defect, "event_id") == defect["row_key"]


def test_natural_events_of_one_session_type_and_product_are_five_seconds_apart(sample):
    planted = {d["row_key"] for d in sample.defects("events")}
    last: dict[tuple[str, ...], datetime] = {}
    for event in sample.events():
        if event["event_id"] in planted:
            continue
        key, at = (event["sid"], event["event"], event.get("sku")), moment(event["ts"])
        assert key not in last or at - last[key] >= timedelta(seconds=5)
        last[key] = at


@pytest.mark.parametrize(
    ("entity", "kind", "raw"),
    [
        ("order_lines", "date_format", "order_time"),
        ("customers", "date_format", "reg_time"),
        ("events", "mixed_timezone", "ts"),
    ],
)
def test_times_in_other_forms_still_say_the_true_time(sample, entity, kind, raw):
    planted = sample.defects(entity, kind)
    for defect in planted:
        assert field(sample, defect, raw) == defect["planted_value"]
        assert moment(defect["planted_value"]) == true_moment(defect["true_value"])
    shapes = {re.sub("[0-9]+", "9", re.sub("[A-Z][a-z]{2}", "Mon", d["planted_value"])) for d in planted}
    expected = (
        {"9-9-9T9:9:9+9:9", "9-9-9T9:9:9Z", "9-9-9T9:9:9-9:9"} if entity == "events" else {"9/9/9 9:9", "9-Mon-9 9:9:9"}
    )
    assert shapes == expected


def test_events_from_the_future_are_of_2036_and_later(sample):
    for defect in sample.defects("events", "future_event"):
        assert moment(field(sample, defect, "ts")).year >= 2036
        assert true_moment(defect["true_value"]).astimezone(SHANGHAI).year == 2025


@pytest.mark.parametrize(("entity", "raw"), [("order_lines", "order_time"), ("events", "ts")])
def test_an_impossible_date_is_on_no_calendar(sample, entity, raw):
    for defect in sample.defects(entity, "impossible_date"):
        assert field(sample, defect, raw) == defect["planted_value"]
        with pytest.raises(ValueError, match="day is out of range"):
            moment(defect["planted_value"])


def test_outliers_and_negative_prices_are_multiples_of_the_true_value(sample):
    factors = {("outlier", "quantity"): ("qty", 100), ("outlier", "unit_price"): ("price", 50),
               ("negative_price", "unit_price"): ("price", -1)}  # fmt: skip
    for (kind, column), (raw, factor) in factors.items():
        for defect in (d for d in sample.defects("order_lines", kind) if d["column_name"] == column):
            assert float(field(sample, defect, raw)) == pytest.approx(factor * float(defect["true_value"]))


def test_the_interquartile_rule_on_logs_finds_the_outliers_and_nothing_else(sample):
    planted = {d["row_key"]: d["column_name"] for d in sample.defects("order_lines", "outlier")}
    sales = [r for r in sample.order_lines() if int(r["qty"]) > 0 and float(r["price"]) > 0]
    by_product = defaultdict(list)
    for row in sales:
        by_product[row["sku"]].append(float(row["price"]))
    median = {sku: statistics.median(prices) for sku, prices in by_product.items()}
    measures = {
        "quantity": [math.log(int(r["qty"])) for r in sales],
        "unit_price": [math.log(float(r["price"]) / median[r["sku"]]) for r in sales],
    }
    for column, values in measures.items():
        q1, _, q3 = statistics.quantiles(values, n=4)
        low, high = q1 - 3 * (q3 - q1), q3 + 3 * (q3 - q1)
        keys = [f"{r['order_no']}|{r['line_no']}" for r in sales]
        found = {key for key, value in zip(keys, values) if not low <= value <= high}
        assert found == {key for key, name in planted.items() if name == column}


def test_unknown_keys_are_the_only_keys_that_do_not_exist(sample):
    customers = {line.split(b",")[0].decode() for line in sample.lines("crm/customers.csv")}
    products = {row["sku"] for row in sample.csv("catalog/products.csv")}
    planted = {(d["row_key"], d["column_name"]) for d in sample.defects("order_lines", "unknown_key")}
    found = set()
    for row in sample.order_lines():
        key = f"{row['order_no']}|{row['line_no']}"
        found |= {(key, "customer_id")} if row["cust_no"] not in customers else set()
        found |= {(key, "product_id")} if row["sku"] not in products else set()
    assert found == planted


def test_emails_are_valid_and_tidy_except_where_a_defect_is_planted(sample):
    planted = {d["row_key"]: d for d in sample.defects("customers") if d["column_name"] == "email"}
    for row in sample.csv("crm/customers.csv"):
        if row["cust_no"] not in planted:
            assert EMAIL.fullmatch(row["email"])
        else:
            defect = planted[row["cust_no"]]
            assert row["email"] == defect["planted_value"] != defect["true_value"]
            is_tidy = EMAIL.fullmatch(row["email"].strip().lower()) is not None
            assert is_tidy == (defect["defect_kind"] == "stray_whitespace_case")


@pytest.mark.parametrize(
    ("entity", "file", "raw", "delimiter"),
    [
        ("customers", "crm/customers.csv", "mobile", ","),
        ("partner_members", "partners/members.csv", "Mobile", "|"),
    ],
)
def test_phones_in_other_forms_have_the_digits_of_the_true_number(sample, entity, file, raw, delimiter):
    forms = {d["planted_value"]: d["true_value"] for d in sample.defects(entity, "phone_format")}
    written = {row[raw] for row in sample.csv(file, delimiter)}
    assert set(forms) <= written
    for phone, truth in forms.items():
        assert re.sub("[^0-9]", "", phone).removeprefix("00").removeprefix("86") == truth.removeprefix("+86")
    assert all(re.fullmatch(r"(1[35789]\d{9}|\+\d{9,14})?", phone) for phone in written - set(forms))


@pytest.mark.parametrize(("entity", "file", "raw"), [
    ("customers", "crm/customers.csv", "birthday"), ("products", "catalog/products.csv", "cost_price"),
    ("memberships", "crm/memberships.csv", "points")])  # fmt: skip
def test_values_are_missing_only_where_planted(sample, entity, file, raw):
    planted = {d["row_key"].split("|")[0] for d in sample.defects(entity, "missing_value")}
    key = "sku" if entity == "products" else "cust_no"
    assert {row[key] for row in sample.csv(file) if row[raw] == ""} == planted
    assert all(d["true_value"] for d in sample.defects(entity, "missing_value"))


def test_keys_repeat_only_where_an_exact_duplicate_is_planted(sample):
    keys = Counter(f"{r['order_no']}|{r['line_no']}" for r in sample.order_lines())
    assert {k for k, n in keys.items() if n > 1} == {
        d["row_key"] for d in sample.defects("order_lines", "exact_duplicate")
    }
    ids = Counter(event["event_id"] for event in sample.events())
    assert {k for k, n in ids.items() if n > 1} == {d["row_key"] for d in sample.defects("events", "exact_duplicate")}
