"""Of the people in the generated shop's files no byte of the home says who they are; `make privacy` looks harder."""

from __future__ import annotations

import csv
import json
import re

from lakehouse.privacy.leaks import scan
from lakehouse.privacy.markers import Marker
from tests.integration.conftest import Shop

# What is no whole identifier is no leak where it stands: `@example.com`, a name of two characters.
WHOLE = {
    "name": re.compile(r".{3,}"),
    "mobile": re.compile(r"1\d{10}"),
    "email": re.compile(r"[\w.]+@[\w.-]+\.\w+"),
    "id_no": re.compile(r"\d{17}[\dX]"),
    "addr": re.compile(r".{6,}"),
}


def markers(shop: Shop) -> list[Marker]:
    """What the files of customers, partners' members and bought profiles hold, each value once."""
    lines = (shop.files / "crm" / "customers.csv").read_bytes().decode("utf-8", "ignore").splitlines()
    told = [{name: row.get(name) or "" for name in WHOLE} for row in csv.DictReader(lines)]
    members = (shop.files / "partners" / "members.csv").read_text(encoding="utf-8").splitlines()
    for row in csv.DictReader(members, delimiter="|"):
        told.append({"name": row["Member Name"], "mobile": row["Mobile"], "email": row["E-mail"]})
    for line in (shop.files / "partners" / "third_party_profiles.jsonl").read_text(encoding="utf-8").splitlines():
        told.append({"mobile": json.loads(line)["mobile"], "email": json.loads(line)["mail"]})
    found = {
        value.strip(): f"row {number}, {name}"
        for number, row in enumerate(told)
        for name, value in row.items()
        if WHOLE[name].fullmatch((value or "").strip())
    }
    return [Marker(name, value) for value, name in found.items()]


def test_no_identifier_of_anybody_is_in_any_byte_of_a_home(shop: Shop) -> None:
    everything = markers(shop)
    by_chance = {leak.marker for leak in scan(shop.files / "app", everything).leaks}  # phones in numbers of events
    wanted = [marker for marker in everything if marker.id not in by_chance]
    assert len(wanted) > 1000
    known = scan(shop.files, wanted[::20]).leaks
    assert {leak.marker for leak in known} == {marker.id for marker in wanted[::20]}, "or nothing would be found"
    found = scan(shop.settings.home, wanted)
    assert found.files > 300
    assert found.unopened == []
    assert found.where() == []
