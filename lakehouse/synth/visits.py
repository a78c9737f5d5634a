"""Visits: app and web sessions, purchases in stores, and what was looked at and put into the basket.

visits       inhomogeneous Poisson; rate = segment rate * Gamma(4, 1/4), scaled to EVENTS_PER_YEAR
clicks       60 % of ad clicks and all message clicks start a session of their own
buys         segment conversion * (1 + 0.6 on sale days) * 1.3 after a message, at most 0.9
looks        1 + Poisson(1.6 + 1.2 if it buys)
basket       1 + Poisson(segment basket - 1) distinct looked-at products, those with the best
             Gumbel noise - 0.6 s_c r_p (cheap for its category wins with the price sensitive)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lakehouse.synth.advertising import Impressions
from lakehouse.synth.arrays import Bools, Floats, Ints, position_in_group, rank_in_group
from lakehouse.synth.catalogue import Catalogue
from lakehouse.synth.messages import Sends
from lakehouse.synth.population import SEGMENTS, Population
from lakehouse.synth.seasons import DAY_SECONDS, Calendar, fire, second_of_day
from lakehouse.synth.stores import Stores
from lakehouse.synth.tastes import STAY_IN_LEAF, choose_in_leaf, choose_products

EVENTS_PER_YEAR = 50.0  #: per customer, everything in the event files included
EVENTS_PER_SESSION = 5.18  #: measured with the parameters of this page
ORGANIC, AD, MESSAGE = 0, 1, 2
STORE_OPENS, STORE_CLOSES = 10 * 3600, 21 * 3600
CHANNELS = ("app", "web", "mini_program")
ABANDON_SHARE = 0.16  #: sessions without a purchase in which something goes into the cart
REMOVE_SHARE = 0.35  #: of what was carted and not bought, removed again


@dataclass(frozen=True)
class Visits:
    """One entry per visit, in order of person."""

    who: Ints
    start_s: Ints
    is_store: Bools
    store: Ints  #: -1 online
    origin: Ints
    source: Ints  #: row of the impression or send that started it, else -1
    campaign: Ints  #: -1 for none
    device: Ints
    channel: Ints
    is_buying: Bools
    has_search: Bools
    anonymous_events: Ints  #: so many first events carry no customer id
    first_look: Ints  #: offset of the visit's looks
    looks: Ints


@dataclass(frozen=True)
class Looks:
    """One entry per product looked at, grouped by visit in the visits' order."""

    visit: Ints
    product: Ints
    in_basket: Bools
    in_cart: Bools
    is_removed: Bools


def _online_rate(calendar: Calendar, population: Population, sessions_elsewhere: int) -> Floats:
    people, n = len(population.segment), population.customers
    activity = np.array([s.visit_rate for s in SEGMENTS])[population.segment]
    alive = np.clip(population.active_to, 0, calendar.days) - np.clip(population.active_from, 0, calendar.days)
    expected = float(np.sum(activity * np.maximum(alive, 0.0)))
    target = EVENTS_PER_YEAR * n * calendar.days / 365.0 / EVENTS_PER_SESSION - sessions_elsewhere
    result: Floats = activity * max(target, 1.0) / max(expected, 1e-9) * np.ones(people)
    return result


def make_visits(
    rng: np.random.Generator,
    calendar: Calendar,
    population: Population,
    impressions: Impressions,
    sends: Sends,
    impression_campaign: Ints,
    stores: Stores,
) -> Visits:
    """Draw all visits of the window."""
    ad = np.flatnonzero(impressions.is_clicked)
    ad = ad[rng.random(len(ad)) < 0.6]
    message = np.flatnonzero(sends.clicked_s >= 0)

    gamma = rng.gamma(4.0, 0.25, len(population.segment))
    rate = _online_rate(calendar, population, len(ad) + len(message)) * gamma
    who, day = fire(rng, calendar, rate, population.active_from, population.active_to)
    start = calendar.start_s + day * DAY_SECONDS + second_of_day(rng, population.peak_hour[who])

    n = population.customers
    yearly = np.array([s.store_rate for s in SEGMENTS])[population.segment[:n]]
    yearly = yearly * np.where(stores.in_city[population.city[:n]] > 0, 1.0, 0.0) * rng.gamma(4.0, 0.25, n)
    shopper, shop_day = fire(rng, calendar, yearly / 365.0, population.active_from[:n], population.active_to[:n])
    shop_s = calendar.start_s + shop_day * DAY_SECONDS + rng.integers(STORE_OPENS, STORE_CLOSES, len(shopper))

    counts = [len(who), len(ad), len(message), len(shopper)]
    all_who = np.r_[who, impressions.who[ad], sends.who[message], shopper]
    all_start = np.r_[start, impressions.shown_s[ad] + rng.integers(4, 30, len(ad)),
                      sends.clicked_s[message] + rng.integers(2, 20, len(message)), shop_s]  # fmt: skip
    origin = np.repeat([ORGANIC, AD, MESSAGE, ORGANIC], counts)
    source = np.r_[np.full(len(who), -1), ad, message, np.full(len(shopper), -1)]
    campaign = np.r_[np.full(len(who), -1), impression_campaign[ad], sends.campaign[message], np.full(len(shopper), -1)]
    device = np.r_[
        np.where(rng.random(len(who)) < 0.88, population.device[who], rng.integers(0, 4, len(who))),
        impressions.device[ad],
        population.device[sends.who[message]],
        np.zeros(len(shopper), np.int64),
    ]
    is_store = np.repeat([False, False, False, True], counts)

    order = np.lexsort((all_start, all_who))
    total = len(order)
    all_who, all_start, origin, source = all_who[order], all_start[order], origin[order], source[order]
    campaign, device, is_store = campaign[order], device[order], is_store[order]
    is_customer = all_who < n
    conversion = np.array([s.conversion for s in SEGMENTS])[population.segment[all_who]]
    sale = calendar.is_sale_day[np.clip(calendar.day_of(all_start), 0, calendar.days - 1)]
    conversion = conversion * (1 + 0.6 * sale) * np.where(origin == MESSAGE, 1.3, 1.0)
    is_buying = is_store | (is_customer & (rng.random(total) < np.minimum(conversion, 0.9)))
    basket = np.array([s.basket for s in SEGMENTS])[population.segment[all_who]]
    in_store = 1 + rng.poisson(np.maximum(basket - 1.0, 0.1))
    looks = np.where(is_store, in_store, 1 + rng.poisson(1.6 + 1.2 * is_buying)).astype(np.int64)
    starts_anonymous = rng.random(total) < np.where(is_customer, 0.3, 1.0)
    anonymous = np.where(starts_anonymous, rng.integers(1, 3, total), 0)
    mobile_channel = np.where(rng.random(total) < 0.75, 0, 2)
    return Visits(
        who=all_who,
        start_s=all_start,
        is_store=is_store,
        store=np.where(is_store, stores.nearest(rng, population, all_who), -1),
        origin=origin,
        source=source,
        campaign=campaign,
        device=device,
        channel=np.where(device == 2, 1, mobile_channel),
        is_buying=is_buying,
        has_search=(rng.random(total) < 0.42) & ~is_store,
        anonymous_events=np.where(is_customer, anonymous, 10**6),
        first_look=np.cumsum(looks) - looks,
        looks=looks,
    )


def look_around(rng: np.random.Generator, population: Population, catalogue: Catalogue, visits: Visits) -> Looks:
    """Draw the products of every visit, the basket, the cart and what is taken out of it again."""
    visit = np.repeat(np.arange(len(visits.who), dtype=np.int64), visits.looks)
    who = visits.who[visit]
    product = choose_products(rng, population, catalogue, who)
    position = position_in_group(visits.looks)
    # A chain of stays: each look that stays takes the category of the last look that did not.
    stays = (position > 0) & (rng.random(len(visit)) < STAY_IN_LEAF)
    anchor = np.maximum.accumulate(np.where(stays, 0, np.arange(len(visit))))
    rows = np.flatnonzero(stays)
    product[rows] = choose_in_leaf(rng, catalogue, catalogue.leaf[product[anchor[rows]]])

    is_buying = visits.is_buying[visit]
    gives_up = rng.random(len(visits.who)) < ABANDON_SHARE
    is_candidate = is_buying | gives_up[visit]
    candidates = np.flatnonzero(is_candidate)
    key = visit[candidates] * np.int64(len(catalogue)) + product[candidates]
    _, first = np.unique(key, return_index=True)
    candidates = candidates[np.sort(first)]  # distinct products, first look

    basket = np.array([s.basket for s in SEGMENTS])[population.segment[visits.who]]
    size = 1 + rng.poisson(np.maximum(basket - 1.0, 0.1))
    size = np.where(visits.is_store, visits.looks, np.where(visits.is_buying, size, 1))
    noise = rng.gumbel(size=len(candidates))
    wish = noise - 0.6 * population.price_sensitivity[who[candidates]] * catalogue.relative_price[product[candidates]]
    rank = rank_in_group(visit[candidates], wish)
    is_taken = rank < size[visit[candidates]]
    in_basket = np.zeros(len(visit), dtype=np.bool_)
    in_basket[candidates[is_taken & is_buying[candidates]]] = True
    in_cart = in_basket.copy()
    in_cart[candidates[is_taken]] = True
    # Some buyers cart one thing more than they buy.
    extra = (rank == size[visit[candidates]]) & (rng.random(len(candidates)) < 0.2)
    in_cart[candidates[extra]] = True
    is_removed = in_cart & ~in_basket & (rng.random(len(visit)) < REMOVE_SHARE)
    return Looks(visit, product, in_basket, in_cart, is_removed)


def buying_numbers(visits: Visits) -> Ints:
    """Order number of every buying visit by its start, from 1; 0 for visits that do not buy."""
    buying = np.flatnonzero(visits.is_buying)
    by_time = buying[np.lexsort((visits.who[buying], visits.start_s[buying]))]
    number = np.zeros(len(visits.who), dtype=np.int64)
    number[by_time] = np.arange(1, len(by_time) + 1)
    return number
