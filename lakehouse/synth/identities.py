"""Names, phones, e-mails, identity cards and addresses of the customers, as text columns.

Everything is invented: e-mail domains are reserved ones, identity cards have a valid form and check digit
(GB 11643) and belong to nobody we know of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.synth import names, writing
from lakehouse.synth.arrays import Bools, Floats, Ints, pick
from lakehouse.synth.keys import scrambled
from lakehouse.synth.places import CITIES, HOME_COUNTRY, STREETS_EN, STREETS_ZH
from lakehouse.synth.population import Population

ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CHECK_DIGITS = "10X98765432"
ID_CARD_SHARE = 0.7


@dataclass(frozen=True)
class Identities:
    """One text per customer; `latin_name` is how a clerk without Chinese writes the name."""

    full_name: pa.Array
    latin_name: pa.Array
    phone: pa.Array
    email: pa.Array
    id_card: pa.Array
    address: pa.Array


def _falling(size: int) -> Floats:
    return 1.0 / (np.arange(size) + 3.0)


def _given(rng: np.random.Generator, is_female: Bools, female: list[str], male: list[str]) -> tuple[pa.Array, Ints]:
    """Index into `female + male` by gender."""
    size = len(is_female)
    index = np.where(
        is_female, pick(rng, _falling(len(female)), size), len(female) + pick(rng, _falling(len(male)), size)
    )
    return writing.look_up(writing.texts([*female, *male]), index), index


def id_card_numbers(area: list[str], birth: list[str], serial: Ints) -> list[str]:
    """Eighteen characters: area, birth date `yyyymmdd`, three-digit serial (odd for men), check digit."""
    result = []
    for a, b, s in zip(area, birth, serial.tolist(), strict=True):
        head = f"{a}{b}{s:03d}"
        total = sum(w * int(d) for w, d in zip(ID_WEIGHTS, head, strict=True))
        result.append(head + ID_CHECK_DIGITS[total % 11])
    return result


def phone_numbers(city: Ints, number: Ints) -> pa.Array:
    """Distinct mobile numbers: eleven digits at home, `+` and country code abroad."""
    nine = scrambled(number, 9)
    home = writing.joined(writing.look_up(writing.texts(["13", "15", "17", "18", "19"]), nine % 5),
                          writing.numbered("", nine, 9))  # fmt: skip
    result = home
    for index, place in enumerate(CITIES):
        if place.country != HOME_COUNTRY:
            # 2 000 000 + keeps the first free digit from 0 and 1, as North America wants it.
            free = 2_000_000 + number % 7_999_999 if place.phone_digits == 7 else number % 10**place.phone_digits
            away = writing.numbered(place.phone_prefix, free.astype(np.int64), place.phone_digits)
            result = pc.if_else(pa.array(city == index), away, result)
    return result


def make_identities(rng: np.random.Generator, population: Population, people: Ints) -> Identities:
    """Identities of the given customers (in their order)."""
    size = len(people)
    is_female, is_western = population.is_female[people], population.is_western[people]
    surname = pick(rng, _falling(len(names.SURNAMES)), size)
    _, given = _given(rng, is_female, [g[0] for g in names.GIVEN_FEMALE], [g[0] for g in names.GIVEN_MALE])
    both = [*names.GIVEN_FEMALE, *names.GIVEN_MALE]
    family_zh = writing.look_up(writing.texts([s[0] for s in names.SURNAMES]), surname)
    family = writing.look_up(writing.texts([s[1] for s in names.SURNAMES]), surname)
    first_zh = writing.look_up(writing.texts([g[0] for g in both]), given)
    first = writing.look_up(writing.texts([g[1].capitalize() for g in both]), given)
    western_first, _ = _given(rng, is_female, list(names.WESTERN_FEMALE), list(names.WESTERN_MALE))
    western_last = writing.look_up(writing.texts(names.WESTERN_SURNAMES), pick(rng, _falling(24), size))
    mask = pa.array(is_western)
    latin_first = pc.if_else(mask, western_first, first)
    latin_last = pc.if_else(mask, western_last, family)
    latin = writing.joined(latin_first, " ", latin_last)

    city = population.city[people]
    at_home = np.array([c.country == HOME_COUNTRY for c in CITIES])[city]
    house, flat = (
        writing.whole_numbers(rng.integers(1, 300, size)),
        writing.whole_numbers(rng.integers(101, 2400, size)),
    )
    street_zh = writing.look_up(writing.texts(STREETS_ZH), rng.integers(0, len(STREETS_ZH), size))
    street_en = writing.look_up(writing.texts(STREETS_EN), rng.integers(0, len(STREETS_EN), size))
    city_zh = writing.look_up(writing.texts([c.name_zh for c in CITIES]), city)
    address = pc.if_else(
        pa.array(at_home),
        writing.joined(city_zh, "市", street_zh, house, "号", flat, "室"),
        writing.joined(house, " ", street_en),
    )
    domain = writing.look_up(writing.texts(names.EMAIL_DOMAINS), rng.integers(0, len(names.EMAIL_DOMAINS), size))
    local_part = pc.utf8_lower(writing.joined(latin_first, ".", latin_last))
    email = writing.joined(local_part, writing.whole_numbers(people + 11), "@", domain)

    serial = 2 * rng.integers(0, 500, size) + np.where(is_female, 0, 1)
    has_card = at_home & ~is_western & (rng.random(size) < ID_CARD_SHARE)
    birth = pc.replace_substring(writing.dates(population.birth_day[people]), "-", "")
    cards = np.full(size, "", dtype=object)
    rows = np.flatnonzero(has_card)
    cards[rows] = id_card_numbers(
        [CITIES[c].area_code for c in city[rows]], birth.take(pa.array(rows)).to_pylist(), serial[rows]
    )
    return Identities(
        full_name=pc.if_else(
            mask, writing.joined(western_first, " ", western_last), writing.joined(family_zh, first_zh)
        ),
        latin_name=latin,
        phone=phone_numbers(city, people),
        email=email,
        id_card=writing.texts(cards.tolist()),
        address=address,
    )
