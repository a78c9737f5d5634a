"""Rows that are past their retention go from a shop that was run: which, from where, and what a kill leaves."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from lakehouse import ops
from lakehouse.privacy import audit
from lakehouse.privacy.classes import activity, retentions
from lakehouse.privacy.keyring import open_keyring
from lakehouse.privacy.person_keys import mappings
from lakehouse.privacy.pseudonyms import Pseudonyms
from lakehouse.privacy.retention.expiry import PLAN, Expired, continue_expiry, expire, foretold, planned
from lakehouse.privacy.vault_reading import opened
from lakehouse.settings import Settings
from lakehouse.storage import delta_table
from tests.conftest import use_home
from tests.integration.conftest import Shop, copied
from tests.integration.content import content_hashes, rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOW = partial(datetime.now, timezone.utc)
TOUCHED = ("customers", "events", "impressions", "locations", "memberships")
KILLS = ("rows bronze.events", "rows silver.customers", "values silver.events", "vault", "past")
"""Where an expiry is killed, one after the other: a step, or the middle of one."""
DOOMED = """
import os, signal, sys
from datetime import date, datetime, timezone
from functools import partial
from lakehouse.privacy.retention.expiry import continue_expiry, expire
from lakehouse.settings import load_settings

settings, point, days = load_settings(home=sys.argv[1]), sys.argv[2], sys.argv[3:]

def tell(step, what):
    if f"{step} {what}".strip() == point:
        os.kill(os.getpid(), signal.SIGKILL)

if days:
    expire(settings, partial(datetime.now, timezone.utc), date.fromisoformat(days[0]), tell)
else:
    continue_expiry(settings, tell)
"""


@dataclass(frozen=True)
class Aged:
    """A copy of the shop, the day by which age is told, what a dry run foretold and what then went."""

    shop: Shop
    day: date
    foretold: Expired
    told: Expired

    @property
    def settings(self) -> Settings:
        return self.shop.settings

    def kept_since(self, entity: str) -> date:
        return self.day - timedelta(days=retentions()[entity].days)


@pytest.fixture(scope="module")
def aged(shop: Shop, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Aged:
    own = copied(shop, tmp_path_factory.mktemp("aged"))
    use_home(spark, own.settings)
    (last,) = (row["as_of_on"] for row in ops.read(own.settings, "as_of"))
    day = last + timedelta(days=680)
    plan = planned(own.settings, NOW, day)
    assert plan is not None
    before = foretold(own.settings, plan)
    assert content_hashes(own.settings, ("bronze", "silver")) == content_hashes(shop.settings, ("bronze", "silver"))
    told = expire(own.settings, NOW, day)
    assert told is not None
    return Aged(own, day, before, told)


def test_a_dry_run_says_what_then_goes(aged: Aged) -> None:
    assert (aged.foretold.rows, aged.foretold.keys) == (aged.told.rows, aged.told.keys)
    assert aged.foretold.models == aged.told.models != ()
    assert {f"{layer}.{entity}" for layer in ("bronze", "silver") for entity in TOUCHED} <= aged.told.rows.keys()
    assert aged.told.keys == aged.told.rows["silver.customers"] == aged.told.rows["vault.identifiers"] > 0


def test_deeds_go_once_they_are_older_than_they_are_kept(aged: Aged, shop: Shop) -> None:
    for entity, time in (("events", "event_at"), ("impressions", "shown_at"), ("locations", "seen_at")):
        since = aged.kept_since(entity)
        before, after = rows(shop.settings, f"silver.{entity}"), rows(aged.settings, f"silver.{entity}")
        assert places(after) == places(row for row in before if row[time].date() >= since)
        gone = places(before) - places(after)
        assert gone
        assert not gone & places(rows(aged.settings, f"bronze.{entity}"))
        assert len(places(after)) > 0 or entity == "locations"
    for entity in ("order_lines", "tickets", "sends", "consents", "products"):
        assert len(rows(aged.settings, f"bronze.{entity}")) == len(rows(shop.settings, f"bronze.{entity}"))


def test_a_profile_goes_with_the_last_deed_that_is_still_kept(aged: Aged, shop: Shop) -> None:
    last: dict[str, date] = {}
    for entity, columns in activity().items():
        since = aged.kept_since(entity)
        for row in rows(shop.settings, f"silver.{entity}"):
            days = [as_day(row[column]) for column in columns if row[column] is not None]
            for day in days:
                if day >= since and row["customer_id"]:
                    last[row["customer_id"]] = max(day, last.get(row["customer_id"], day))
    people = rows(shop.settings, "silver.customers")
    wanted = set()
    for row in people:
        days = [last.get(row["customer_id"]), as_day(row["registered_at"])]
        newest = max((day for day in days if day is not None), default=None)
        if newest is None or newest >= aged.kept_since("customers"):
            wanted.add(row["customer_id"])
    left = {row["customer_id"] for row in rows(aged.settings, "silver.customers")}
    assert left == wanted
    assert 0 < len(wanted) < len(people)
    theirs = {row["customer_id"] for row in people} - left
    assert {row["customer_id"] for row in rows(aged.settings, "silver.memberships")}.isdisjoint(theirs)


def test_of_whom_nothing_is_sealed_no_key_is_left_and_no_tombstone(aged: Aged, shop: Shop) -> None:
    left = {row["customer_id"] for row in rows(aged.settings, "silver.customers")}
    gone = {row["customer_id"] for row in rows(shop.settings, "silver.customers")} - left
    with open_keyring(aged.settings) as keyring:
        names = Pseudonyms.of(keyring)
        assert keyring.held(names.pseudonym(one) for one in gone) == {}
        assert keyring.all_destroyed() == set(), "they may become customers again"
        kept = [names.pseudonym(one) for one in left]
        told = [held.values for held in opened(aged.settings, keyring, "subject_id", kept)]
    assert {values["customer_id"] for values in told} == left


def test_every_row_that_was_read_is_accounted_for_and_the_log_says_who_did_it(aged: Aged) -> None:
    loads = ops.read(aged.settings, "loads")
    assert all(r["rows_read"] == r["rows_landed"] + r["rows_quarantined"] + (r["rows_expired"] or 0) for r in loads)
    for entity in TOUCHED:
        landed = sum(row["rows_landed"] for row in loads if row["entity"] == entity)
        assert landed == len(rows(aged.settings, f"bronze.{entity}"))
    (line,) = [line for line in audit.read(aged.settings) if line["action"] == "expire"]
    in_bronze = sum(count for name, count in aged.told.rows.items() if name.startswith("bronze."))
    assert (line["day"], line["rows"]) == (str(aged.day), str(in_bronze))
    with open_keyring(aged.settings) as keyring:
        assert audit.verify(aged.settings, keyring).faults == ()


def test_no_older_version_of_what_was_touched_is_left(aged: Aged) -> None:
    for name in aged.told.rows:
        delta = delta_table(aged.settings, name)
        folder = aged.settings.home / ("vault" if name.startswith("vault") else "tables") / name.replace("vault.", "")
        if not name.startswith("vault"):
            folder = aged.settings.table_path(*name.split("."))
        files = {path.name for path in folder.rglob("*.parquet") if "_delta_log" not in path.parts}
        assert files == {uri.rpartition("/")[2] for uri in delta.file_uris()}, name
        assert [path.stem for path in (folder / "_delta_log").glob("*.json")] == [f"{delta.version():020d}"], name


def test_what_is_past_its_retention_is_past_it_once(aged: Aged) -> None:
    again = expire(aged.settings, NOW, aged.day)
    assert again == Expired(aged.day, {})
    assert [line["action"] for line in audit.read(aged.settings)].count("expire") == 1


def test_columns_that_are_kept_for_fewer_days_go_before_their_rows(
    copy_of_shop: Shop, shop: Shop, spark: SparkSession
) -> None:
    settings = copy_of_shop.settings
    use_home(spark, settings)
    (last,) = (row["as_of_on"] for row in ops.read(settings, "as_of"))
    day = last + timedelta(days=300)
    plan = planned(settings, NOW, day)
    assert plan is not None
    told = expire(settings, NOW, day)
    assert told is not None
    assert foretold(settings, plan).emptied == told.emptied
    (lost,) = told.emptied
    assert (lost.table, lost.columns, lost.days) == ("bronze.events", ("url", "referrer"), 365)
    assert "bronze.events" not in told.rows, "no event is old enough to go whole"

    since, emptied = day - timedelta(days=365), 0
    after = {place: row for row in rows(settings, "silver.events") for place in places([row])}
    for before in rows(shop.settings, "silver.events"):
        (place,) = places([before])
        kept = (before["url"], before["referrer"])
        is_kept = before["event_at"].date() >= since
        assert (after[place]["url"], after[place]["referrer"]) == (kept if is_kept else (None, None))
        emptied += not is_kept and kept != (None, None)
    assert lost.rows >= emptied > 0
    assert any(row["url"] for row in after.values()), "of the newer ones nothing goes"
    old = {place for place, row in after.items() if row["event_at"].date() < since}
    (mapped,) = (one for one in mappings(settings) if one.entity == "events")
    stored = [row for row in rows(settings, "bronze.events") if places([row]) & old]
    assert {tuple(row[mapped.brought(ours)] for ours in lost.columns) for row in stored} == {(None, None)}
    assert sum(row["rows_emptied"] or 0 for row in ops.read(settings, "loads")) == lost.rows
    for name in ("bronze.events", "silver.events"):
        assert int(delta_table(settings, name).history()[-1]["version"]) == delta_table(settings, name).version()
    assert expire(settings, NOW, day) == Expired(day, {})


def test_one_that_is_killed_again_and_again_ends_as_one_that_was_not(aged: Aged, copy_of_shop: Shop) -> None:
    settings = copy_of_shop.settings
    for place, point in enumerate(KILLS):
        named = [str(aged.day)] if place == 0 else []
        ended = subprocess.run([sys.executable, "-c", DOOMED, str(settings.home), point, *named], check=False)
        assert ended.returncode == -signal.SIGKILL, point
        assert str(aged.day).encode() not in (settings.home / PLAN).read_bytes()
    told = continue_expiry(settings)
    assert told is not None
    assert (told.rows, told.keys, told.models) == (aged.told.rows, aged.told.keys, aged.told.models)
    assert told.emptied == aged.told.emptied != ()
    assert content_hashes(settings, ("bronze", "silver")) == content_hashes(aged.settings, ("bronze", "silver"))
    assert accounted(settings) == accounted(aged.settings)
    assert continue_expiry(settings) is None


def test_before_the_first_run_nothing_goes(home_settings: Settings) -> None:
    assert expire(home_settings, NOW) is None


def accounted(settings: Settings) -> list[tuple[Any, ...]]:
    counted = ("rows_landed", "rows_expired", "rows_emptied")
    return sorted((row["file"], *(row[name] or 0 for name in counted)) for row in ops.read(settings, "loads"))


def places(found: Any) -> set[tuple[str, int]]:
    return {(row["_batch_id"], row["_row_number"]) for row in found}


def as_day(time: datetime | date | None) -> date | None:
    return time.date() if isinstance(time, datetime) else time
