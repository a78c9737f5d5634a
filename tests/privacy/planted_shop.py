"""The generated shop with values planted of which none is anywhere else: 1,000 people, every personal column.

A marker's id is the person and the column: `C0000042 customers.phone`. Left out is what many people share, so that no
value could tell whose it is: gender, city, region, country, language, bands of age and income, amounts, and keys
(pseudonyms, which silver keeps). In words, URLs, reasons, interests and attributes the marker is the phone, e-mail
address or identity card that they carry; the words themselves are what models learn from.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from lakehouse.privacy.markers import Marker
from lakehouse.synth import generate

PEOPLE = int(os.environ.get("LAKEHOUSE_PRIVACY_PEOPLE", "1000"))
DAYS = 60
FIRST_BIRTH = date(1905, 1, 3)  # nothing else in a home is of those years
PREFIXES = (*range(130, 140), *range(150, 154), *range(155, 160), *range(180, 190), *range(195, 200))


@dataclass
class Planted:
    """What was planted in a shop: its sources, and every marker."""

    sources: list[Path]
    markers: list[Marker] = field(default_factory=list)

    @property
    def people(self) -> list[str]:
        """Ids of the customers with markers."""
        return sorted({marker.id.split(" ")[0] for marker in self.markers})

    @property
    def ids(self) -> set[str]:
        """A person and a column each."""
        return {marker.id for marker in self.markers}


class Values:
    """Values of one column a person, which nobody else has in any other column."""

    def __init__(self) -> None:
        self.markers: list[Marker] = []
        self._columns: dict[str, int] = {}

    def phone(self, person: int, column: str) -> str:
        """A Chinese mobile number: the prefix is the column's, the end the person's."""
        return self._kept(
            person, column, f"{PREFIXES[self._number(column)]}{10_000_000 + person * 84_017 % 89_999_999:08d}"
        )

    def email(self, person: int, column: str) -> str:
        """An address whose local part nobody else has, so that it alone is a marker too."""
        local = f"zq{letters(person + 30_000 * (1 + self._number(column)))}{person}"
        self._kept(person, column, local)
        return self._kept(person, column, f"{local}@marked.example.com")

    def name(self, person: int, column: str) -> str:
        """A Chinese name of two rare characters, or a Western one with a family name that nobody else has."""
        number = person + 1_500 * self._number(column)
        if person % 5 == 0:
            family = f"Quill{letters(number + 200_000)}"
            self._kept(person, column, family)
            return self._kept(person, column, f"Emily {family}")
        rare = "王欧阳李张"[person % 5] + chr(0x3400 + number % 6_500) + chr(0x3400 + (number * 31 + 7) % 6_500)
        return self._kept(person, column, rare)

    def id_card(self, person: int, column: str) -> str:
        """An identity card of somebody born on the day of `birthday`, with its check digit."""
        body = f"110105{self.born(person):%Y%m%d}{self._number(column) * 40 + person % 40:03d}"
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights)) % 11]
        return self._kept(person, column, body + check)

    def birthday(self, person: int, column: str) -> str:
        """A day on which nobody else was born, of years that nothing else is of; also as it is written in Chinese."""
        day = self.born(person)
        self._kept(person, column, f"{day.year}年{day.month}月{day.day}日")
        self._kept(person, column, f"{day:%Y/%m/%d}")
        return self._kept(person, column, f"{day:%Y-%m-%d}")

    @staticmethod
    def born(person: int) -> date:
        """Ten days after the person before."""
        return FIRST_BIRTH + timedelta(days=10 * person)

    def address(self, person: int, column: str) -> str:
        """A street and house of their own, behind a district that many live in."""
        street = f"{chr(0x4DB5 - person % 900)}{chr(0x3500 + person)}路{person + 1_000}号{person % 90 + 101}室"
        self._kept(person, column, street)
        return self._kept(person, column, f"浙江省杭州市西湖区{street}")

    def degrees(self, person: int, column: str, whole: int) -> str:
        """A coordinate to a millimetre."""
        fraction = (person * 7_919 + self._number(column) * 1_000_003 + 10_234_567) % 100_000_000
        return self._kept(person, column, f"{whole}.{fraction // 10 * 10 + 1 + person % 9:08d}")

    def _kept(self, person: int, column: str, value: str) -> str:
        self.markers.append(Marker(f"{customer(person)} {column}", value))
        return value

    def _number(self, column: str) -> int:
        return self._columns.setdefault(column, len(self._columns))


def customer(person: int) -> str:
    """The customer's id in the sample."""
    return f"C{person + 1:07d}"


def keys_elsewhere(customer_id: str) -> dict[str, str]:
    """The keys under which other entities know the person, whom nothing links to the customer: entity -> its key."""
    person = int(customer_id[1:]) - 1
    return {"partner_members": f"hotel_club|{person:08d}", "third_party_profiles": f"dmp_north|N{person:07d}"}


def letters(number: int) -> str:
    """A number in base 21, of letters that make no word."""
    alphabet, told = "bcdfghjklmnpqrstvwxyz", ""
    while number:
        number, rest = divmod(number, 21)
        told += alphabet[rest]
    return told


def planted_shop(folder: Path, people: int = PEOPLE, days: int = DAYS) -> Planted:
    """Generate a shop, plant its markers, and give its sources: the sample's, and one with the entities it lacks."""
    shop, values = folder / "shop", Values()
    generate(shop, customers=people, days=days, seed=11)
    _plant_customers(shop / "crm" / "customers.csv", values, people)
    _plant_partners(shop / "partners", values, people)
    _plant_tickets(shop / "service" / "tickets.jsonl", values, people)
    for place, file in enumerate(sorted((shop / "app").glob("events-*.jsonl.gz"))):
        if place == 0:
            _plant_events(file, values, people)
    _plant_orders(sorted((shop / "orders").glob("*.csv.gz"))[0], values, people)
    _plant_locations(shop / "app" / "locations.parquet", values, people)
    _plant_impressions(sorted((shop / "ads").glob("impressions-*.parquet"))[0], values, people)
    second = _second_source(folder / "bank", values, people)
    return Planted([shop / "source.yml", second], values.markers)


def _plant_customers(path: Path, values: Values, people: int) -> None:
    """Every line, also the truncated ones and those in another encoding: they are quarantined, and sealed there."""

    def fields(person: int) -> dict[int, str]:
        return {
            1: values.name(person, "customers.full_name"),
            2: values.phone(person, "customers.phone"),
            3: values.email(person, "customers.email"),
            4: values.id_card(person, "customers.id_card"),
            6: values.birthday(person, "customers.birth_on"),
            7: values.address(person, "customers.address"),
            11: values.degrees(person, "customers.latitude", 30),
            12: values.degrees(person, "customers.longitude", 120),
            16: f"teacher, call {values.phone(person, 'customers.attributes')}".replace(",", ""),
        }

    header, *lines = path.read_bytes().rstrip(b"\n").split(b"\n")
    written = [header]
    for person, line in enumerate(lines[:people]):
        try:
            text, encoding = line.decode(), "utf-8"
        except UnicodeDecodeError:
            text, encoding = line.decode("gb18030"), "gb18030"
        parts = text.split(",")
        for place, value in fields(person).items():
            if place < len(parts):
                parts[place] = value
        written.append(",".join(parts).encode(encoding))
    path.write_bytes(b"\n".join(written) + b"\n")


def _plant_partners(folder: Path, values: Values, people: int) -> None:
    lines = ["Partner|Member No|Member Name|Mobile|E-mail|Join Date"]
    profiles = []
    for person in range(people):
        name, phone = values.name(person, "partner_members.full_name"), values.phone(person, "partner_members.phone")
        mail = values.email(person, "partner_members.email")
        lines.append(f"hotel_club|{person:08d}|{name}|{phone}|{mail}|2024-08-23")
        profile = {
            "provider": "dmp_north",
            "profile": f"N{person:07d}",
            "mobile": f"+86 {values.phone(person, 'third_party_profiles.phone')}",
            "mail": values.email(person, "third_party_profiles.email").upper(),
            "interests": ["Beauty", f"newsletter to {values.email(person, 'third_party_profiles.interests')}"],
            "age_band": "25-34",
            "income_band": "middle",
        }
        profiles.append(json.dumps(profile, ensure_ascii=person % 2 == 0))
    (folder / "members.csv").write_text("\n".join([*lines, "hotel_club|cut"]) + "\n", encoding="utf-8")
    (folder / "third_party_profiles.jsonl").write_text("\n".join(profiles) + "\n", encoding="utf-8")


def _plant_tickets(path: Path, values: Values, people: int) -> None:
    """A ticket each, and some lines that are no JSON any more."""
    known = [
        line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("{") and line.endswith("}")
    ]
    told = [json.loads(line) for line in known]
    lines = []
    for person in range(people):
        ticket = told[person % len(told)] | {"ticket_no": f"T{person:07d}", "cust_no": customer(person)}
        ticket["title"] = f"{ticket['title']} {values.phone(person, 'tickets.subject')}"
        mail, card = values.email(person, "tickets.body"), values.id_card(person, "tickets.body")
        ticket["content"] = (
            f"{ticket['content']} 请回电{values.phone(person, 'tickets.body')}或写信 {mail}。身份证{card}。"
        )
        line = json.dumps(ticket, ensure_ascii=person % 3 == 0)
        lines.append(line[:-9] if person % 97 == 0 else line)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _plant_events(path: Path, values: Values, people: int) -> None:
    """Searches for a phone, URLs and referrers with an e-mail address in them, as links of newsletters have."""
    lines = gzip.decompress(path.read_bytes()).decode("utf-8", "surrogateescape").split("\n")
    whole = [place for place, line in enumerate(lines) if line.startswith("{") and line.endswith("}")]
    for person in range(people):
        place = whole[person * len(whole) // people]
        event = json.loads(lines[place]) | {"uid": customer(person), "event": "search"}
        event |= {"sid": f"planted{person}", "anon_id": f"planted{person}"}  # a visit of nobody else
        event["kw"] = f"order of {values.phone(person, 'events.query')}"
        event["page"] = (
            f"/search?mail={quote(values.email(person, 'events.url'))}&p={values.phone(person, 'events.url')}"
        )
        event["referrer"] = f"https://mail.example.com/?to={values.email(person, 'events.referrer')}"
        lines[place] = json.dumps(event, ensure_ascii=person % 2 == 0)
    path.write_bytes(gzip.compress("\n".join(lines).encode("utf-8", "surrogateescape")))


def _plant_orders(path: Path, values: Values, people: int) -> None:
    """An attribute that the source's owner carried along: the account that was paid from."""
    text = gzip.decompress(path.read_bytes()).decode("utf-8", "surrogateescape")
    header, *rows = list(csv.reader(io.StringIO(text)))
    who, how = header.index("cust_no"), header.index("pay_method")
    whole = [row for row in rows if len(row) == len(header)]
    for person in range(min(people, len(whole))):
        row = whole[person]
        row[who] = customer(person)
        row[how] = f"alipay {values.email(person, 'order_lines.attributes')}"
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    path.write_bytes(gzip.compress(out.getvalue().encode("utf-8", "surrogateescape")))


def _plant_locations(path: Path, values: Values, people: int) -> None:
    table = pq.read_table(path)
    lat, lng = table["lat"].to_pylist(), table["lng"].to_pylist()
    who = table["device_user"].to_pylist()
    for person, place in enumerate(
        np.random.default_rng(11).choice(len(lat), size=min(people, len(lat)), replace=False).tolist()
    ):
        who[place] = customer(person)
        lat[place] = _as_in(lat, values.degrees(person, "locations.latitude", 31))
        lng[place] = _as_in(lng, values.degrees(person, "locations.longitude", 121))
    for name, column in (("device_user", who), ("lat", lat), ("lng", lng)):
        table = table.set_column(table.column_names.index(name), name, pa.array(column, table.schema.field(name).type))
    pq.write_table(table, path, compression="zstd")


def _as_in(column: Sequence[Any], value: str) -> Any:
    return value if isinstance(next(item for item in column if item is not None), str) else float(value)


def _plant_impressions(path: Path, values: Values, people: int) -> None:
    table = pq.read_table(path)
    audience, who = table["audience"].to_pylist(), table["user_id"].to_pylist()
    for person in range(min(people, len(audience))):
        who[person] = customer(person)
        audience[person] = f"lookalike of {values.email(person, 'impressions.attributes')}"
    for name, column in (("user_id", who), ("audience", audience)):
        table = table.set_column(table.column_names.index(name), name, pa.array(column, pa.string()))
    pq.write_table(table, path, compression="zstd")


BANK: dict[str, tuple[list[str], list[str], dict[str, str]]] = {
    "suppressions": (["customer_id"], ["suppressed_at", "reason"], {}),
    "accounts": (["account_id"], ["customer_id", "account_type", "opened_on", "credit_limit_amount"], {"note": "note"}),
    "holdings": (["account_id", "product_id", "as_of_on"], ["balance_amount"], {"note": "note"}),
    "ratings": (["customer_id", "product_id"], ["rating", "rated_at"], {"review": "review"}),
    "memberships": (["customer_id", "started_on"], ["tier"], {"note": "note"}),
    "consents": (["customer_id", "purpose", "channel", "changed_at"], ["is_granted", "origin"], {"note": "note"}),
    "sends": (["send_id"], ["campaign_id", "customer_id", "channel", "sent_at"], {"address": "address"}),
}


def _second_source(folder: Path, values: Values, people: int) -> Path:
    """The entities that the sample lacks, and attributes of those that it has without any."""

    def rows(person: int) -> dict[str, list[str]]:
        who = customer(person)
        phone, mail = (partial(one, person) for one in (values.phone, values.email))
        suppressed = (
            {"suppressions": [who, "2025-11-05 10:00:00", f"called from {phone('suppressions.reason')}"]}
            if person % 10 == 0  # or nobody would be in the tables of whom to contact
            else {}
        )
        return suppressed | {
            "accounts": [f"A{person}", who, "savings", "2024-05-01", "5000", f"heir {phone('accounts.attributes')}"],
            "holdings": [f"A{person}", "P00001", "2025-11-30", "120.5", f"told {mail('holdings.attributes')}"],
            "ratings": [who, "P00001", "4", "2025-11-09 10:00:00", f"good, ask {mail('ratings.attributes')}"],
            "memberships": [who, "2024-02-01", "gold", f"card sent to {phone('memberships.attributes')}"],
            "consents": [who, "marketing", "email", "2024-02-01 09:00:00", "1", "web", mail("consents.attributes")],
            "sends": [f"S{person}", "X1", who, "sms", "2025-11-03 08:00:00", phone("sends.attributes")],
        }

    folder.mkdir(parents=True)
    written: dict[str, list[list[str]]] = {entity: [] for entity in BANK}
    for person in range(people):
        for entity, row in rows(person).items():
            written[entity].append(row)
    entities: dict[str, Any] = {}
    for entity, (key, others, attributes) in BANK.items():
        columns = [*key, *others]
        with (folder / f"{entity}.csv").open("w", encoding="utf-8", newline="") as out:
            csv.writer(out, lineterminator="\n").writerows([[*columns, *attributes], *written[entity]])
        entities[entity] = {"key": key, "path": f"{entity}.csv", "columns": {name: name for name in columns}}
        if attributes:
            entities[entity]["attributes"] = dict(attributes)
    source = {"name": "bank", "timezone": "Asia/Shanghai", "currency": "CNY", "entities": entities}
    path = folder / "source.yml"
    path.write_text(yaml.safe_dump(source, sort_keys=False), encoding="utf-8")
    return path
