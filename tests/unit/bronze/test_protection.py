"""What bronze keeps of people while files are landed, when a mapping changes, and in a home of before."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from lakehouse import ops
from lakehouse.bronze import land, mapping
from lakehouse.bronze.protection import Protection, plan_protection
from lakehouse.errors import InputError
from lakehouse.privacy import audit
from lakehouse.privacy.keyring import open_keyring
from lakehouse.privacy.pseudonyms import Pseudonyms
from lakehouse.privacy.reveal import NotAllowed, asking_user, reveal, reveal_lines
from lakehouse.settings import Settings
from lakehouse.sources import parse_source
from lakehouse.storage import delta_table

NOON = datetime(2025, 7, 1, 12, tzinfo=timezone.utc)
PEOPLE = "no,name,mobile,mail,born,card,street,lat,town,note\n"
ANN = "a,王芳,138-0013-8000,Fang@X.cn,1980-02-03,,上海市南京路12号,31.2304,Shanghai,call +44 20 7946 0958\n"
BOB = "b, Bob  Ray ,+44 (0)20 7946 0958,bob@x.cn,03-Feb-1984,110,1 Main St,-33.8688,Oslo,likes tea\n"
MAPPED = {
    "customer_id": "no", "full_name": "name", "phone": "mobile", "email": "mail", "birth_on": "born", "id_card": "card",
    "address": "street", "latitude": "lat", "city": "town",
}  # fmt: skip
IDENTIFIERS = (
    "王芳",
    "138-0013-8000",
    "13800138000",
    "Fang@X.cn",
    "1980-02-03",
    "南京路",
    "31.2304",
    "Bob",
    "bob@x.cn",
)


class House:
    """A home, and a folder of files that a source is over."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.landings = folder, 0
        self.settings = Settings(home=folder / "home")
        (folder / "people.csv").write_text(PEOPLE + ANN + BOB)

    def land(self, columns: dict[str, str] | None = None, **said: Any) -> list[str]:
        """Land `people.csv`, or what `entities` says; returns what was noted."""
        people = {"path": "people*.csv", "key": ["customer_id"], "columns": columns or MAPPED}
        content = {"name": "shop", "entities": {"customers": people}, **said}
        noted: list[str] = []
        self.landings += 1
        at = NOON + timedelta(days=self.landings)
        land(self.settings, [parse_source(content, self.folder)], "run", at, noted=noted.append)
        return noted

    def rows(self, table: str = "customers") -> list[dict[str, Any]]:
        """The rows of bronze, without those of its columns that are null."""
        found = delta_table(self.settings, f"bronze.{table}").to_pyarrow_table().to_pylist()
        by = "row_number" if table == "quarantine" else "_row_number"
        kept = [{name: value for name, value in row.items() if value is not None} for row in found]
        return sorted(kept, key=lambda row: int(row[by]))

    def told(self, customer: str) -> dict[str, str]:
        return reveal(self.settings, customer, "a test", NOON, asking_user()).by_source["shop"]

    def pseudonym(self, value: str) -> str:
        with open_keyring(self.settings) as keyring:
            return Pseudonyms.of(keyring).pseudonym(value)

    def every_value(self) -> str:
        """What all files of bronze and of what is known of batches hold, also those that no version names any more."""
        import pyarrow.parquet as pq

        folders = [self.settings.tables_dir / "bronze", self.settings.tables_dir / "ops"]
        files = [file for folder in folders for file in folder.rglob("*.parquet")]
        values = [pq.ParquetFile(file).read().to_pylist() for file in files]
        logs = [file.read_text() for folder in folders for file in folder.rglob("_delta_log/*.json")]
        return json.dumps(values, default=str, ensure_ascii=False) + "".join(logs)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def shown(row: dict[str, Any]) -> dict[str, str]:
    return {name.removeprefix("_shown_"): value for name, value in row.items() if name.startswith("_shown_")}


def test_bronze_has_masks_and_what_silver_needs_beside_them(house: House) -> None:
    house.land()
    ann, bob = house.rows()
    raw = ("no", "name", "mobile", "mail", "card", "street", "lat", "town", "note")
    assert [ann.get(name) for name in raw] == ["a", *["***"] * 3, None, "***", "***", "Shanghai", "call ***"]
    assert shown(ann) == {
        "full_name": "**芳", "given_name": "芳", "phone": "138****8000", "email": "f***@x.cn", "birth_year": "1980",
        "phone_pseudonym": house.pseudonym("+8613800138000"), "email_pseudonym": house.pseudonym("fang@x.cn"),
        "address": "上海市", "latitude": "31.23",
    }  # fmt: skip
    assert (bob["_shown_id_card"], bob["_shown_birth_year"], bob["_shown_latitude"]) == ("***", "1984", "-33.87")
    assert bob["_shown_phone_pseudonym"] == house.pseudonym("+442079460958")
    assert not [value for value in IDENTIFIERS if value in house.every_value()]
    assert house.told("b")["phone"] == "+44 (0)20 7946 0958"
    assert house.told("a")["birth_on"] == "1980-02-03"


def test_a_row_is_found_by_its_file_and_line_as_ever(house: House) -> None:
    house.land()
    assert [(row["_file"], row["_row_number"], row["no"]) for row in house.rows()] == [
        ("people.csv", 1, "a"),
        ("people.csv", 2, "b"),
    ]


def test_silver_is_told_of_the_masks_and_of_no_hidden_column(house: House) -> None:
    house.land()
    (row,) = ops.read(house.settings, "sources")
    told = dict(row["columns"])
    assert (told["phone"], told["city"]) == ("`_shown_phone`", "`town`")
    assert "birth_on" not in told
    assert dict(row["mapped_columns"])["birth_on"] == "`born`"


@pytest.mark.parametrize(
    ("columns", "hidden", "as_told"),
    [
        ({"phone": "`m`", "customer_id": "`id`"}, ("m",), {"customer_id": "`id`"}),
        # An expression of an identifier hides what it names, but for what the mapping also calls something harmless.
        ({"full_name": "coalesce(`n`, `id`)", "customer_id": "`id`"}, ("n",), {"customer_id": "`id`"}),
        ({"birth_on": "date_sub(reg, age)", "registered_at": "`reg`", "customer_id": "`id`"}, ("age",), {}),
        # What is made of a hidden column is made before it is hidden.
        (
            {"id_card": "`c`", "gender": "substr(c, 17, 1)", "customer_id": "`id`"},
            ("c",),
            {"gender": "`_shown_gender`"},
        ),
        ({"address": "`a`", "city": "`a`", "customer_id": "`id`"}, ("a",), {"city": "`_shown_city`"}),
    ],
)
def test_a_plan_hides_what_identifiers_are_made_of(
    columns: dict[str, str], hidden: tuple[str, ...], as_told: dict[str, str]
) -> None:
    plan = plan_protection("customers", columns, {}, ["id", "m", "n", "reg", "age", "c", "a"])
    assert plan.hidden == hidden
    assert as_told.items() <= plan.columns.items()


def test_an_attribute_of_a_hidden_column_shows_nothing(house: House) -> None:
    plan = plan_protection("customers", {"customer_id": "`id`", "phone": "`m`"}, {"contact": "`m`"}, ["id", "m"])
    assert plan.attributes == {"contact": "`_shown_attribute_contact`"}
    assert [(one.column, one.how) for one in plan.shown][-1] == ("_shown_attribute_contact", "hidden")


def test_an_attribute_that_is_called_the_key_of_a_thing_is_not_searched() -> None:
    attributes = {"order_id": "`o`", "original_order_id": "`p`", "device_id": "`d`", "billed_customer_id": "`b`"}
    attributes["store_id"] = "split_part(words, ' ', 1)"
    stored = ["e", "c", "o", "p", "d", "b", "words"]
    plan = plan_protection("events", {"event_id": "`e`", "customer_id": "`c`"}, attributes, stored)
    assert plan.searched == ("d", "b", "words")
    hidden = plan_protection("customers", {"customer_id": "`c`", "phone": "`o`"}, attributes, stored)
    assert (hidden.hidden, hidden.attributes["order_id"]) == (("o",), "`_shown_attribute_order_id`")


def test_entities_that_are_of_no_person_are_left_as_they_are() -> None:
    plan = plan_protection("products", {"product_id": "`id`", "title": "`t`"}, {}, ["id", "t", "unmapped"])
    assert (plan.hidden, plan.shown, plan.searched, plan.recorded()) == ((), (), (), "")


def test_lines_that_cannot_be_read_are_sealed_whole_and_shown_to_who_may_see_them(house: House) -> None:
    (house.folder / "people.csv").write_text(PEOPLE + ANN + "c,Cy Dee,13900139000\n")
    house.land()
    (line,) = house.rows("quarantine")
    assert (line["row_number"], line["reason"]) == (2, "wrong_field_count")
    assert "Cy Dee" not in house.every_value()
    for named in ("people.csv", line["batch_id"]):
        (opened,) = reveal_lines(house.settings, named, "a test", NOON, asking_user())
        assert (opened.row_number, opened.raw) == (2, "c,Cy Dee,13900139000")
    strict = house.settings.model_copy(update={"reveal_users": "li"})
    with pytest.raises(NotAllowed, match="mallory may not"):
        reveal_lines(strict, "people.csv", "curious", NOON, "mallory")
    said = [(row["user"], row["action"]) for row in audit.read(house.settings)]
    assert said == [(asking_user(), "reveal lines")] * 2 + [("mallory", "reveal lines refused")]


def test_of_a_file_without_such_lines_it_is_said_that_there_are_none(house: House) -> None:
    house.land()
    with pytest.raises(InputError, match="no line of 'people.csv' stands in bronze.quarantine"):
        reveal_lines(house.settings, "people.csv", "a test", NOON, asking_user())


def test_no_value_of_what_nobody_has_named_is_remembered_of_a_batch(house: House) -> None:
    (house.folder / "people.csv").write_text(PEOPLE + (ANN + BOB) * 5)
    house.land()
    profiles = {row["column_name"]: row for row in ops.read(house.settings, "batch_profiles")}
    assert not [name for name in ("note", "mobile", "name", "born", "lat") if profiles[name]["category_counts"]]
    assert dict(profiles["town"]["category_counts"]) == {"Shanghai": 5, "Oslo": 5}


PHONES = "mobile,name\n138-0013-8000,Ann\n+86 13900139000,Bob\n"
ORDERS = "order,buyer\n1,13800138000\n2,13800138000\n3,13900139000\n"
KEYED = {
    "customers": {"path": "phones.csv", "columns": {"customer_id": "mobile", "full_name": "name"}},
    "order_lines": {"path": "orders.csv", "columns": {"order_id": "order", "customer_id": "buyer"}},
}


@pytest.fixture
def keyed(house: House) -> House:
    (house.folder / "phones.csv").write_text(PHONES)
    (house.folder / "orders.csv").write_text(ORDERS)
    return house


def test_a_personal_key_is_a_pseudonym_everywhere_and_leads_back(keyed: House) -> None:
    keyed.land(entities=KEYED, personal_key=True)
    ann, bob = (keyed.pseudonym(phone) for phone in ("+8613800138000", "+8613900139000"))
    assert [row["_shown_customer_id"] for row in keyed.rows()] == [ann, bob]
    assert [row["_shown_customer_id"] for row in keyed.rows("order_lines")] == [ann, ann, bob]
    assert {row["buyer"] for row in keyed.rows("order_lines")} == {row["mobile"] for row in keyed.rows()} == {"***"}
    assert keyed.told(ann) == {"customer_id": "13800138000", "full_name": "Ann"}  # as the newest file writes it
    assert not [phone for phone in ("13800138000", "138-0013-8000", "13900139000") if phone in keyed.every_value()]


def test_a_personal_key_is_found_by_any_form_of_it(keyed: House) -> None:
    keyed.land(entities=KEYED, personal_key=True)
    assert keyed.told("138 0013 8000") == keyed.told("+8613800138000") == keyed.told(keyed.pseudonym("+8613800138000"))


def test_keys_come_back_where_they_are_said_to_be_none(keyed: House) -> None:
    keyed.land(entities=KEYED, personal_key=True)
    keyed.land(entities=KEYED, personal_key=False)
    assert [row["buyer"] for row in keyed.rows("order_lines")] == ["13800138000", "13800138000", "13900139000"]
    assert "_shown_customer_id" not in keyed.rows("order_lines")[0]


def test_a_pseudonym_of_orders_alone_leads_back_to_the_key(keyed: House) -> None:
    keyed.land(entities={"order_lines": KEYED["order_lines"]}, personal_key=True)
    assert keyed.told(keyed.pseudonym("+8613800138000")) == {"customer_id": "13800138000"}


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        (["13800138000", "13900139000"], "a phone number"),
        (["ann@x.cn", "Bob@Y.cn"], "an e-mail address"),
        (["11010519491231002X"], "an identity card"),
    ],
)
def test_a_key_that_looks_personal_is_refused_until_somebody_says_what_it_is(
    keyed: House, keys: list[str], what: str
) -> None:
    lines = "".join(f"{number},{key}\n" for number, key in enumerate(keys))
    (keyed.folder / "orders.csv").write_text("order,buyer\n" + lines)
    orders = {"order_lines": KEYED["order_lines"]}
    with pytest.raises(InputError, match=f"`customer_id` looks like {what} .column `buyer`.*personal_key: true"):
        keyed.land(entities=orders)
    assert keyed.rows("order_lines") == []
    keyed.land(entities=orders, personal_key="false")
    assert [row["buyer"] for row in keyed.rows("order_lines")] == keys


def test_numbers_that_are_no_phone_are_keys_like_any_other(keyed: House) -> None:
    (keyed.folder / "orders.csv").write_text("order,buyer\n" + "".join(f"{n},{10_000_000 + n}\n" for n in range(60)))
    keyed.land(entities={"order_lines": KEYED["order_lines"]})
    assert len(keyed.rows("order_lines")) == 60


@pytest.mark.parametrize("said", [{}, {"personal_key": False}])
def test_a_key_that_is_also_mapped_as_an_identifier_is_refused(keyed: House, said: dict[str, Any]) -> None:
    columns = {"customer_id": "mobile", "phone": "mobile"}
    with pytest.raises(InputError, match="`customer_id` is made of what `phone` is made of"):
        keyed.land(entities={"customers": {"path": "phones.csv", "columns": columns}}, **said)


@pytest.mark.parametrize("said", ["maybe", 3])
def test_a_personal_key_is_true_or_false(said: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="`personal_key: .*` must be true or false"):
        parse_source({"name": "shop", "personal_key": said, "entities": KEYED}, tmp_path)


def in_the_clear(house: House, monkeypatch: pytest.MonkeyPatch, then: Callable[[], object]) -> None:
    """Do something as it was done before bronze hid identifiers."""

    def unprotected(entity: str, columns: Any, attributes: Any, *given: Any, **also: Any) -> Protection:
        return Protection(entity, columns, attributes)

    with monkeypatch.context() as patch:
        patch.setattr(mapping, "plan_protection", unprotected)
        patch.setattr(Protection, "is_about_people", False)
        then()
    loads = [{**row, "protection": None} for row in ops.read(house.settings, "loads")]
    ops.overwrite(house.settings, "loads", loads)


def content(house: House) -> list[dict[str, Any]]:
    """The rows of bronze without the time they were landed at, which is that of before."""
    return [{name: value for name, value in row.items() if name != "_loaded_at"} for row in house.rows()]


def test_a_home_of_before_is_protected_by_the_next_landing_and_says_so(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house.folder / "people.csv").write_text(PEOPLE + ANN + BOB + "c,Cy Dee,13900139000\n")
    in_the_clear(house, monkeypatch, house.land)
    assert [value for value in (*IDENTIFIERS, "Cy Dee") if value in house.every_value()]
    (house.folder / "people.csv").unlink()  # nothing is read again
    (said,) = house.land()
    assert said.startswith("identifiers of 1 batch that had been landed otherwise are hidden in bronze now")
    assert not [value for value in (*IDENTIFIERS, "Cy Dee") if value in house.every_value()]
    assert house.told("a")["phone"] == "138-0013-8000"
    (line,) = reveal_lines(house.settings, "people.csv", "a test", NOON, asking_user())
    assert line.raw == "c,Cy Dee,13900139000"
    (tmp_path / "fresh").mkdir()
    fresh = House(tmp_path / "fresh")
    fresh.land()
    for row in (found := content(fresh)):
        row["_batch_id"] = house.rows()[0]["_batch_id"]
    named = [{n: v for n, v in row.items() if not n.endswith("_pseudonym")} for row in (*found, *content(house))]
    assert named[:2] == named[2:]
    assert house.land() == []


def test_what_no_source_maps_any_more_is_deleted_from_a_home_of_before(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house.folder / "things.csv").write_text("sku\n1\n")
    things = {"products": {"path": "things.csv", "columns": {"product_id": "sku"}}}
    in_the_clear(house, monkeypatch, lambda: [house.land(), house.land(entities=things)])
    house.land(entities=things)
    assert not [value for value in IDENTIFIERS if value in house.every_value()]


@pytest.mark.parametrize("killed_after", ["vault", "bronze"])
def test_a_home_that_is_killed_while_it_is_protected_loses_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, killed_after: str
) -> None:
    from lakehouse.bronze import reprotection

    in_the_clear(house, monkeypatch, house.land)

    class Killed(BaseException):
        pass

    replace_rows = reprotection._replace

    def killed(table: DeltaTable, rows: Any, condition: str) -> None:
        replace_rows(table, rows, condition)
        if ("identifiers" in table.table_uri) == (killed_after == "vault"):
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(reprotection, "_replace", killed)
        with pytest.raises(Killed):
            house.land()
    house.land()
    assert not [value for value in IDENTIFIERS if value in house.every_value()]
    assert house.told("a")["phone"] == "138-0013-8000"
    assert (house.told("b")["full_name"], reveal(house.settings, "b", "a test", NOON, asking_user()).records) == (
        "Bob  Ray",
        1,
    )


def test_a_mapping_that_changes_finds_what_was_hidden_in_the_vault(house: House) -> None:
    house.land()
    (house.folder / "people.csv").unlink()
    other = {**MAPPED, "address": "note", "city": "street", "full_name": "mail"}
    del other["email"]
    assert house.land(other) != []
    ann, bob = house.rows()
    assert (ann["street"], ann["note"], ann["mail"], ann["name"]) == ("上海市南京路12号", "***", "***", "王芳")
    assert (ann["_shown_full_name"], bob["name"], "_shown_email" in ann) == ("F**", " Bob  Ray ", False)
    assert house.told("a")["full_name"] == "Fang@X.cn"
    assert house.land(MAPPED) != []
    ann, bob = house.rows()
    assert (ann["street"], ann["_shown_address"], bob["name"], bob["_shown_full_name"]) == (
        "***",
        "上海市",
        "***",
        "B**",
    )
    assert house.told("b")["full_name"] == "Bob  Ray"


def test_given_names_leave_bronze_and_come_back_as_the_setting_says(house: House) -> None:
    house.land()
    house.settings = house.settings.model_copy(update={"gender_from_names": False})
    house.land()
    assert [row.get("_shown_given_name") for row in house.rows()] == [None, None]
    house.settings = house.settings.model_copy(update={"gender_from_names": True})
    house.land()
    assert [row.get("_shown_given_name") for row in house.rows()] == ["芳", "bob"]


def test_who_was_erased_is_not_brought_back_by_another_mapping(house: House) -> None:
    house.land()
    with open_keyring(house.settings) as keyring:
        keyring.destroy([Pseudonyms.of(keyring).pseudonym("a")])
    house.land({**MAPPED, "city": "note"})
    ann, bob = house.rows()
    assert (shown(ann), bob["_shown_phone"]) == ({}, "+44****0958")


def test_a_plan_holds_for_what_was_landed_by_one_that_hid_the_same() -> None:
    given = ({"customer_id": "`id`", "phone": "`m`"}, {}, ["id", "m", "n"])
    plan = plan_protection("customers", *given)
    assert plan.holds_for(plan.recorded())
    assert plan_protection("customers", given[0] | {"city": "`n`"}, *given[1:]).holds_for(plan.recorded())
    with_city = plan_protection("customers", given[0] | {"city": "`n`"}, *given[1:])
    assert not plan.holds_for(with_city.recorded())  # `n` was not searched then
    assert not plan.holds_for(None)
    assert not replace(plan, hidden=()).holds_for(plan.recorded())
