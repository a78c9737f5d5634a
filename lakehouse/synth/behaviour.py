"""The behaviour events of the sessions, second by second.

Order inside a session: search, then for each product view, add_to_cart, remove_from_cart, then checkout and
one purchase event per line of the order. Between two events pass 5 s and an exponential time of mean 32 s,
before the purchase 15 s more; the purchases of one order share their second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lakehouse.synth.arrays import Ints, position_in_group
from lakehouse.synth.seasons import DAY_SECONDS, Calendar
from lakehouse.synth.visits import Looks, Visits

EVENT_TYPES = ("view", "search", "add_to_cart", "remove_from_cart", "checkout", "purchase")
VIEW, SEARCH, ADD, REMOVE, CHECKOUT, PURCHASE = range(6)
LEAST_GAP_SECONDS = 5  #: keeps natural events apart from a client's retry, which follows within 2 s
MEAN_GAP_SECONDS = 32.0
BLOCK_LOOKS = 250_000  #: looks per block; bounds the memory of the text stage


@dataclass(frozen=True)
class Events:
    """One entry per event of a block of sessions, in order of session start and time."""

    visit: Ints
    kind: Ints
    product: Ints  #: -1 for none
    at_s: Ints
    position: Ints  #: in the session


def month_blocks(calendar: Calendar, visits: Visits) -> Iterator[tuple[int, list[Ints]]]:
    """For each month its online visits in order of start, in blocks of bounded size."""
    online = np.flatnonzero(~visits.is_store)
    online = online[np.lexsort((visits.who[online], visits.start_s[online]))]
    month = calendar.month_of(visits.start_s[online])
    for number in range(len(calendar.months)):
        members = online[month == number]
        step = np.cumsum(visits.looks[members]) // BLOCK_LOOKS
        yield number, [members[step == block] for block in np.unique(step)]


def expand(rng: np.random.Generator, visits: Visits, looks: Looks, block: Ints) -> Events:
    """The events of a block of visits."""
    sizes = visits.looks[block]
    local = np.repeat(np.arange(len(block), dtype=np.int64), sizes)
    position = position_in_group(sizes)
    look = visits.first_look[block][local] + position
    product = looks.product[look]
    searching = np.flatnonzero(visits.has_search[block])
    carted, removed = np.flatnonzero(looks.in_cart[look]), np.flatnonzero(looks.is_removed[look])
    bought = np.flatnonzero(looks.in_basket[look])
    pays = visits.is_buying[block]
    has_cart = np.zeros(len(block), dtype=np.bool_)
    has_cart[local[carted]] = True
    turns_back = has_cart & ~pays & (rng.random(len(block)) < 0.3)
    checking_out = np.flatnonzero(pays | turns_back)

    # Place of an event in its session: 4 i + step for look i, everything after the looks behind them.
    session = np.r_[searching, local, local[carted], local[removed], checking_out, local[bought]]
    place = np.r_[
        np.full(len(searching), -1),
        4 * position,
        4 * position[carted] + 1,
        4 * position[removed] + 2,
        4 * sizes[checking_out],
        4 * sizes[local[bought]] + 1 + position[bought],
    ]
    none = np.full(len(searching), -1)
    of_product = np.r_[
        none, product, product[carted], product[removed], np.full(len(checking_out), -1), product[bought]
    ]
    kind = np.repeat(
        [SEARCH, VIEW, ADD, REMOVE, CHECKOUT, PURCHASE],
        [len(searching), len(local), len(carted), len(removed), len(checking_out), len(bought)],
    )
    order = np.argsort(session * np.int64(4096) + place + 1, kind="stable")
    session, kind, of_product = session[order], kind[order], of_product[order]

    is_first = np.r_[True, session[1:] != session[:-1]]
    follows_purchase = np.r_[False, (kind[1:] == PURCHASE) & (kind[:-1] == PURCHASE)] & ~is_first
    gap = LEAST_GAP_SECONDS + rng.exponential(MEAN_GAP_SECONDS, len(session)).astype(np.int64)
    gap = gap + np.where(kind == PURCHASE, 15, 0)
    gap[is_first | follows_purchase] = 0
    elapsed = np.cumsum(gap)
    first_row = np.flatnonzero(is_first)
    events = np.diff(np.r_[first_row, len(session)])
    elapsed = elapsed - np.repeat(elapsed[first_row], events)
    # A session ends on the day on which it starts: late ones start a little earlier.
    length = elapsed[np.r_[first_row[1:] - 1, len(session) - 1]]
    start = visits.start_s[block]
    start = np.minimum(start, start - start % DAY_SECONDS + DAY_SECONDS - 1 - length)
    return Events(
        visit=block[session],
        kind=kind,
        product=of_product,
        at_s=start[session] + elapsed,
        position=position_in_group(events),
    )
