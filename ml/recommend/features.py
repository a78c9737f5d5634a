"""What the recommender learns from: who touched which product, how much, and when, as dense arrays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from lakehouse.settings import Settings
from ml.arrays import Floats, Ints, Texts
from ml.coded import NO_DAY, Coded, coded

READS = ("feat_interactions", "feat_customer_behaviour", "feat_product")
HELD_OUT_SHARE = 0.2
"""The last fifth of the days is what evaluation predicts."""
LEAST_DAYS = 10
"""Shorter histories are not split."""
NEVER = -(10**6)
"""A day far before any other, for 'not bought'."""
HALF_LIFE_DAYS = 30
"""After so many days what somebody did counts half in `recent_weight`; the value of Microsoft's SAR."""
FINEST = 1e3
"""Decayed weights are added up as whole thousandths of millionths, exactly."""

Singles = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Daily:
    """Rows of `gold.feat_interactions` as arrays: one element per customer, product and day, in any order.

    Args:
        user, item: positions among the sorted ids of customers and products.
        day: proleptic ordinal, `NEVER` where it is not known.
        millionths: the weight as a whole number, so that a sum does not depend on the order of its rows.
        rating_millionths: the rating likewise, 0 where there is none.
    """

    user: Ints
    item: Ints
    day: Ints
    view_count: Ints
    cart_count: Ints
    purchase_count: Ints
    is_rated: npt.NDArray[np.bool_]
    millionths: Ints
    rating_millionths: Ints

    def of(self, rows: npt.NDArray[np.bool_]) -> Daily:
        """Those that are flagged."""
        return Daily(**{name: values[rows] for name, values in vars(self).items()})


@dataclass(frozen=True)
class Interactions:
    """Customers x products, sparse, one entry per pair in the order (customer, product).

    Args:
        customers: sorted ids, every known customer.
        products: sorted ids, the catalogue.
        user, item: positions in `customers` and `products`, one per pair.
        weight: r = log(1 + sum of feat_interactions.weight over days) (Hu, Koren, Volinsky 2008, eq. 6).
        view_count, cart_count, purchase_count: sums over days.
        bought_days: distinct days with a purchase of the pair.
        last_bought_day: proleptic ordinal of the last purchase, `NEVER` without one.
        is_rated: whether the customer rated the product.
        rating: mean of the pair's ratings over days, NaN where there is none.
        recent_weight: sum over days of feat_interactions.weight x 2^(-age / HALF_LIFE_DAYS), the age from the last day
            of all; what is of no day does not fade.
    """

    customers: Texts
    products: Texts
    user: Ints
    item: Ints
    weight: Floats
    view_count: Floats
    cart_count: Floats
    purchase_count: Floats
    bought_days: Floats
    last_bought_day: Floats
    is_rated: npt.NDArray[np.bool_]
    rating: Floats
    recent_weight: Floats

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.customers), len(self.products)

    @property
    def has_purchases(self) -> bool:
        """False for a source of ratings or views only."""
        return bool((self.purchase_count > 0).any())

    def matrix(self, values: npt.NDArray[np.generic]) -> sparse.csr_matrix:
        """The pairs as a customers x products matrix of these values."""
        return sparse.csr_matrix((values, (self.user, self.item)), shape=self.shape)

    @property
    def is_taken(self) -> npt.NDArray[np.bool_]:
        """Pairs that count as taken up: bought; where nothing is ever bought, rated; else any."""
        if self.has_purchases:
            return self.purchase_count > 0
        return self.is_rated if self.is_rated.any() else np.ones(len(self.user), dtype=np.bool_)


@dataclass(frozen=True)
class History:
    """All interactions, and the same split in time: `before` the cut, `after` it (inclusive of the cut day)."""

    whole: Interactions
    before: Interactions
    after: Interactions
    cut: date | None


def read_history(settings: Settings, as_of: date, cut: date | None = None) -> History:
    """Interactions up to and including `as_of` from gold, split for evaluation.

    Without `LEAST_DAYS` of interactions there is no cut and `after` is empty.

    Args:
        cut: where to split; by default where the last fifth of the days begins.
    """
    daily, customers, products = _read(settings, as_of)
    cut = cut or _cut(daily.day)
    is_after = daily.day >= cut.toordinal() if cut else np.zeros(len(daily.day), dtype=np.bool_)
    whole, before, after = (
        interactions(part, customers, products) for part in (daily, daily.of(~is_after), daily.of(is_after))
    )
    return History(whole, before, after, cut)


def read_seen(settings: Settings, as_of: date) -> Interactions:
    """All interactions up to and including `as_of`, not split."""
    return interactions(*_read(settings, as_of))


def interactions(daily: Daily, customers: Texts, products: Texts) -> Interactions:
    """The rows by pair of customer and product, given the sorted ids that their positions are of."""
    width = max(1, len(products))
    pairs, place = np.unique(daily.user * width + daily.item, return_inverse=True)

    def total(values: npt.NDArray[Any]) -> Floats:
        return np.bincount(place, values, minlength=len(pairs)).astype(np.float64)

    is_bought = daily.purchase_count > 0
    last = np.full(len(pairs), float(NEVER))
    np.maximum.at(last, place[is_bought], daily.day[is_bought].astype(np.float64))
    rated_days = total(daily.is_rated)
    return Interactions(
        customers=customers,
        products=products,
        user=pairs // width,
        item=pairs % width,
        weight=np.log1p(total(daily.millionths) / 1e6),
        view_count=total(daily.view_count),
        cart_count=total(daily.cart_count),
        purchase_count=total(daily.purchase_count),
        bought_days=total(is_bought),
        last_bought_day=last,
        is_rated=rated_days > 0,
        rating=np.where(rated_days > 0, total(daily.rating_millionths) / 1e6 / np.maximum(rated_days, 1), np.nan),
        recent_weight=total(np.rint(FINEST * daily.millionths * _freshness(daily.day))) / (1e6 * FINEST),
    )


def _freshness(day: Ints) -> Floats:
    """2^(-age / HALF_LIFE_DAYS) of each day, 1 for the newest and for none."""
    newest = day.max(initial=NEVER)
    return np.asarray(np.where(day == NEVER, 1.0, 0.5 ** ((newest - day) / HALF_LIFE_DAYS)))


def _read(settings: Settings, as_of: date) -> tuple[Daily, Texts, Texts]:
    """The rows, and the sorted ids of customers and products that their positions are of."""
    customers = _ids(settings, "feat_customer_behaviour", "customer_id")
    products = _ids(settings, "feat_product", "product_id")
    return _daily(settings, as_of, customers, products), customers, products


def _daily(settings: Settings, as_of: date, customers: Texts, products: Texts) -> Daily:
    """The rows by `as_of`, or of no day, that weigh something; those of unknown customers or products are left out."""
    told = coded(settings, "feat_interactions", Coded)
    user, item = told.named("customer_id").places_in(customers), told.named("product_id").places_in(products)
    day = told.days("interacted_on")
    kept = (day <= as_of.toordinal()) & (user >= 0) & (item >= 0)
    weight = told.numbers("weight", kept)
    kept[kept] = weight > 0.0
    rating, day = told.numbers("rating", kept), day[kept].astype(np.int64)
    return Daily(
        user=user[kept],
        item=item[kept],
        day=np.where(day == NO_DAY, NEVER, day),
        view_count=told.integers("view_count", kept, 0),
        cart_count=told.integers("cart_count", kept, 0),
        purchase_count=told.integers("purchase_count", kept, 0),
        is_rated=~np.isnan(rating),
        millionths=np.round(weight[weight > 0.0] * 1e6).astype(np.int64),
        rating_millionths=np.round(np.nan_to_num(rating) * 1e6).astype(np.int64),
    )


def _cut(days: Ints) -> date | None:
    known = days[days != NEVER]
    if len(known) == 0 or (last := int(known.max())) - (first := int(known.min())) < LEAST_DAYS:
        return None
    return date.fromordinal(last - round(HELD_OUT_SHARE * (last - first)) + 1)


def _ids(settings: Settings, table: str, name: str) -> Texts:
    """The sorted ids of a table of gold; where it has none, those of the interactions."""
    for told in (table, "feat_interactions"):
        found = coded(settings, told, Coded).named(name)
        if len(found.there):
            return np.array(found.names, dtype=object)[found.there]
    return np.array([], dtype=object)
