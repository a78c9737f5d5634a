"""Orders: the lines of online and store purchases with quantity, price, discount, cancellation and returns.

quantity    1 … 6 with probabilities 0.56, 0.26, 0.10, 0.045, 0.025, 0.01 (natural bounds of the outlier rule)
unit price  list price * U(0.90, 1.10) (day prices; well inside +-15 %)
discount    a share of the line: the campaign's own, else 10 … 20 % on half of the lines of a sale day,
                else 5 … 10 % on 8 % of the lines
    cancelled   3 % of online orders, whole
returned    6 % of undiscounted online lines, 3 % in stores: a line of negative quantity 3 … 20 days later
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lakehouse.synth.advertising import CAMPAIGNS
from lakehouse.synth.arrays import Bools, Floats, Ints, pick, position_in_group
from lakehouse.synth.catalogue import Catalogue
from lakehouse.synth.population import Population
from lakehouse.synth.seasons import DAY_SECONDS, Calendar
from lakehouse.synth.visits import Looks, Visits

QUANTITY_SHARES = np.array([0.56, 0.26, 0.10, 0.045, 0.025, 0.01])
CANCEL_SHARE = 0.03
RETURN_SHARE_ONLINE, RETURN_SHARE_STORE = 0.06, 0.03
PAYMENTS = ("alipay", "wechat_pay", "card", "cash")


@dataclass(frozen=True)
class OrderLines:
    """One entry per order line, in time order; a return names the order and line that it takes back."""

    order: Ints
    is_return: Bools
    line: Ints
    who: Ints
    product: Ints
    ordered_s: Ints
    quantity: Ints
    unit_price: Floats
    discount: Floats
    is_cancelled: Bools
    visit: Ints
    channel: Ints  #: 0 app, 1 web, 2 mini program, 3 store
    store: Ints
    campaign: Ints
    payment: Ints
    is_taken_back: Bools
    original_order: Ints  #: 0 for none
    original_line: Ints


def make_order_lines(
    rng: np.random.Generator,
    calendar: Calendar,
    population: Population,
    catalogue: Catalogue,
    visits: Visits,
    looks: Looks,
    number: Ints,
    purchase_s: Ints,
) -> OrderLines:
    """Lines of all buying visits, then the returns, sorted by time.

    Args:
        number: order number of each visit.
        purchase_s: local second of the purchase of each visit.
    """
    bought = np.flatnonzero(looks.in_basket)
    visit, product = looks.visit[bought], looks.product[bought]
    size = len(bought)
    is_first = np.r_[True, visit[1:] != visit[:-1]] if size else np.zeros(0, dtype=np.bool_)
    line = 1 + position_in_group(np.diff(np.r_[np.flatnonzero(is_first), size]))
    who = visits.who[visit]
    is_store = visits.is_store[visit]
    quantity = 1 + pick(rng, QUANTITY_SHARES, size)
    dear = catalogue.list_price[product] > 800.0
    quantity = np.where(dear & (rng.random(size) < 0.85), 1, quantity)
    price = np.round(catalogue.list_price[product] * rng.uniform(0.90, 1.10, size), 2)

    on_sale = calendar.is_sale_day[np.clip(calendar.day_of(purchase_s[visit]), 0, calendar.days - 1)] > 0
    campaign = visits.campaign[visit]
    own = np.where(campaign >= 0, np.array([c.discount for c in CAMPAIGNS])[campaign], 0.0)
    luck = rng.random(size)
    other = np.where(on_sale & (luck < 0.5), rng.uniform(0.10, 0.20, size), 0.0)
    other = np.where(~on_sale & (luck < 0.08), rng.uniform(0.05, 0.10, size), other)
    discount = np.round(quantity * price * np.where(own > 0, own, other), 2)

    cancelled_visit = rng.random(len(visits.who)) < CANCEL_SHARE
    is_cancelled = cancelled_visit[visit] & ~is_store
    comes_back = rng.random(size) < np.where(is_store, RETURN_SHARE_STORE, RETURN_SHARE_ONLINE)
    returned_s = purchase_s[visit] + rng.integers(3 * DAY_SECONDS, 20 * DAY_SECONDS, size)
    comes_back &= ~is_cancelled & (discount == 0) & (returned_s < calendar.end_s)
    back = np.flatnonzero(comes_back)
    returned_quantity = np.where(rng.random(len(back)) < 0.8, quantity[back], 1)
    payment = np.where(is_store[:], pick(rng, np.array([0.35, 0.35, 0.2, 0.1]), size),
                       pick(rng, np.array([0.5, 0.4, 0.1]), size))  # fmt: skip
    channel = np.where(is_store, 3, visits.channel[visit])

    def both(sale: Ints, taken_back: Ints) -> Ints:
        return np.r_[sale, taken_back]

    none, returns = np.zeros(size, dtype=np.int64), len(back)
    ordered = both(purchase_s[visit], returned_s[back])
    order = both(number[visit], np.arange(1, returns + 1))
    is_return = np.r_[np.zeros(size, dtype=np.bool_), np.ones(returns, dtype=np.bool_)]
    line_all = both(line, np.ones(returns, dtype=np.int64))
    by_time = np.lexsort((line_all, order, is_return, ordered))
    return OrderLines(
        order=order[by_time],
        is_return=is_return[by_time],
        line=line_all[by_time],
        who=both(who, who[back])[by_time],
        product=both(product, product[back])[by_time],
        ordered_s=ordered[by_time],
        quantity=both(quantity, -returned_quantity)[by_time],
        unit_price=np.r_[price, price[back]][by_time],
        discount=np.r_[discount, np.zeros(returns)][by_time],
        is_cancelled=np.r_[is_cancelled, np.zeros(returns, dtype=np.bool_)][by_time],
        visit=both(visit, np.full(returns, -1))[by_time],
        channel=both(channel, channel[back])[by_time],
        store=both(visits.store[visit], visits.store[visit][back])[by_time],
        campaign=both(campaign, np.full(returns, -1))[by_time],
        payment=both(payment, payment[back])[by_time],
        is_taken_back=np.r_[comes_back, np.zeros(returns, dtype=np.bool_)][by_time],
        original_order=both(none, number[visit][back])[by_time],
        original_line=both(none, line[back])[by_time],
    )
