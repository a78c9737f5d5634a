"""What a whole run leaves of the people in the sample: all of it in the vault, none of it in the clear in any table."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from deltalake import DeltaTable

from lakehouse.bronze import land
from lakehouse.engine.sail import close_sail
from lakehouse.errors import InputError
from lakehouse.privacy import vault
from lakehouse.privacy.reveal import asking_user, reveal
from lakehouse.settings import Settings
from lakehouse.sources import load_source
from lakehouse.storage import delta_table, list_tables
from tests.conftest import use_home
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
    """Every column of every table, as one text."""
    for schema, table in list_tables(shop.settings):
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


def test_no_phone_e_mail_or_identity_card_is_in_the_clear_in_any_table(
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


def test_no_name_is_whole_in_any_table(shop: Shop, people: list[dict[str, str]]) -> None:
    names = {row["name"].strip() for row in people}
    assert len(names) > 100
    found = {
        f"{place} has {sorted(hits)[0]}"
        for place, text in texts(shop)
        if (hits := names & {*re.findall(r"'([^']*)'", text)})
    }
    assert found == set()


def test_the_same_person_has_the_same_pseudonyms_in_every_source_that_knows_them(shop: Shop) -> None:
    known = {}
    for table in ("customers", "partner_members", "third_party_profiles"):
        rows = DeltaTable(shop.settings.table_uri("silver", table)).to_pyarrow_table().to_pylist()
        known[table] = {row["phone_pseudonym"] for row in rows if row["is_phone_valid"]}
        assert all((row["phone_pseudonym"] is not None) == row["is_phone_valid"] for row in rows)
    for table in ("partner_members", "third_party_profiles"):
        assert len(known[table] & known["customers"]) > len(known[table]) / 3


@pytest.fixture(params=["sail", "spark"])
def either_engine(request: pytest.FixtureRequest, home_settings: Settings) -> Iterator[Settings]:
    if request.param == "spark":
        use_home(request.getfixturevalue("spark"), home_settings)
    yield home_settings.model_copy(update={"engine": request.param})
    close_sail()


def test_what_an_expression_makes_of_identifiers_is_made_before_they_are_hidden(
    either_engine: Settings, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text("no,first,last,card,born\nA,Ann,Ray,11010519491231002X,x\nB,,,,\n")
    (tmp_path / "source.yml").write_text(
        "name: shop\nentities:\n  customers:\n    path: people.csv\n    columns:\n"
        "      customer_id: lower(no)\n      full_name: \"nullif(concat_ws(' ', first, last), '')\"\n"
        "      id_card: card\n"
        "      birth_on: \"coalesce(to_date(born, 'dd/MM/yyyy'), to_date(substr(card, 7, 8), 'yyyyMMdd'))\"\n"
        "      gender: \"case when substr(card, 17, 1) in ('1', '3', '5', '7', '9') then 'male' else 'female' end\"\n"
        '    attributes: {initials: "concat(left(first, 1), left(last, 1))", whole: card, no: no}\n'
    )
    (load,) = land(either_engine, [load_source(tmp_path / "source.yml")], "run", NOON)
    assert load.rows_sealed == 1
    told = reveal(either_engine, "a", "a test", NOON, asking_user()).by_source["shop"]
    assert told == {
        "customer_id": "a", "full_name": "Ann Ray", "id_card": "11010519491231002X", "birth_on": "1949-12-31",
    }  # fmt: skip
    rows = delta_table(either_engine, "bronze.customers").to_pyarrow_table().to_pylist()
    first = {name: value for name, value in rows[0].items() if not name.startswith("_") or name.startswith("_shown_")}
    assert first == {
        "no": "A", "first": "***", "last": "***", "card": "***", "born": "***",
        "_shown_full_name": "A**", "_shown_given_name": "ann", "_shown_id_card": "***", "_shown_birth_year": "1949",
        "_shown_gender": "female", "_shown_attribute_initials": "AR", "_shown_attribute_whole": "***",
    }  # fmt: skip


def test_an_expression_that_does_not_fit_is_said_in_one_sentence(home_settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("no,first\na,Ann\n")
    (tmp_path / "source.yml").write_text(
        "name: shop\nentities:\n  customers: {path: people.csv, columns: {customer_id: no, full_name: 'first[1]'}}\n"
    )
    with pytest.raises(InputError, match=r"source shop, customers: full_name: `first\[1\]`"):
        land(home_settings, [load_source(tmp_path / "source.yml")], "run", NOON)
    close_sail()
