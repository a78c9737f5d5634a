"""What a whole run leaves of the people in the sample: all of it in the vault, none of it in the clear above bronze."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from deltalake import DeltaTable

from lakehouse.bronze import land
from lakehouse.engine import query
from lakehouse.engine.sail import close_sail
from lakehouse.privacy import vault
from lakehouse.privacy.reveal import asking_user, reveal
from lakehouse.settings import Settings
from lakehouse.sources import load_source
from lakehouse.storage import list_tables
from tests.integration.conftest import Shop

NOON = datetime(2025, 7, 1, 12, tzinfo=timezone.utc)
# What may be one, wherever it stands: it is looked up among those of the sample.
LIKELY = {
    "mobile": re.compile(r"\d{11}"),
    "email": re.compile(r"[\w.]+@[\w.-]+\.\w+"),
    "id_no": re.compile(r"\d{17}[\dX]"),
}


@pytest.fixture(scope="module")
def people(shop: Shop) -> list[dict[str, str]]:
    """The rows of the customers' file that are whole and readable."""
    lines = (shop.files / "crm" / "customers.csv").read_bytes().decode("utf-8", "replace").splitlines()
    return [row for row in csv.DictReader(lines) if None not in row.values() and "�" not in "".join(row.values())]


def texts(shop: Shop) -> Iterator[tuple[str, str]]:
    """Every column of every table above bronze, as one text."""
    for schema, table in list_tables(shop.settings):
        if schema != "bronze":
            rows = DeltaTable(shop.settings.table_uri(schema, table)).to_pyarrow_table()
            for name in rows.column_names:
                yield f"{schema}.{table}.{name}", repr(rows[name].to_pylist())


def test_everybody_of_the_file_is_in_the_vault_as_it_told_them(shop: Shop, people: list[dict[str, str]]) -> None:
    for row in people[::60]:
        told = reveal(shop.settings, row["cust_no"], "a test", datetime.now(timezone.utc), asking_user()).by_source
        theirs = {"full_name": "name", "phone": "mobile", "email": "email", "id_card": "id_no", "address": "addr"}
        expected = {ours: row[column].strip() for ours, column in theirs.items() if row[column].strip()}
        assert {ours: value for ours, value in told["sample"].items() if ours in theirs} == expected
    kept = DeltaTable(vault.uri(shop.settings)).to_pyarrow_table(columns=["subject_id", "entity"])
    customers = [row["subject_id"] for row in kept.to_pylist() if row["entity"] == "customers"]
    assert len(set(customers)) >= len({row["cust_no"] for row in people})


def test_no_phone_e_mail_or_identity_card_is_in_the_clear_above_bronze(
    shop: Shop, people: list[dict[str, str]]
) -> None:
    known = {column: {row[column] for row in people if row[column].strip()} for column in LIKELY}
    known["mobile"] |= {phone[-11:] for phone in known["mobile"]}
    known["email"] |= {email.strip().lower() for email in known["email"]}
    assert all(len(values) > 100 for values in known.values())
    found = {
        f"{place} has a {column} as {sorted(hits)[0]}"
        for place, text in texts(shop)
        for column, pattern in LIKELY.items()
        if (hits := known[column] & {*pattern.findall(text)})
    }
    assert found == set()


def test_no_name_is_whole_above_bronze(shop: Shop, people: list[dict[str, str]]) -> None:
    names = {row["name"].strip() for row in people}
    assert len(names) > 100
    found = {
        f"{place} has {sorted(hits)[0]}"
        for place, text in texts(shop)
        if (hits := names & {*re.findall(r"'([^']*)'", text)})
    }
    assert found == set()


def test_a_name_that_an_expression_makes_is_in_the_vault(home_settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("no,first,last\na,Ann,Ray\nb,,\n")
    (tmp_path / "source.yml").write_text(
        "name: shop\nentities:\n  customers:\n    path: people.csv\n"
        "    columns: {customer_id: lower(no), full_name: \"nullif(concat_ws(' ', first, last), '')\"}\n"
    )
    land(home_settings, [load_source(tmp_path / "source.yml")], "run", NOON)
    filled = vault.fill(home_settings, lambda sql: query(home_settings, sql))
    close_sail()
    assert filled == vault.Filled(batches=1, rows=1)
    told = reveal(home_settings, "a", "a test", NOON, asking_user())
    assert told.by_source == {"shop": {"customer_id": "a", "full_name": "Ann Ray"}}
