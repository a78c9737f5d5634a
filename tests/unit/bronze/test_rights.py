"""What rights ask of a file while it is landed: nobody who was erased comes back, what was put right stays right."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from lakehouse import ops
from lakehouse.errors import InputError
from lakehouse.privacy import subject
from lakehouse.privacy.erasure.requests import erase_returned
from lakehouse.privacy.keyring import OTHER_KEYS, open_keyring, status
from lakehouse.privacy.reveal import asking_user, reveal
from lakehouse.storage import delta_table
from tests.unit.privacy.small_shop import CLOCK, NOON, Home, refuse


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "shop")
    made.land()
    return made


def test_rows_of_the_erased_are_left_out_and_lines_of_the_books_come_without_them(home: Home) -> None:
    home.erase("C001")
    assert sorted((r["order"], r["cust"], r["price"], r["note"]) for r in home.rows("order_lines")) == [
        ("1", None, "5", None),
        ("2", "C002", "7", None),
    ]
    home.write("people_2.csv", "no,name,mobile,town,lang\nC001 ,Ann,13800138000,Oslo,en\nC003,Cy,,,\nC001;Ann\n")
    home.write("orders_2.csv", "order,cust,price,note\n3, C001,9,call Ann\n")
    home.land()
    assert sorted(row["no"] for row in home.rows("customers")) == ["C002", "C003"]
    assert [(r["cust"], r["note"]) for r in home.rows("order_lines") if r["order"] == "3"] == [(None, None)]
    assert [(row["reason"] != "", row["raw"]) for row in home.rows("quarantine")] == [(True, "")]
    loads = {row["file"]: row for row in ops.read(home.settings, "loads")}
    told = loads["people_2.csv"]
    assert (told["rows_read"], told["rows_landed"], told["rows_quarantined"], told["rows_erased"]) == (3, 1, 1, 1)
    assert (loads["people.csv"]["rows_landed"], loads["people.csv"]["rows_erased"]) == (1, 1)
    assert (loads["orders_2.csv"]["rows_landed"], loads["orders_2.csv"]["rows_erased"]) == (1, 0)


def test_a_cookie_that_only_they_used_comes_back_with_nobody_else_than_a_new_owner(home: Home) -> None:
    home.erase("C001")
    assert [(row["uid"], row["cookie"]) for row in home.rows("events")] == [("C002", "family")]
    again = "5,,ann-phone,view,\n6,C002,ann-phone,view,\n7,,family,view,\n"
    home.write("events_2.csv", f"id,uid,cookie,what,at\n{again}")
    home.land()
    assert sorted(row["id"] for row in home.rows("events")) == ["4", "6", "7"]
    assert status(home.settings).destroyed == 1, "a cookie is no person"


def test_whom_only_an_expression_names_is_erased_again_before_anything_is_built(home: Home) -> None:
    home.erase("C001")
    assert [row["who"] for row in home.rows("tickets")] == ["2"]
    home.write("tickets_2.csv", "id,who,text\n3,1,here I am again\n")
    home.land()
    assert [row["who"] for row in home.rows("tickets") if row["who"] == "1"] == ["1"]
    assert erase_returned(home.settings, CLOCK, home.ask) == 1
    assert [row["who"] for row in home.rows("tickets")] == ["2"]
    assert erase_returned(home.settings, CLOCK, refuse) == 0, "each batch is looked through once"


def rectified(home: Home, **values: str) -> list[str]:
    return subject.rectify(home.settings, "C001", values, "moved", CLOCK, home.ask)


def current(home: Home) -> dict[str, Any]:
    (*_, newest) = sorted((r for r in home.rows("customers") if r["no"] == "C001"), key=lambda r: r["_loaded_at"])
    return newest


def sealed(home: Home) -> dict[str, str]:
    """What the vault has newest of the customer."""
    return reveal(home.settings, "C001", "a test", NOON, asking_user()).by_source["shop"]


def test_a_value_that_was_put_right_stays_right_until_the_source_says_another(home: Home) -> None:
    assert rectified(home, city="Bergen", phone="13900139000") == ["shop"]
    assert (current(home)["town"], current(home)["name"], current(home)["lang"]) == ("Bergen", "***", "en")
    assert sealed(home) == {"customer_id": "C001", "full_name": "Ann", "phone": "13900139000"}
    home.at = datetime.now(timezone.utc)
    wrong = "no,name,mobile,town,lang\nC001,Ann,13800138000,Oslo,en\nC002,Bo,13800138001,Oslo,it\n"
    home.write("people_2.csv", wrong)
    home.land()
    assert (current(home)["town"], current(home)["_file"]) == ("Bergen", "people_2.csv")
    assert sorted(r["town"] for r in home.rows("customers") if r["_file"] == "people_2.csv") == ["Bergen", "Oslo"]
    home.write("people_3.csv", "no,name,mobile,town,lang\nC001,Ann,13700137000,Paris,en\n")
    home.land()
    assert current(home)["town"] == "Paris"
    assert sealed(home) == {"customer_id": "C001", "full_name": "Ann", "phone": "13700137000"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"customer_id": "C9"}, "no column 'customer_id' that can be put right"),
        ({"language": "fr"}, "makes it by an expression"),
        ({"email": "a@b.cn"}, "no column of its own for email"),
    ],
)
def test_what_cannot_be_put_right_here_is_said(home: Home, values: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        rectified(home, **values)
    assert len(home.rows("customers")) == 2


def test_the_key_that_sealed_a_correction_goes_with_the_person(home: Home) -> None:
    rectified(home, city="Bergen")
    home.erase("C001")
    assert delta_table(home.settings, "vault.corrections").to_pyarrow_table().num_rows == 0
    with open_keyring(home.settings) as keyring:
        assert len([name for name in keyring.all_destroyed() if name[0] != OTHER_KEYS]) == 1
    with pytest.raises(InputError, match="was erased"):
        reveal(home.settings, "C001", "r", NOON, asking_user())


BY_PHONE = """
name: shop
personal_key: true
entities:
  customers:
    path: members*.csv
    columns: {customer_id: mobile, full_name: name}
  order_lines:
    path: sales*.csv
    columns: {order_id: order, customer_id: mobile, unit_price: price}
"""


def test_who_is_known_by_their_phone_is_erased_and_kept_out_however_it_is_written(tmp_path: Path) -> None:
    home = Home(tmp_path / "shop", BY_PHONE)
    home.write("members.csv", 'mobile,name\n13800138000,Ann\n13800138001,Bo\n"13800138000,Ann\n')
    home.write("sales.csv", "order,mobile,price\n1,13800138000,5\n2,13800138001,7\n")
    home.land()
    assert len(home.rows("quarantine")) == 1
    home.erase("+86 138 0013 8000")
    assert home.rows("quarantine") == []
    home.write("members_2.csv", "mobile,name\n+86 13800138000,Ann\n")
    home.write("sales_2.csv", "order,mobile,price\n3,138-0013-8000,9\n")
    home.land()
    (bo,) = home.rows("customers")
    assert reveal(home.settings, "13800138001", "a test", NOON, asking_user()).by_source["shop"]["full_name"] == "Bo"
    owners = {row["order"]: [row[name] for name in row if "customer_id" in name] for row in home.rows("order_lines")}
    assert owners["1"] == owners["3"] == [None]
    assert owners["2"] == [value for name, value in bo.items() if "customer_id" in name] != [None]


PARTNERS = """
name: shop
entities:
  customers:
    path: people*.csv
    columns: {customer_id: no, full_name: name}
  partner_members:
    path: members*.csv
    columns: {partner_id: club, member_id: card, full_name: name, phone: mobile, joined_on: since}
  third_party_profiles:
    path: bought*.csv
    columns: {provider: seller, profile_id: id, phone: tel, interests: likes}
"""
MEMBERS = "club,card,name,mobile,since\nsky,7,Ann,13800138000,2024-01-01\nsea,7,Bo,13800138000,2024-01-01\n"


def test_members_of_partners_and_bought_profiles_are_put_right_like_customers(tmp_path: Path) -> None:
    home = Home(tmp_path / "shop", PARTNERS)
    home.write("members.csv", MEMBERS)
    home.write("bought.csv", "seller,id,tel,likes\nacme,p1,13800138002,boats\nacme,p2,13800138003,boats\n")
    home.land()

    def put_right(person: str, entity: str, **values: str) -> list[str]:
        return subject.rectify(home.settings, person, values, "moved", CLOCK, home.ask, entity)

    def held(person: str, entity: str) -> dict[str, str]:
        return reveal(home.settings, person, "a test", NOON, asking_user(), entity).by_source["shop"]

    assert put_right("sky|7", "partner_members", phone="13900139000", joined_on="2023-05-05") == ["shop"]
    assert put_right("acme|p1", "third_party_profiles", interests="trains", phone="13900139002") == ["shop"]
    home.at = datetime.now(timezone.utc)
    home.write("members_2.csv", MEMBERS + "sky,8,Cy,13800138004,2024-02-02\n")
    home.write("bought_2.csv", "seller,id,tel,likes\nacme,p1,13800138002,boats\n")
    home.land()
    again = {(row["club"], row["card"]): row for row in home.rows("partner_members") if row["_file"] == "members_2.csv"}
    assert {key: row["since"] for key, row in again.items()} == {
        ("sky", "7"): "2023-05-05",
        ("sea", "7"): "2024-01-01",
        ("sky", "8"): "2024-02-02",
    }
    assert held("sky|7", "partner_members")["phone"] == "13900139000"
    assert held("sea|7", "partner_members")["phone"] == "13800138000", "another partner's member of that number"
    (bought,) = [row for row in home.rows("third_party_profiles") if row["_file"] == "bought_2.csv"]
    assert bought["likes"] == "trains"
    assert held("acme|p1", "third_party_profiles")["phone"] == "13900139002"
    home.write("members_3.csv", "club,card,name,mobile,since\nsky,7,Ann,13700137000,2022-02-02\n")
    home.land()
    assert held("sky|7", "partner_members")["phone"] == "13700137000", "the source's own correction counts"
    for person, entity, said in (
        ("sky|9", "partner_members", "nothing is held of 'sky|9'"),
        ("sky", "partner_members", "is no key of partner_members"),
        ("sky|7", "tickets", "--entity"),
    ):
        with pytest.raises(InputError, match=re.escape(said)):
            put_right(person, entity, phone="1")
    with pytest.raises(InputError, match="partner_members have no column 'member_id'"):
        put_right("sky|7", "partner_members", member_id="9")
