"""`crm/customers.csv` with the planted defects of customers, and `catalog/products.csv`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from lakehouse.synth import writing
from lakehouse.synth.arrays import Ints, pick
from lakehouse.synth.catalogue import Catalogue
from lakehouse.synth.defects import Ledger, cut
from lakehouse.synth.identities import Identities
from lakehouse.synth.keys import customer_codes, product_codes
from lakehouse.synth.order_files import other_formats
from lakehouse.synth.places import CITIES, HOME_COUNTRY
from lakehouse.synth.population import Population

CUSTOMER_HEADER = (
    "cust_no,name,mobile,email,id_no,sex,birthday,addr,city,province,country,lat,lng,reg_time,lang,"
    "reg_channel,occupation"
)
PRODUCT_HEADER = "sku,product_name,category,brand,list_price,cost_price,launch_date,colour"
REGISTRATION_CHANNELS = ("app", "web", "mini_program", "store", "referral")
OCCUPATIONS = ("office", "student", "teacher", "engineer", "self_employed", "retired", "service")


def phone_variant(phone: str, form: int) -> str:
    """A number as people type it: `+86 138-1234-5678`, `(138) 1234-5678`, `0086138…`, `138 1234 5678`."""
    a, b, c = phone[:3], phone[3:7], phone[7:]
    return (f"+86 {a}-{b}-{c}", f"({a}) {b}-{c}", f"0086{phone}", f"{a} {b} {c}")[form % 4]


def invalid_email(email: str, form: int) -> str:
    """An e-mail address that cannot be one."""
    local, domain = email.split("@")
    return (
        f"{local}{domain}",
        f"{local}@",
        f"{local}@@{domain}",
        f"{local}@{domain.split('.')[0]}",
        f"@{domain}",
    )[form % 5]


def stray_email(email: str, form: int) -> str:
    """The same address with capitals and blanks around it."""
    return (f" {email}", email.upper(), f"{email.title()} ", f"  {email.capitalize()}  ")[form % 4]


def _customer_columns(rng: np.random.Generator, population: Population, who: Identities) -> dict[str, pa.Array]:
    n = population.customers
    city = population.city[:n]
    place = {name: writing.look_up(writing.texts([getattr(c, name) for c in CITIES]), city)
             for name in ("name", "region", "country")}  # fmt: skip
    sex = np.where(population.is_gender_known[:n], np.where(population.is_female[:n], 1, 2), 0)
    age = (population.registered_s[:n] // 86_400 - population.birth_day[:n]) / 365.25
    occupation = pick(rng, np.array([30, 12, 8, 16, 12, 0.01, 22]), n)
    occupation = np.where(age >= 60, 5, np.where(age < 22, 1, occupation))
    return {
        "cust_no": customer_codes(np.arange(n, dtype=np.int64)),
        "name": who.full_name,
        "mobile": who.phone,
        "email": who.email,
        "id_no": who.id_card,
        "sex": writing.look_up(writing.texts(["", "F", "M"]), sex),
        "birthday": writing.dates(population.birth_day[:n]),
        "addr": who.address,
        "city": place["name"],
        "province": place["region"],
        "country": place["country"],
        "lat": writing.decimals(population.latitude[:n], 6),
        "lng": writing.decimals(population.longitude[:n], 6),
        "reg_time": writing.times(population.registered_s[:n]),
        "lang": writing.look_up(writing.texts(["zh", "en"]), population.is_western[:n].astype(np.int64)),
        "reg_channel": writing.look_up(
            writing.texts(REGISTRATION_CHANNELS), pick(rng, np.array([40, 15, 25, 12, 8]), n)
        ),
        "occupation": writing.look_up(writing.texts(OCCUPATIONS), occupation),
    }


def write_customers(directory: Path, ledger: Ledger, population: Population, who: Identities) -> int:
    """Write `crm/customers.csv`; returns its records.

    The rows that cannot be read (wrong encoding, truncated) are of customers who never did anything, so that
    nothing else in the world depends on them.
    """
    file, n, rng = "crm/customers.csv", population.customers, ledger.rng
    columns = _customer_columns(rng, population, who)
    keys = columns["cust_no"]
    silent, at_home = population.is_silent[:n], np.array([c.country == HOME_COUNTRY for c in CITIES])
    lives_here = at_home[population.city[:n]]
    chosen = ledger.choose("customers", n, {("wrong_encoding", ""): silent, ("truncated_line", ""): silent,
        ("phone_format", "phone"): lives_here & ~silent, ("missing_value", "birth_on"): ~silent,
        ("invalid_email", "email"): ~silent})  # fmt: skip
    records = np.arange(1, n + 1, dtype=np.int64)

    def values(raw: str, rows: Ints) -> list[str]:
        taken: list[str] = columns[raw].take(pa.array(rows)).to_pylist()
        return taken

    def plant(defect: str, column: str, raw: str, planted: list[str], truth: list[str]) -> None:
        rows = chosen[defect, column]
        ledger.note(defect, "customers", column, file, records[rows], keys.take(pa.array(rows)), planted, truth)
        columns[raw] = writing.put(columns[raw], rows, planted)

    rows = chosen["missing_value", "birth_on"]
    plant("missing_value", "birth_on", "birthday", [""] * len(rows), values("birthday", rows))
    rows = chosen["date_format", "registered_at"]
    planted, said = other_formats(population.registered_s[rows])
    plant("date_format", "registered_at", "reg_time", planted, writing.utc_times(said).to_pylist())
    true = values("mobile", chosen["phone_format", "phone"])
    plant("phone_format", "phone", "mobile", [phone_variant(p, i) for i, p in enumerate(true)],
          [f"+86{p}" for p in true])  # fmt: skip
    true = values("email", chosen["invalid_email", "email"])
    plant("invalid_email", "email", "email", [invalid_email(e, i) for i, e in enumerate(true)], true)
    true = values("email", chosen["stray_whitespace_case", "email"])
    plant("stray_whitespace_case", "email", "email", [stray_email(e, i) for i, e in enumerate(true)], true)
    true = values("name", chosen["stray_whitespace_case", "full_name"])
    padded = [(f" {v}", f"{v}  ", f"  {v} ")[i % 3] for i, v in enumerate(true)]
    plant("stray_whitespace_case", "full_name", "name", padded, true)

    text = writing.delimited_lines(list(columns.values()))
    truncated = chosen["truncated_line", ""]
    whole = text.take(pa.array(truncated)).to_pylist()
    cut_lines = cut(whole, rng, ",")
    ledger.note("truncated_line", "customers", "", file, records[truncated], keys.take(pa.array(truncated)),
                cut_lines, whole)  # fmt: skip
    text = writing.put(text, truncated, cut_lines)
    lines = [line.encode("utf-8") for line in text.to_pylist()]
    strange = chosen["wrong_encoding", ""]
    for row in strange.tolist():
        lines[row] = lines[row].decode("utf-8").encode("gb18030")  # never valid UTF-8: the address says 市
    ledger.note("wrong_encoding", "customers", "", file, records[strange], keys.take(pa.array(strange)),
                ["GB18030"] * len(strange), text.take(pa.array(strange)))  # fmt: skip
    writing.write_bytes_lines(directory / file, [CUSTOMER_HEADER.encode(), *lines])
    return n


def write_products(directory: Path, ledger: Ledger, catalogue: Catalogue) -> int:
    """Write `catalog/products.csv`; returns its records."""
    file, size = "catalog/products.csv", len(catalogue)
    keys = product_codes(np.arange(size, dtype=np.int64))
    cost = writing.money(catalogue.cost)
    rows = ledger.choose("products", size)["missing_value", "unit_cost"]
    ledger.note("missing_value", "products", "unit_cost", file, rows + 1, keys.take(pa.array(rows)),
                [""] * len(rows), cost.take(pa.array(rows)))  # fmt: skip
    columns = [
        keys,
        writing.quoted(writing.texts(catalogue.title)),
        writing.texts(catalogue.category),
        writing.texts(catalogue.brand),
        writing.money(catalogue.list_price),
        writing.put(cost, rows, [""] * len(rows)),
        writing.dates(catalogue.listed_day),
        writing.texts(catalogue.colour),
    ]
    writing.write_lines(directory / file, writing.delimited_lines(columns), PRODUCT_HEADER)
    return size
