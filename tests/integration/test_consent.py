"""Nobody is activated or exported without a valid consent: the SQL against a plain reference, over random histories."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse import ops, publication
from lakehouse.engine import open_engine
from lakehouse.engine.sail import open_sail
from lakehouse.errors import InputError
from lakehouse.export import what_may_leave
from lakehouse.privacy.consent import refused
from lakehouse.settings import Settings, load_settings
from tests.conftest import forget_tables
from tests.integration.gold_by_dbt import run_dbt
from tests.integration.silver_by_hand import silver_table, write_home

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY = date(2024, 6, 30)
NOON = datetime(2024, 6, 30, 12, tzinfo=timezone.utc)
#: Each example asks Sail some six queries, about half a second; LAKEHOUSE_CONSENT_EXAMPLES tries many.
EXAMPLES = int(os.environ.get("LAKEHOUSE_CONSENT_EXAMPLES", "15"))
PEOPLE = ("ann", "bob", "cho")
CHANNELS = ("ad", "email", "phone", "post", "push", "sms")
CAP = {"contact_cap_count": 2, "contact_cap_days": 7}
POLICIES: Mapping[str, dict[str, Any]] = {
    "no cap": {},
    "cap": CAP,
    "assumed": {},
    "silence is a no": {"assume_consent": False},
}
Row = dict[str, Any]

# Few moments, so that words fall together: the day's first and last, its neighbours, and some farther away.
moments = st.sampled_from(
    [datetime(2024, 6, 30, tzinfo=timezone.utc), datetime(2024, 6, 30, 23, 59, 59, 999999, tzinfo=timezone.utc)]
    + [datetime(2024, 7, 1, tzinfo=timezone.utc), datetime(1969, 5, 1, 0, 0, 0, 1, tzinfo=timezone.utc)]
    + [NOON + timedelta(days=days) for days in (-400, -7, -6, -1, 2, 30)]
)
words = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(PEOPLE),
        "purpose": st.sampled_from(["marketing", "marketing", "Marketing ", "all", "analytics"]),
        "channel": st.sampled_from(["email", "email", "SMS", "sms", "wechat", "all", "", None]),
        "changed_at": moments,
        "is_granted": st.sampled_from([True, True, False]),
    }
)
sends = st.fixed_dictionaries(
    {"customer_id": st.sampled_from(PEOPLE), "channel": st.sampled_from(["email", "sms"]), "sent_at": moments}
)


def said(value: str | None) -> str:
    return (value or "").strip().lower() or "all"


def is_yes(history: list[Row]) -> bool:
    """Whether the last word is a consent: of several at the same time all must be."""
    last = max((word["changed_at"] for word in history), default=None)
    return last is not None and all(word["is_granted"] for word in history if word["changed_at"] == last)


def consented(history: list[Row], who: str, channel: str, purpose: str = "marketing") -> bool:
    """By the day, and not taken back since."""
    about = [
        word
        for word in history
        if word["customer_id"] == who
        and said(word["purpose"]) in (purpose, "all")
        and said(word["channel"]) in (channel, "all")
    ]
    return is_yes([word for word in about if word["changed_at"].date() <= DAY]) and is_yes(about)


def messages(sent: list[Row], who: str, channel: str) -> int:
    days = [
        (DAY - row["sent_at"].date()).days for row in sent if (row["customer_id"], row["channel"]) == (who, channel)
    ]
    return sum(0 <= ago < CAP["contact_cap_days"] for ago in days)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(home=tmp_path_factory.mktemp("consent") / "home")


@pytest.fixture(scope="module")
def sql(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The SQL of `dim_consent` as dbt would run it, by policy."""
    found = {}
    for name, policy in POLICIES.items():
        brings = [("shop", "customers"), *([("shop", "consents")] if "cap" in name else [])]
        write_home(home, {}, DAY, declared=brings)
        open_engine(home)
        arguments = ["compile", "--select", "dim_consent", "--vars", json.dumps(policy)]
        compiled = {one.node.name: one.node for one in run_dbt(arguments, tmp_path_factory.mktemp("dbt"))}
        found[name] = str(compiled["dim_consent"].compiled_code)
    return found


def answers(home: Settings, statement: str) -> dict[str, Row]:
    return {row["customer_id"]: row for row in open_sail(home).rows(statement).to_pylist()}


@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES == 15, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    history=st.lists(words, max_size=14),
    sent=st.lists(sends, max_size=8),
    listed=st.sets(st.sampled_from(PEOPLE), max_size=1),
)
def test_only_who_has_consented_and_not_taken_it_back_may_be_contacted(
    home: Settings, sql: dict[str, str], history: list[Row], sent: list[Row], listed: set[str]
) -> None:
    unique = {
        tuple(str(word[name]) for name in ("customer_id", "purpose", "channel", "changed_at")): word for word in history
    }
    history = list(unique.values())  # the key of silver
    rows = {"consents": history, "sends": sent, "suppressions": [{"customer_id": who} for who in listed]}
    for entity, brought in rows.items():
        path = home.table_path("silver", entity)
        write_deltalake(path, silver_table(entity, brought), mode="overwrite")
    free, capped = answers(home, sql["no cap"]), answers(home, sql["cap"])
    for who in PEOPLE:
        yes = {channel for channel in (*CHANNELS, "wechat") if consented(history, who, channel)}
        if not any(said(word["channel"]) == "wechat" for word in history):
            yes -= {"wechat"}  # a channel that nobody has named
        assert (set(free[who]["consented_channels"]) if who in free else set()) == yes
        may = set() if who in listed else yes
        assert (set(free[who]["contact_channels"]) if who in free else set()) == may
        below = {channel for channel in may if messages(sent, who, channel) < CAP["contact_cap_count"]}
        assert (set(capped[who]["contact_channels"]) if who in capped else set()) == below
        assert (who in capped and capped[who]["is_contactable"]) == bool(below)
        for channel in ("email", "sms"):
            out = answers(home, refused("marketing", channel))
            # What is exported over a channel: who may be contacted by the tables, less who refuses now.
            assert channel not in may or who not in out
            about = [w for w in history if w["customer_id"] == who and said(w["purpose"]) in ("marketing", "all")]
            about = [w for w in about if said(w["channel"]) in (channel, "all")]
            assert (who in out) == bool(about and not is_yes(about))


def test_where_no_source_brings_consents_the_setting_decides(home: Settings, sql: dict[str, str]) -> None:
    write_home(home, {"suppressions": [{"customer_id": "bob"}]}, DAY)
    people = pa.table({"customer_id": list(PEOPLE)})
    write_deltalake(home.table_path("gold", "feat_customer_behaviour"), people, mode="overwrite")
    assumed = answers(home, sql["assumed"])
    assert {who: row["contact_channels"] for who, row in assumed.items()} == {
        "ann": list(CHANNELS), "bob": [], "cho": list(CHANNELS)
    }  # fmt: skip
    assert all(row["is_consent_assumed"] for row in assumed.values())
    assert answers(home, sql["silence is a no"]) == {}


@pytest.fixture
def published(spark: SparkSession, home_settings: Settings) -> Iterator[Settings]:
    """Three customers, published; ann and bob may be written to, and cho refuses analytics."""
    consents = [
        {"customer_id": who, "purpose": "marketing", "channel": "email", "changed_at": NOON, "is_granted": True}
        for who in ("ann", "bob")
    ] + [{"customer_id": "cho", "purpose": "analytics", "changed_at": NOON, "is_granted": False}]
    write_home(home_settings, {"consents": consents}, DAY)
    profiles = [
        {
            "customer_id": who,
            "full_name": who.title(),
            "email": f"{who}@x.cn",
            "phone": "1",
            "age_years": 30,
            "frequency": 2,
        }
        for who in PEOPLE
    ]
    write_deltalake(home_settings.table_path("gold", "dim_customer"), pa.Table.from_pylist(profiles))
    contacts = pa.table({"customer_id": ["ann", "bob"], "contact_channels": [["email"], ["email"]]})
    write_deltalake(home_settings.table_path("gold", "dim_consent"), contacts)
    publication.publish(home_settings, "run", NOON, str(DAY), "x")
    forget_tables(spark)
    yield home_settings
    forget_tables(spark)


def leaving(settings: Settings, purpose: str, channel: str | None) -> list[Row]:
    frame = what_may_leave(settings, "dim_customer", purpose, channel).frame
    return sorted((row.asDict() for row in frame.collect()), key=lambda row: row["customer_id"])


def test_an_export_holds_who_agreed_with_what_the_purpose_needs(published: Settings) -> None:
    by_email = leaving(published, "marketing", "email")
    assert by_email == [
        {"customer_id": who, "full_name": who.title(), "email": f"{who}@x.cn", "frequency": 2} for who in ("ann", "bob")
    ]
    assert leaving(published, "marketing", "sms") == []
    assert leaving(published, "analytics", None) == [
        {"customer_id": who, "age_years": 30, "frequency": 2} for who in ("ann", "bob")
    ]
    assert what_may_leave(published, "dim_customer", "analytics", None).withheld == ("full_name", "email", "phone")
    with pytest.raises(InputError, match=r"gold.dim_customer is about people: say what for with --purpose"):
        what_may_leave(published, "dim_customer", None, None)


def test_who_is_restricted_leaves_for_no_purpose_from_then_on(published: Settings, spark: SparkSession) -> None:
    ops.ensure_tables(published)
    ops.append(published, "restrictions", [{"customer_id": "ann", "restricted_at": NOON}])
    forget_tables(spark)
    assert [row["customer_id"] for row in leaving(published, "marketing", "email")] == ["bob"]
    assert [row["customer_id"] for row in leaving(published, "analytics", None)] == ["bob"]


def test_a_withdrawal_and_a_suppression_are_heeded_at_once(published: Settings, spark: SparkSession) -> None:
    taken_back = {"customer_id": "ann", "purpose": "all", "changed_at": NOON + timedelta(days=3), "is_granted": False}
    write_deltalake(published.table_path("silver", "consents"), silver_table("consents", [taken_back]), mode="append")
    forget_tables(spark)
    assert [row["customer_id"] for row in leaving(published, "marketing", "email")] == ["bob"]
    assert leaving(published, "analytics", None) == [{"customer_id": "bob", "age_years": 30, "frequency": 2}]
    listed = silver_table("suppressions", [{"customer_id": "bob"}])
    write_deltalake(published.table_path("silver", "suppressions"), listed, mode="append")
    forget_tables(spark)
    assert leaving(published, "marketing", "email") == []
