"""The people of the world: what they are like, before they do anything.

A person has a segment (with rates), a taste vector, a price sensitivity, a home, an age, a gender and a
life as a customer (registration, churn). Behind the N customers come visitors who never log in; they have
tastes too.

    interest logits  z = N(0,1) + gender effect + age effect            (K_TOPIC numbers)
    taste            theta = [softmax(2.6 z), 0.8 N(0,1) ...]           (K_TOPIC shares, K_STYLE style scores)
    income           y = 0.5 (2 - tier) + 0.35 age curve + N(0, 0.8)
    price sensitivity s = exp(-0.45 y + N(0, 0.25)), clipped to 0.15 … 3
    churn            exponential, hazard h_segment * exp(0.3 (s - 1)) per 30 days
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lakehouse.synth.arrays import Bools, Floats, Ints, pick
from lakehouse.synth.places import CITIES, HOME_COUNTRY
from lakehouse.synth.seasons import DAY_SECONDS, Calendar

K_TOPIC = 8  #: one per top category of the catalogue
K_STYLE = 4  #: style dimensions that cut across categories
K = K_TOPIC + K_STYLE

VISITOR_SHARE = 0.10  #: visitors who never log in, per customer
SILENT_SHARE = 0.02  #: customers who registered and did nothing (damaged customer rows are taken from these)
WESTERN_SHARE_AT_HOME = 0.08
GENDER_KNOWN_SHARE = 0.85

FEMALE, MALE = 0, 1
GENDER_NAMES = ("female", "male")


class Segment(NamedTuple):
    """Activity segment: share of customers and the rates of its members."""

    name: str
    share: float
    visit_rate: float  #: relative number of app or web sessions
    conversion: float  #: probability that a session of an ordinary day buys
    basket: float  #: mean number of distinct products in a basket
    store_rate: float  #: store purchases per year where there is a store
    churn_hazard: float  #: per 30 days at price sensitivity 1


SEGMENTS: tuple[Segment, ...] = (
    Segment("champions", 0.08, 4.5, 0.40, 2.5, 5.0, 0.004),
    Segment("loyal", 0.18, 2.2, 0.32, 2.0, 2.6, 0.012),
    Segment("occasional", 0.40, 0.8, 0.22, 1.6, 1.0, 0.030),
    Segment("new", 0.14, 1.7, 0.22, 1.6, 1.0, 0.100),
    Segment("dormant", 0.20, 0.9, 0.20, 1.5, 1.0, 0.050),
)
SEGMENT_NAMES = tuple(s.name for s in SEGMENTS)
DORMANT = SEGMENT_NAMES.index("dormant")
NEW = SEGMENT_NAMES.index("new")

#: Effect of being female on each topic's logit (male: the opposite), and the age at which a topic peaks.
GENDER_EFFECTS = np.array([0.9, -0.9, 0.8, -0.5, 0.2, 0.0, -0.4, 0.4])
PEAK_AGES = np.array([27.0, 32.0, 29.0, 24.0, 45.0, 52.0, 30.0, 35.0])
PEAK_HOURS = np.array([8.5, 12.5, 20.5, 22.3])
PEAK_HOUR_SHARES = np.array([0.18, 0.22, 0.42, 0.18])
DEVICES = ("ios", "android", "desktop", "tablet")
DEVICE_SHARES = np.array([0.36, 0.40, 0.18, 0.06])


@dataclass(frozen=True)
class Population:
    """Arrays with one entry per person: customers 0 … customers-1, then visitors."""

    customers: int
    segment: Ints
    taste: Floats  #: (people, K)
    income: Floats
    price_sensitivity: Floats
    is_female: Bools
    is_gender_known: Bools
    is_western: Bools
    is_silent: Bools
    birth_day: Ints  #: days since 1970-01-01
    city: Ints  #: index into CITIES
    latitude: Floats
    longitude: Floats
    registered_s: Ints  #: local seconds
    active_from: Floats  #: day of the window
    active_to: Floats  #: day of the window; beyond its end for those who stay
    churn_day: Ints  #: day index relative to the window; large for those who stay
    peak_hour: Floats
    device: Ints  #: the usual device
    ad_affinity: Floats  #: unobserved willingness to click, in logits


def _tastes(rng: np.random.Generator, is_female: Bools, age: Floats) -> Floats:
    sign = np.where(is_female, 1.0, -1.0)[:, None]
    age_effect = np.exp(-(((age[:, None] - PEAK_AGES) / 14.0) ** 2)) - 0.5
    logits = rng.normal(size=(len(age), K_TOPIC)) + 0.6 * sign * GENDER_EFFECTS + 0.7 * age_effect
    weights = np.exp(2.6 * (logits - logits.max(axis=1, keepdims=True)))
    shares = weights / weights.sum(axis=1, keepdims=True)
    styles = 0.8 * rng.normal(size=(len(age), K_STYLE))
    return np.hstack([shares, styles])


def make_population(rng: np.random.Generator, calendar: Calendar, customers: int) -> Population:
    """Draw the customers and the visitors."""
    people = customers + max(1, round(VISITOR_SHARE * customers))
    is_customer = np.arange(people) < customers
    segment = pick(rng, np.array([s.share for s in SEGMENTS]), people)
    segment[~is_customer] = SEGMENT_NAMES.index("occasional")
    is_silent = np.zeros(people, dtype=np.bool_)
    is_silent[rng.permutation(customers)[: max(4, round(SILENT_SHARE * customers))]] = True
    segment[is_silent] = DORMANT

    is_female = rng.random(people) < 0.54
    age = np.clip(18 + rng.gamma(3.2, 5.6, people), 18, 79)
    birth_day = (calendar.end_s // DAY_SECONDS) - (age * 365.25).astype(np.int64)
    city = pick(rng, np.array([c.weight for c in CITIES]), people)
    at_home = np.array([c.country == HOME_COUNTRY for c in CITIES])
    city[is_silent & ~at_home[city]] = 0
    is_western = np.where(at_home[city], rng.random(people) < WESTERN_SHARE_AT_HOME, rng.random(people) < 0.75)
    is_western &= ~is_silent
    tier = np.array([c.tier for c in CITIES], dtype=np.float64)[city]
    age_curve = 1.0 - ((age - 44.0) / 22.0) ** 2
    income = 0.5 * (2.0 - tier) + 0.35 * np.clip(age_curve, -1.5, 1.0) + rng.normal(0.0, 0.8, people)
    sensitivity = np.clip(np.exp(-0.45 * income + rng.normal(0.0, 0.25, people)), 0.15, 3.0)

    registered_day = -rng.exponential(600.0, people) - 1.0
    in_window = (rng.random(people) < 0.25) & (segment != DORMANT)
    registered_day = np.where(in_window, rng.random(people) * calendar.days * 0.75, registered_day)
    newest = calendar.days - rng.random(people) * min(90.0, calendar.days / 4)
    registered_day = np.where(segment == NEW, newest, registered_day)
    registered_day = np.floor(registered_day).astype(np.int64)
    registered_s = calendar.start_s + registered_day * DAY_SECONDS + rng.integers(7 * 3600, 23 * 3600, people)
    registered_s = np.minimum(registered_s, calendar.end_s - 1)
    active_from = np.where(is_customer, np.maximum(registered_day + 1.0, 0.0), 0.0)

    hazard = np.array([s.churn_hazard for s in SEGMENTS])[segment] * np.exp(0.3 * (sensitivity - 1.0)) / 30.0
    churn_day = active_from + rng.exponential(1.0 / hazard)
    churn_day = np.where(segment == DORMANT, rng.random(people) * 0.4 * calendar.days, churn_day)
    churn_day = np.where(is_customer, churn_day, 1e9)
    churn_day = np.where(is_silent, registered_day, churn_day)

    spread = rng.normal(0.0, 0.055, (people, 2))
    return Population(
        customers=customers,
        segment=segment,
        taste=_tastes(rng, is_female, age),
        income=income,
        price_sensitivity=sensitivity,
        is_female=is_female,
        is_gender_known=rng.random(people) < GENDER_KNOWN_SHARE,
        is_western=is_western,
        is_silent=is_silent,
        birth_day=birth_day,
        city=city,
        latitude=np.array([c.latitude for c in CITIES])[city] + spread[:, 0],
        longitude=np.array([c.longitude for c in CITIES])[city] + spread[:, 1],
        registered_s=registered_s,
        active_from=active_from,
        active_to=np.where(is_silent, active_from, churn_day),
        churn_day=np.floor(np.minimum(churn_day, 1e9)).astype(np.int64),
        peak_hour=PEAK_HOURS[pick(rng, PEAK_HOUR_SHARES, people)],
        device=pick(rng, DEVICE_SHARES, people),
        ad_affinity=rng.normal(0.0, 0.3, people),
    )
