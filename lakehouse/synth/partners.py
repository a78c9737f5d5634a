"""`partners/members.csv` and `partners/third_party_profiles.jsonl`: the same people as others know them.

A partner's member is a customer in two of three cases: with the same phone (90 %) or e-mail (70 %), and
with the name in Latin letters half of the time. A third-party profile knows interests (the true top two
tastes, one in five wrong), an age band and an income band (income cut at -0.6 and 0.6). The truth of who is
who is in `truth/partner_members.csv` and `truth/third_party_profiles.csv`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.synth import writing
from lakehouse.synth.arrays import Floats, Ints
from lakehouse.synth.catalogue import TOP_CATEGORIES
from lakehouse.synth.customer_files import phone_variant
from lakehouse.synth.defects import Ledger
from lakehouse.synth.identities import Identities, phone_numbers
from lakehouse.synth.keys import customer_codes
from lakehouse.synth.names import SURNAMES, WESTERN_FEMALE
from lakehouse.synth.places import CITIES, HOME_COUNTRY
from lakehouse.synth.population import K_TOPIC, Population
from lakehouse.synth.seasons import DAY_SECONDS, Calendar

PARTNERS = ("hotel_club", "airline_miles")
PARTNER_SHARES = (0.18, 0.12)  #: of the customers
OUTSIDERS = 0.5  #: members who are no customers, per member who is one
HEADER = "Partner|Member No|Member Name|Mobile|E-mail|Join Date"
PROVIDERS = ("dmp_north", "dmp_south")
PROVIDER_SHARE = 0.20
AGE_BANDS = ("18-24", "25-34", "35-44", "45-54", "55+")


def _strangers(rng: np.random.Generator, population: Population, size: int) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Names, phones and e-mails of people who are no customers."""
    family = writing.look_up(writing.texts([s[1] for s in SURNAMES]), rng.integers(0, len(SURNAMES), size))
    first = writing.look_up(writing.texts(WESTERN_FEMALE), rng.integers(0, len(WESTERN_FEMALE), size))
    number = len(population.segment) * 3 + np.arange(size, dtype=np.int64)  # beyond all customers' numbers
    phones = phone_numbers(np.zeros(size, dtype=np.int64), number)
    emails = writing.joined(
        pc.utf8_lower(writing.joined(first, ".", family)), writing.whole_numbers(number), "@example.org"
    )
    return writing.joined(first, " ", family), phones, emails


def write_partner_members(
    directory: Path, ledger: Ledger, rng: np.random.Generator, calendar: Calendar, population: Population,
    who: Identities,
) -> int:  # fmt: skip
    """Write the partners' members (pipes) and their truth; returns their number."""
    n, is_active = population.customers, ~population.is_silent[: population.customers]
    customer_parts, partner_parts = [], []
    for number, share in enumerate(PARTNER_SHARES):
        inside = np.flatnonzero((rng.random(n) < share) & is_active)
        outside = np.full(max(1, round(OUTSIDERS * len(inside))), -1)
        mixed = rng.permutation(np.r_[inside, outside])
        customer_parts.append(mixed)
        partner_parts.append(np.full(len(mixed), number))
    customer, partner = np.concatenate(customer_parts), np.concatenate(partner_parts)
    size = len(customer)
    is_inside = customer >= 0
    person = np.where(is_inside, customer, 0)
    names, phones, emails = _strangers(rng, population, size)
    own_name = pc.if_else(pa.array(rng.random(size) < 0.5), writing.look_up(who.latin_name, person),
                          writing.look_up(who.full_name, person))  # fmt: skip
    inside = pa.array(is_inside)
    has_phone = ~is_inside | (rng.random(size) < 0.9)
    has_email = ~is_inside | ~has_phone | (rng.random(size) < 0.7)
    names = pc.if_else(inside, own_name, names)
    phones = pc.if_else(inside, writing.look_up(who.phone, person), phones)
    emails = writing.blank_where(pc.if_else(inside, writing.look_up(who.email, person), emails), ~has_email)
    joined_day = calendar.start_s // DAY_SECONDS + rng.integers(-1500, calendar.days, size)

    code = writing.numbered("", np.arange(1, size + 1, dtype=np.int64) * 37 % 10**8, 8)
    partner_code = writing.look_up(writing.texts(PARTNERS), partner)
    keys = writing.joined(partner_code, "|", code)
    at_home = np.array([c.country == HOME_COUNTRY for c in CITIES])[population.city[person]] | ~is_inside
    kind = ("phone_format", "phone")
    rows = ledger.choose("partner_members", size, {kind: has_phone & at_home})[kind]
    true = phones.take(pa.array(rows)).to_pylist()
    planted = [phone_variant(p, i) for i, p in enumerate(true)]
    file = "partners/members.csv"
    one_form = [f"+86{p}" for p in true]
    ledger.note(kind[0], "partner_members", kind[1], file, rows + 1, keys.take(pa.array(rows)), planted, one_form)
    phones = writing.blank_where(writing.put(phones, rows, planted), ~has_phone)
    columns = [partner_code, code, names, phones, emails, writing.dates(joined_day)]
    writing.write_lines(directory / file, writing.delimited_lines(columns, "|"), HEADER)
    writing.write_csv(
        directory / "truth" / "partner_members.csv",
        {"partner_id": partner_code, "member_id": code,
         "customer_id": writing.blank_where(customer_codes(person), ~is_inside)},
    )  # fmt: skip
    return size


def age_band(age_years: Floats) -> Ints:
    """Index into AGE_BANDS."""
    return np.searchsorted(np.array([25, 35, 45, 55]), age_years, side="right").astype(np.int64)


def write_third_party_profiles(
    directory: Path, rng: np.random.Generator, calendar: Calendar, population: Population, who: Identities
) -> int:
    """Write the providers' profiles (JSON lines) and their truth; returns their number."""
    n, is_active = population.customers, ~population.is_silent[: population.customers]
    rows, truth = [], []
    strongest = np.argsort(-population.taste[:n, :K_TOPIC], axis=1)[:, :2]
    age = (calendar.end_s // DAY_SECONDS - population.birth_day[:n]) / 365.25
    bands = age_band(age)
    income = np.searchsorted(np.array([-0.6, 0.6]), population.income[:n])
    for provider in PROVIDERS:
        members = np.flatnonzero((rng.random(n) < PROVIDER_SHARE) & is_active)
        phones = writing.look_up(who.phone, members).to_pylist()
        emails = writing.look_up(who.email, members).to_pylist()
        codes = customer_codes(members).to_pylist()
        draws = rng.random((len(members), 4))
        for i, person in enumerate(members.tolist()):
            topics = [TOP_CATEGORIES[t] for t in strongest[person]]
            if draws[i, 0] < 0.2:
                topics[1] = TOP_CATEGORIES[int(draws[i, 1] * K_TOPIC)]
            by_phone = draws[i, 2] < 0.7
            profile = {
                "provider": provider,
                "profile": f"{provider[4].upper()}{i * 7919 % 10**7:07d}",
                "mobile": phones[i] if by_phone else None,
                "mail": None if by_phone and draws[i, 3] < 0.6 else emails[i],
                "interests": topics,
                "age_band": AGE_BANDS[bands[person]],
                "income_band": ("low", "middle", "high")[income[person]],
            }
            rows.append(json.dumps(profile, ensure_ascii=False))
            truth.append((provider, profile["profile"], codes[i]))
    writing.write_lines(directory / "partners" / "third_party_profiles.jsonl", writing.texts(rows))
    columns = {name: writing.texts([str(entry[place]) for entry in truth])
               for place, name in enumerate(("provider", "profile_id", "customer_id"))}  # fmt: skip
    writing.write_csv(directory / "truth" / "third_party_profiles.csv", columns)
    return len(rows)
