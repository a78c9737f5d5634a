"""Persons erased from a shop that was run: what is left of them anywhere, what stays, what a kill leaves."""

from __future__ import annotations

import csv
import gzip
import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from lakehouse import ops, publication
from lakehouse.bronze import land
from lakehouse.errors import InputError
from lakehouse.privacy import audit, subject
from lakehouse.privacy.erasure import certificate
from lakehouse.privacy.erasure.requests import continue_killed, erase
from lakehouse.privacy.keyring import open_keyring
from lakehouse.settings import Settings
from lakehouse.sources import remembered_sources
from lakehouse.storage import delta_table, list_tables
from ml import champions
from tests.integration.conftest import Heard, Shop, copied
from tests.integration.content import content_hashes, rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOW = partial(datetime.now, timezone.utc)
LAYERS = ("bronze", "silver", "gold", "ml")
ACTED_ON = ("gold.act_segments", "gold.act_recommendations")
"""Where those stand whom marketing writes to."""
KILLS = ("bronze events", "layers gold.fct_orders", "publish", "files")
"""Where an erasure is killed, one after the other: a step, or the middle of one."""
DOOMED = """
import os, signal, sys
from datetime import datetime, timezone
from functools import partial
from lakehouse.privacy.erasure.requests import continue_killed, erase
from lakehouse.settings import load_settings

settings, point, named = load_settings(home=sys.argv[1]), sys.argv[2], sys.argv[3:]

def tell(step, what):
    if f"{step} {what}".strip() == point:
        os.kill(os.getpid(), signal.SIGKILL)

now = partial(datetime.now, timezone.utc)
if named:
    erase(settings, named, "customers", "killed on the way", now, lambda sql: [], tell)
else:
    continue_killed(settings, now, lambda sql: [], tell)
"""


def refuse(sql: str) -> list[tuple[Any, ...]]:
    raise AssertionError(f"no engine is needed, yet it was asked {sql}")


@dataclass(frozen=True)
class Erased:
    """A copy of the shop, the customers erased from it, what they might be known by, and the certificate."""

    shop: Shop
    customers: tuple[str, ...]
    needles: frozenset[str]
    certificate: Path
    export: subject.Exported

    @property
    def settings(self) -> Settings:
        return self.shop.settings

    @property
    def told(self) -> dict[str, Any]:
        return dict(json.loads(self.certificate.read_text()))


@pytest.fixture(scope="module")
def doomed(shop: Shop) -> tuple[str, ...]:
    """Customers with orders, tickets and events; one of them has a bought profile."""
    bought = {row["customer_id"] for row in rows_of(shop.files / "truth" / "third_party_profiles.csv")}
    orders = column(shop.settings, "silver.order_lines", "customer_id")
    tickets = column(shop.settings, "silver.tickets", "customer_id")
    known = {row["cust_no"] for row in people(shop)}
    both = sorted(set(orders) & set(tickets) & known)
    return (*[one for one in both if one in bought][:1], *[one for one in both if one not in bought][:4])


@pytest.fixture(scope="module")
def erased(shop: Shop, doomed: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Erased:
    folder = tmp_path_factory.mktemp("erased")
    own = copied(shop, folder)
    told = subject.export(own.settings, doomed[0], folder / "out", "they asked", NOW, refuse)
    path = erase(own.settings, doomed, "customers", "they asked", NOW, refuse)
    rows = [row for row in people(shop) if row["cust_no"] in doomed]
    needles = {row[name].strip() for row in rows for name in ("cust_no", "mobile", "email", "id_no")} - {""}
    return Erased(own, doomed, frozenset(needles), path, told)


def test_nothing_of_them_is_left_in_any_file_of_the_home(erased: Erased, shop: Shop) -> None:
    assert found_in(shop.settings.home, erased.needles), "the search finds what is there"
    assert found_in(erased.settings.home, erased.needles) == []


def test_everybody_else_is_as_before(erased: Erased, shop: Shop) -> None:
    for table in ("bronze.customers", "silver.tickets", "gold.dim_customer", "ml.customer_traits"):
        name = "cust_no" if table.startswith("bronze") else "customer_id"
        before, after = column(shop.settings, table, name), column(erased.settings, table, name)
        assert sorted(after) == sorted(one for one in before if one not in erased.customers)
    assert column(erased.settings, "silver.products", "title") == column(shop.settings, "silver.products", "title")


def test_order_lines_stay_without_the_person_and_add_up_to_the_cent(erased: Erased, shop: Shop) -> None:
    for table in ("silver.order_lines", "gold.fct_orders"):
        before, after = rows(shop.settings, table), rows(erased.settings, table)
        assert len(before) == len(after)
        assert total(before) == total(after) > 0
        theirs = [row for row in before if row["customer_id"] in erased.customers]
        orders = {row["order_id"] for row in theirs}
        stay = [row for row in after if row["order_id"] in orders]
        assert theirs
        assert [row["customer_id"] for row in stay] == [None] * len(stay)
    lines = [row for row in rows(erased.settings, "bronze.order_lines") if row["order_no"] in orders]
    assert {name for row in lines for name, value in row.items() if value is not None}.isdisjoint(
        {"cust_no", "pay_method"}
    )


def test_readers_see_one_whole_set_and_cannot_go_back(erased: Erased, shop: Shop) -> None:
    kept = publication.shelf(erased.settings)
    (only,) = kept.sets
    assert only.version == kept.current == shop.publication.version + 1
    for name, version in only.tables.items():
        assert delta_table(erased.settings, name, version).to_pyarrow_table().num_rows >= 0
    untouched = [name for name, version in only.tables.items() if shop.publication.tables[name] == version]
    assert "gold.dim_product" in untouched
    assert "gold.dim_customer" not in untouched
    with pytest.raises(InputError, match="there is no published set"):
        publication.rollback(erased.settings, shop.publication.version)


def test_every_row_that_was_read_is_accounted_for(erased: Erased) -> None:
    loads = ops.read(erased.settings, "loads")
    assert all(r["rows_read"] == r["rows_landed"] + r["rows_quarantined"] + (r["rows_erased"] or 0) for r in loads)
    landed = sum(row["rows_landed"] for row in loads if row["entity"] == "tickets")
    assert landed == len(rows(erased.settings, "bronze.tickets"))
    assert sum(row["rows_erased"] or 0 for row in loads if row["entity"] == "tickets") >= len(erased.customers)


def test_the_certificate_says_what_was_done_and_names_nobody(erased: Erased, shop: Shop) -> None:
    told, text = erased.told, erased.certificate.read_text() + erased.certificate.with_suffix(".html").read_text()
    assert [needle for needle in erased.needles if needle in text] == []
    places = {one["place"]: one for one in told["places"]}
    assert told["persons"] == len(erased.customers)
    assert places["gold.dim_customer"]["removed"] == len(erased.customers)
    assert places["silver.order_lines"]["detached"] > 0 == places["silver.order_lines"]["removed"]
    profiles = bought_of(shop, erased.needles)
    assert places["silver.third_party_profiles"]["removed"] == len(profiles) > 0, "their phone or e-mail is in these"
    assert {one["task"] for one in told["models"]} >= {"segment", "recommend", "churn"}
    assert any("crm/customers.csv of source" in one for one in told["elsewhere"])
    assert not erased.export.json.exists()
    assert not erased.export.page.exists()
    line = audit.read(erased.settings)[-1]
    assert (line["action"], line["seal_of_certificate"]) == ("erased", told["seal"])


def test_a_certificate_is_verified_and_one_that_was_changed_is_refused(erased: Erased, tmp_path: Path) -> None:
    with open_keyring(erased.settings) as keyring:
        told, findings = certificate.verify(erased.settings, keyring, erased.certificate)
        assert (findings, told["checked"]["tables"] > 50) == ([], True)
        for name, value in (("persons", 1), ("elsewhere", []), ("hash", "0" * 64), ("search", {})):
            changed = tmp_path / "changed.json"
            changed.write_text(json.dumps({**erased.told, name: value}))
            with pytest.raises(InputError, match="was changed"):
                certificate.read(erased.settings, keyring, changed)
        with pytest.raises(InputError, match="is no certificate"):
            certificate.read(erased.settings, keyring, erased.certificate.with_suffix(".html"))


def test_verifying_says_where_somebody_is_found_again(erased: Erased) -> None:
    home, somebody = erased.settings.home, erased.customers[0]
    old = home / "tables" / "gold" / "dim_customer" / "part-old.parquet"
    pq.write_table(delta_table(erased.settings, "gold.dim_product").to_pyarrow_table().slice(0, 1), old)
    log = home / "logs" / "planted.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("all is well\n")
    assert found_by(erased) == []
    row = delta_table(erased.settings, "gold.dim_product").to_pyarrow_table().slice(0, 1)
    pq.write_table(row.set_column(0, "note", [[f"seen by {somebody}, twice"]]), old)
    log.write_text(f"all is well\nexported {somebody.lower()}\n")
    try:
        found = found_by(erased)
    finally:
        old.unlink()
        log.unlink()
    assert found == [("gold.dim_customer", "in part-old.parquet"), (str(log), "in the file")]


def test_who_is_not_known_or_not_told_why_is_refused_and_nothing_is_changed(erased: Erased) -> None:
    before = content_hashes(erased.settings, ("bronze",))
    other = next(one for one in column(erased.settings, "silver.customers", "customer_id"))
    for named, entity, reason, said in (
        ([other, "C9999999"], "customers", "r", "nothing is held of 'C9999999'"),
        ([other], "customers", " ", "say why"),
        ([], "customers", "r", "nobody is named"),
        (["air"], "partner_members", "r", "is no key of partner_members"),
        (["x"], "orders", "r", "--entity"),
    ):
        with pytest.raises(InputError, match=said):
            erase(erased.settings, named, entity, reason, NOW, refuse)
    assert content_hashes(erased.settings, ("bronze",)) == before


def test_an_erasure_that_is_killed_again_and_again_ends_as_one_that_was_not(
    shop: Shop, doomed: tuple[str, ...], erased: Erased, tmp_path: Path
) -> None:
    own = copied(shop, tmp_path)
    for place, point in enumerate(KILLS):
        named = doomed if place == 0 else ()
        ended = subprocess.run([sys.executable, "-c", DOOMED, str(own.settings.home), point, *named], check=False)
        assert ended.returncode == -signal.SIGKILL, point
    path = continue_killed(own.settings, NOW, refuse)
    assert path is not None
    assert content_hashes(own.settings, LAYERS) == content_hashes(erased.settings, LAYERS)
    assert publication.current(own.settings).tables.keys() == publication.current(erased.settings).tables.keys()
    counted = ("removed", "detached", "hidden")
    told = json.loads(path.read_text())
    assert [[one["place"], *(one[c] for c in counted)] for one in told["places"]] == [
        [one["place"], *(one[c] for c in counted)] for one in erased.told["places"]
    ]
    assert told["keys_destroyed"] == erased.told["keys_destroyed"]
    assert found_in(own.settings.home, erased.needles) == []
    assert continue_killed(own.settings, NOW, refuse) is None


@dataclass(frozen=True)
class Returned:
    """The erased shop after its files came again with the erased in them, and a run over them."""

    shop: Shop
    batches: dict[str, dict[str, Any]]
    heard: Heard
    restricted: str
    rectified: str


@pytest.fixture(scope="module")
def returned(erased: Erased, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Returned:
    own = copied(erased.shop, tmp_path_factory.mktemp("returned"))
    orders = sorted((own.files / "orders").glob("*.csv.gz"))[-1]
    first = rows_of(own.files / "crm" / "customers.csv")[0]
    acted_on = {one for name in ACTED_ON for one in column(own.settings, name, "customer_id")}
    known = set(column(own.settings, "silver.customers", "customer_id")) - {first["cust_no"]}
    restricted, rectified = sorted(acted_on & known)[:2]
    customers = own.files / "crm" / "customers.csv"
    customers.write_bytes(customers.read_bytes() + f"{erased.customers[0]},a line that is too short\n".encode())
    with gzip.open(orders, "ab") as out:
        out.write(b"\n")
    ops_before = {row["batch_id"] for row in ops.read(own.settings, "loads")}
    assert subject.restrict(own.settings, restricted, False, "disputed", NOW, refuse)
    rectify = partial(subject.rectify, own.settings, rectified, reason="moved", clock=NOW, ask=refuse)
    assert rectify({"city": "Lyon", "phone": "13800138000"}) == ["sample"]
    land(own.settings, remembered_sources(own.settings), "again", NOW())
    loads = [row for row in ops.read(own.settings, "loads") if row["batch_id"] not in ops_before]
    _, heard = own.run_again(spark)
    return Returned(own, {row["file"]: row for row in loads}, heard, restricted, rectified)


def test_a_file_that_comes_again_brings_nobody_back(returned: Returned, erased: Erased) -> None:
    load = returned.batches["crm/customers.csv"]
    assert load["rows_erased"] == len(erased.customers)
    assert load["rows_read"] == load["rows_landed"] + load["rows_quarantined"] + load["rows_erased"]
    refused = [r for r in rows(returned.shop.settings, "bronze.quarantine") if r["batch_id"] == load["batch_id"]]
    (last,) = [row for row in refused if row["row_number"] == load["rows_read"]]
    assert last["raw"] == "", "of an unreadable line that names them the reason is kept only"
    (orders,) = [row for file, row in returned.batches.items() if file.startswith("orders/")]
    assert (orders["rows_erased"], orders["rows_landed"] > 0) == (0, True)
    assert found_in(returned.shop.settings.home, erased.needles) == []


def test_the_next_run_learns_anew_and_passes_its_gates(returned: Returned, erased: Erased, shop: Shop) -> None:
    settings = returned.shop.settings
    assert returned.heard.done[-1] == "publish"
    trained = [row for row in ops.read(settings, "runs") if row["step"] == "train"][-1]
    assert "unchanged" not in trained["message"]
    assert "scored with the model there is" not in trained["message"]
    for task in ("segment", "recommend", "churn"):
        champion = champions.throne(settings, task).champion
        assert champion is not None
        assert not champion.is_outdated
        with pytest.raises(InputError, match="trained on what has been erased"):
            champions.promote(settings, task, "1")
    assert set(column(settings, "gold.dim_customer", "customer_id")).isdisjoint(erased.customers)
    assert total(rows(settings, "gold.fct_orders")) == total(rows(shop.settings, "gold.fct_orders"))
    with open_keyring(settings) as keyring:
        assert certificate.verify(settings, keyring, erased.certificate)[1] == []


def test_who_is_restricted_is_kept_and_used_for_nothing(returned: Returned, shop: Shop) -> None:
    settings, somebody = returned.shop.settings, returned.restricted
    for schema, table in list_tables(settings):
        name = f"{schema}.{table}"
        if "customer_id" in delta_table(settings, name).to_pyarrow_dataset().schema.names:
            is_there = somebody in column(settings, name, "customer_id")
            if schema == "ml" or table.startswith("act_"):
                assert not is_there, name
            elif somebody in column(shop.settings, name, "customer_id"):
                assert is_there, name
    assert any(somebody in column(shop.settings, name, "customer_id") for name in ACTED_ON)
    (consent,) = [row for row in rows(settings, "gold.dim_consent") if row["customer_id"] == somebody]
    assert (consent["is_contactable"], consent["is_suppressed"]) == (False, True)


def test_what_was_put_right_is_right_when_the_wrong_comes_again(returned: Returned) -> None:
    settings, somebody = returned.shop.settings, returned.rectified
    (row,) = [row for row in rows(settings, "silver.customers") if row["customer_id"] == somebody]
    assert (row["city"], row["phone"]) == ("Lyon", "138****8000")
    again = returned.batches["crm/customers.csv"]["batch_id"]
    assert row["_batch_id"] == again, "the source's file is the newer one, and had the wrong values"
    lines = [line for line in audit.read(settings) if line["action"] == "rectify"]
    assert [line["columns"] for line in lines] == ["city, phone"]
    assert "Lyon" not in json.dumps(audit.read(settings))


def test_a_subject_export_has_all_that_is_held(returned: Returned, shop: Shop, tmp_path: Path) -> None:
    settings, somebody = returned.shop.settings, returned.rectified
    made = subject.export(settings, somebody, tmp_path, "asked", NOW, refuse)
    told = json.loads(made.json.read_text())
    (theirs,) = [row for row in people(shop) if row["cust_no"] == somebody]
    (values,) = (one["values"] for one in told["identifiers"] if one["entity"] == "customers")
    assert (values["full_name"], values["phone"]) == (theirs["name"], "13800138000")
    places = {one["table"]: one["rows"] for one in told["places"]}
    for table in ("silver.order_lines", "silver.events", "gold.fct_orders", "ml.recommendations"):
        held = [row for row in rows(settings, table) if row["customer_id"] == somebody]
        assert len(places.get(table, [])) == len(held), table
    assert made.json.stat().st_mode & 0o077 == made.page.stat().st_mode & 0o077 == 0
    page = made.page.read_text()
    assert theirs["name"] in page
    assert "Lyon" in page
    assert "<script" not in page
    assert [line["action"] for line in audit.read(settings)][-1] == "subject export"
    assert str(made.json) in {row["target"] for row in ops.read(settings, "exports")}


def people(shop: Shop) -> list[dict[str, str]]:
    """The rows of the customers' file that are whole and readable."""
    return [row for row in rows_of(shop.files / "crm" / "customers.csv") if None not in row.values()]


def bought_of(shop: Shop, needles: frozenset[str]) -> set[str]:
    """The profiles that were bought of whoever has one of these phones or e-mails."""
    lines = (shop.files / "partners" / "third_party_profiles.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines if line.endswith("}")]
    known = {needle.lower() for needle in needles}
    contacts = {row["profile"]: {str(row["mobile"])[-11:], str(row["mail"]).lower()} for row in told}
    return {profile for profile, theirs in contacts.items() if theirs & known}


def rows_of(file: Path) -> list[dict[str, str]]:
    lines = file.read_bytes().decode("utf-8", "replace").splitlines()
    return [row for row in csv.DictReader(lines) if "\ufffd" not in str(row)]


def column(settings: Settings, table: str, name: str) -> list[Any]:
    return list(delta_table(settings, table).to_pyarrow_table(columns=[name]).column(name).to_pylist())


def total(lines: list[dict[str, Any]]) -> Decimal:
    return sum((row["gross_amount"] or Decimal(0) for row in lines), Decimal(0))


def found_by(erased: Erased) -> list[tuple[str, str]]:
    with open_keyring(erased.settings) as keyring:
        return [(one.place, one.what) for one in certificate.verify(erased.settings, keyring, erased.certificate)[1]]


def found_in(home: Path, needles: frozenset[str]) -> list[str]:
    """Where a needle is in a file of the home: by nothing of the platform, so that it judges the platform's search."""
    files = [path for path in sorted(home.rglob("*")) if path.is_file()]
    return [f"{path}: {needle}" for path in files for held in [text(path)] for needle in needles if needle in held]


def text(path: Path) -> str:
    """A file's text; of Parquet all distinct values of all columns."""
    raw = path.read_bytes()
    if raw.startswith(b"\x1f\x8b"):
        raw = gzip.decompress(raw)
    if not raw.startswith(b"PAR1"):
        return raw.decode("utf-8", "replace")
    columns = pq.read_table(path).columns
    flat = [pc.unique(one) if pa.types.is_string(one.type) else one for one in columns]
    return "\n".join(repr(one.to_pylist()) for one in flat)
