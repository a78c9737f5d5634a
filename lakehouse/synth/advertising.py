"""Campaigns, creatives and ad impressions with a logistic click model.

    logit P(click) = -4.15 + 2.6 theta_c[topic of creative] + quality + slot + device + tier
                     + 0.35 cos(2 pi (hour - 21) / 24) + 0.45 min(earlier clicks, 3)
                     - 0.05 min(earlier impressions, 10) + ad affinity of the person

Quality ~ N(0, 0.45) per creative, ad affinity ~ N(0, 0.3) per person; the other terms are the tables below.
"Earlier" counts the person's impressions before this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lakehouse.synth.arrays import Bools, Floats, Ints, pick, pick_per_row, rank_in_group
from lakehouse.synth.places import CITIES
from lakehouse.synth.population import DEVICE_SHARES, K_TOPIC, Population
from lakehouse.synth.seasons import DAY_SECONDS, Calendar, fire, second_of_day


class Campaign(NamedTuple):
    """A campaign: its days as fractions of the window, the topics of its creatives, its discount."""

    name: str
    channel: str
    objective: str
    first: float
    last: float
    weight: float
    discount: float
    topics: tuple[int, ...]  #: one entry per creative; empty for a message campaign


CAMPAIGNS: tuple[Campaign, ...] = (
    Campaign("Beauty always on", "display", "sales", 0.0, 1.0, 1.0, 0.05, (2, 2, 2)),
    Campaign("Electronics always on", "display", "sales", 0.0, 1.0, 1.0, 0.05, (3, 3, 3)),
    Campaign("One shop for all", "social", "awareness", 0.0, 1.0, 1.0, 0.0, (0, 4, 5, 6)),
    Campaign("Spring wardrobe", "social", "sales", 0.10, 0.36, 1.2, 0.08, (0, 0, 1)),
    Campaign("Mid-year sale 6.18", "display", "sales", 0.40, 0.50, 3.0, 0.12, (3, 2, 4)),
    Campaign("Running season", "search", "sales", 0.28, 0.66, 0.8, 0.06, (6, 6)),
    Campaign("Back to school", "social", "sales", 0.60, 0.72, 1.0, 0.08, (7, 7)),
    Campaign("Autumn menswear", "display", "sales", 0.68, 0.84, 1.0, 0.08, (1, 1)),
    Campaign("Double eleven 11.11", "display", "sales", 0.80, 0.90, 4.0, 0.15, (3, 2, 4)),
    Campaign("Newsletter", "email", "retention", 0.0, 1.0, 3.0, 0.05, ()),
    Campaign("Member day", "sms", "sales", 0.0, 1.0, 1.2, 0.10, ()),
    Campaign("Come back to us", "push", "win_back", 0.15, 1.0, 1.5, 0.15, ()),
)
AD_CAMPAIGNS = sum(1 for campaign in CAMPAIGNS if campaign.topics)
SLOTS: tuple[tuple[str, float, float], ...] = (  # name, share, logit
    ("home_feed", 0.34, 0.35),
    ("splash", 0.14, 0.60),
    ("search_top", 0.20, 0.25),
    ("detail_banner", 0.20, -0.25),
    ("exit_banner", 0.12, -0.70),
)
FORMATS = ("image", "video", "carousel")
AUDIENCES = ("broad", "lookalike", "interest")
INTERCEPT, TASTE_EFFECT, HOUR_EFFECT, CLICK_EFFECT, FATIGUE_EFFECT = -4.15, 2.6, 0.35, 0.45, -0.05
DEVICE_EFFECTS = np.array([0.15, 0.0, -0.35, 0.05])
TIER_EFFECTS = np.array([0.0, -0.10, 0.0, 0.20])  #: by city tier; index 0 unused
IMPRESSIONS_PER_YEAR = 10.0
TAG_ACCURACY = 0.75  #: the ad server's interest tag is the person's strongest topic this often
TARGETING = 3.0  #: a creative of the tagged topic is this many times likelier to be shown
BLOCK = 100_000


@dataclass(frozen=True)
class Creatives:
    """The creatives: their campaign, topic, hidden quality and format."""

    campaign: Ints
    topic: Ints
    quality: Floats
    format: Ints


@dataclass(frozen=True)
class Impressions:
    """One entry per impression, in time order."""

    who: Ints
    creative: Ints
    slot: Ints
    shown_s: Ints
    device: Ints
    audience: Ints
    cost_fen: Ints
    probability: Floats
    is_clicked: Bools


def make_creatives(rng: np.random.Generator) -> Creatives:
    """Draw the creatives of all campaigns."""
    campaign = np.array([c for c, entry in enumerate(CAMPAIGNS) for _ in entry.topics], dtype=np.int64)
    topic = np.array([t for entry in CAMPAIGNS for t in entry.topics], dtype=np.int64)
    return Creatives(campaign, topic, rng.normal(0.0, 0.45, len(campaign)), rng.integers(0, 3, len(campaign)))


def running(calendar: Calendar) -> Bools:
    """(days, campaigns): is the campaign running on the day."""
    place = (np.arange(calendar.days) + 0.5) / calendar.days
    first = np.array([c.first for c in CAMPAIGNS])
    last = np.array([c.last for c in CAMPAIGNS])
    result: Bools = (place[:, None] >= first) & (place[:, None] <= last)
    return result


def _interest_tags(rng: np.random.Generator, population: Population) -> tuple[Ints, Ints]:
    """What the ad server believes: the main and the second topic of each person."""
    order = np.argsort(-population.taste[:, :K_TOPIC], axis=1)
    people = len(order)
    is_right = rng.random(people) < TAG_ACCURACY
    main = np.where(is_right, order[:, 0], rng.integers(0, K_TOPIC, people))
    return main, np.where(is_right, order[:, 1], rng.integers(0, K_TOPIC, people))


def make_impressions(
    rng: np.random.Generator, calendar: Calendar, population: Population, creatives: Creatives
) -> Impressions:
    """Draw who sees which creative where and when, then the clicks, in the order in which they happen."""
    n = population.customers
    rate = IMPRESSIONS_PER_YEAR / 365.0 * rng.gamma(2.0, 0.5, n) * np.where(population.is_silent[:n], 0.0, 1.0)
    # Those who registered late or left see fewer; scale so that the mean over all customers stays.
    alive = np.clip(population.active_to[:n], 0, calendar.days) - np.clip(population.active_from[:n], 0, calendar.days)
    rate *= n * calendar.days / max(1.0, float(np.sum(np.maximum(alive, 0.0))))
    who, day = fire(rng, calendar, rate, population.active_from[:n], population.active_to[:n])
    second = second_of_day(rng, population.peak_hour[who])
    late = second > 22 * 3600 + 3000  # leaves room for the session that a click starts
    second[late] = rng.integers(8 * 3600, 22 * 3600, int(late.sum()))
    shown = calendar.start_s + day * DAY_SECONDS + second
    order = np.lexsort((shown, who))
    who, day, shown = who[order], day[order], shown[order]

    main, other = _interest_tags(rng, population)
    weight = running(calendar)[:, creatives.campaign] * np.array([c.weight / len(c.topics) for c in
        (CAMPAIGNS[i] for i in creatives.campaign)])  # fmt: skip
    creative = np.empty(len(who), dtype=np.int64)
    for low in range(0, len(who), BLOCK):
        part = slice(low, low + BLOCK)
        match = np.where(creatives.topic == main[who[part]][:, None], TARGETING, 1.0)
        creative[part] = pick_per_row(rng, weight[day[part]] * match)
    usual = rng.random(len(who)) < 0.85
    device = np.where(usual, population.device[who], pick(rng, DEVICE_SHARES, len(who)))
    slot = pick(rng, np.array([s[1] for s in SLOTS]), len(who))
    slot[(slot == 1) & (device == 2)] = 0  # a desktop has no splash screen
    topic = creatives.topic[creative]
    audience = np.where(topic == main[who], 2, np.where(topic == other[who], 1, 0))

    hour = (shown % DAY_SECONDS) // 3600
    tier = np.array([c.tier for c in CITIES])[population.city[who]]
    fixed = (
        INTERCEPT
        + TASTE_EFFECT * population.taste[who, topic]
        + creatives.quality[creative]
        + np.array([s[2] for s in SLOTS])[slot]
        + DEVICE_EFFECTS[device]
        + TIER_EFFECTS[tier]
        + HOUR_EFFECT * np.cos(2 * np.pi * (hour - 21) / 24)
        + population.ad_affinity[who]
    )
    probability, clicked = _click_through(rng, who, fixed, n)
    base = np.array([18, 45, 60, 12, 8])[slot]
    cost = np.maximum(1, np.round(base * rng.lognormal(0.0, 0.25, len(who)))).astype(np.int64)
    by_time = np.lexsort((who, shown))
    return Impressions(
        who[by_time], creative[by_time], slot[by_time], shown[by_time], device[by_time], audience[by_time],
        cost[by_time], probability[by_time], clicked[by_time],
    )  # fmt: skip


def _click_through(rng: np.random.Generator, who: Ints, fixed: Floats, people: int) -> tuple[Floats, Bools]:
    """Clicks one round per n-th impression of each person, since earlier clicks matter. `who` is sorted."""
    turn = rank_in_group(who, -np.arange(len(who), dtype=np.float64))
    by_turn = np.argsort(turn, kind="stable")
    edges = np.searchsorted(turn[by_turn], np.arange(int(turn.max(initial=-1)) + 2))
    clicks = np.zeros(people, dtype=np.int64)
    probability = np.empty(len(who))
    clicked = np.zeros(len(who), dtype=np.bool_)
    for number, (low, high) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        rows = by_turn[low:high]
        person = who[rows]
        past = CLICK_EFFECT * np.minimum(clicks[person], 3) + FATIGUE_EFFECT * min(number, 10)
        probability[rows] = 1.0 / (1.0 + np.exp(-(fixed[rows] + past)))
        clicked[rows] = rng.random(len(rows)) < probability[rows]
        clicks[person] += clicked[rows]
    return probability, clicked
