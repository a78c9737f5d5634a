"""What is known of each customer on a day: habits as shares, sales as sums, and the person that a source tells of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from lakehouse.settings import Settings
from ml import tables
from ml.arrays import Flags, Floats, Ints, Texts
from ml.coded import NO_DAY
from ml.happenings import read_happenings
from ml.traits.activity import FIELDS, INTERESTS, Activity, read_activity

READS = ("feat_activity", "feat_customer_person")
PERSON = {"customer_id": pa.string(), "gender": pa.string(), "given_name": pa.string()}
FEMALE, MALE = "female", "male"
HORIZON_DAYS, LEAST_HORIZON_DAYS, MONTH = 90, 30, 30
MOST_LOOKBACK_DAYS = 365
LEAST_SHARE, MOST_TOKENS = 0.01, 100
"""A token needs so large a share of the customers with habits, and a field keeps so many, its most common ones."""
PRIOR_COUNT = 3.0
"""Looks at nothing in particular that are added to everybody's: of 0, 3 and others the best on the sample (seed 7)."""
SALES = (
    "amount_per_buying_month",
    "amount_per_sale_day",
    "amount",
    "largest_day_amount",
    "sale_days",
    "units_per_line",
    "discount_rate",
)


class Cuts(NamedTuple):
    """The days whose evening the features are of: to learn from, to calibrate and judge on, to score."""

    learn: int
    judge: int
    score: int

    @property
    def horizon(self) -> int:
        """Days after a cut in which spending counts."""
        return self.score - self.judge


@dataclass(frozen=True)
class People:
    """Everybody that a source lists or who has done something, sorted by id.

    Args:
        gender: 1 female, 0 male, NaN where nobody tells it.
        given_name: None where there is none.
        place: of the customer in `Activity.customers`, -1 for who has no look and no sale.
    """

    ids: Texts
    gender: Floats
    given_name: Texts
    place: Ints

    @property
    def is_told(self) -> Flags:
        """Whether a source tells the gender."""
        return ~np.isnan(self.gender)


@dataclass(frozen=True)
class Sales:
    """Customers x `SALES`, NaN for who has bought nothing in the time looked back on."""

    values: Floats

    @property
    def is_buyer(self) -> Flags:
        return ~np.isnan(self.values[:, 0])


def read_people(settings: Settings, seen: Activity) -> People:
    """gold.feat_customer_person, and who is in `seen` alone."""
    rows = pa.Table.from_batches(list(tables.gold_rows(settings, "feat_customer_person", PERSON)))
    told = rows.filter(rows["customer_id"].is_valid()).to_pandas().drop_duplicates("customer_id", keep="last")
    told = told.set_index("customer_id").reindex(sorted({*told["customer_id"], *seen.customers}))
    ids = told.index.to_numpy(dtype=object)
    name = told["given_name"].astype(object)
    return People(
        ids,
        told["gender"].map({FEMALE: 1.0, MALE: 0.0}).to_numpy(dtype=np.float64),
        name.where(name.notna(), None).to_numpy(dtype=object),
        pd.Index(seen.customers).get_indexer(pd.Index(ids)).astype(np.int64),
    )


def read_both(settings: Settings, as_of: date) -> tuple[Activity, People, Cuts | None]:
    """Everything that the models read, up to and including `as_of`; no cuts where the history is too short for them."""
    last = as_of.toordinal()
    first = first_day(settings, last)
    days = cuts(first, last)
    seen = read_activity(settings, [last] if days is None else list(days))
    return seen, read_people(settings, seen), days


def first_day(settings: Settings, last: int) -> int:
    """Of the first sale up to the day; 0 where there is none."""
    told = read_happenings(settings)
    day = told.day[told.flags("is_purchase") & (told.day != NO_DAY) & (told.day <= last)]
    return int(day.min()) if len(day) else 0


def cuts(first: int, last: int) -> Cuts | None:
    """The cuts, 90 days apart, or a quarter of the history where that is less; None below 30."""
    horizon = min(HORIZON_DAYS, (last - first + 1) // 4) if first else 0
    if horizon < LEAST_HORIZON_DAYS:
        return None
    return Cuts(last - 2 * horizon, last - horizon, last)


def common_tokens(seen: Activity, edge: int) -> tuple[str, ...]:
    """The tokens that models have a column for, by field and then by name."""
    customers = seen.customers_by_token(edge)
    least = LEAST_SHARE * len(seen.customers)
    kept: list[str] = []
    for field in FIELDS:
        own = [n for n, token in enumerate(seen.tokens) if token.startswith(f"{field}=") and customers[n] >= least]
        own = sorted(own, key=lambda n: (-customers[n], seen.tokens[n]))[:MOST_TOKENS]
        kept += sorted(seen.tokens[n] for n in own)
    return tuple(kept)


def broad(tokens: Sequence[str]) -> tuple[str, ...]:
    """Those of the first level of categories: of the sample's spending, finer ones tell no more (seed 7)."""
    return tuple(token for token in tokens if token.startswith(f"{INTERESTS[0]}="))


def shares(seen: Activity, edge: int, tokens: Sequence[str]) -> Floats:
    """Seen customers x tokens: the token's share of the customer's looks and sales that tell its field by then.

    `PRIOR_COUNT` is added to the whole, so that one look is little. A token without a column counts in the whole.
    """
    own = seen.counts(edge, tokens)
    for field in FIELDS:
        columns = [n for n, token in enumerate(tokens) if token.startswith(f"{field}=")]
        own[:, columns] /= seen.field_counts(edge, field)[:, None] + PRIOR_COUNT
    return own


def has_interests(seen: Activity, edge: int, tokens: Sequence[str]) -> Flags:
    """Whether anything was looked at or bought by then that has a column."""
    of_products = [token for token in tokens if token.startswith(tuple(f"{field}=" for field in INTERESTS))]
    return np.asarray(seen.counts(edge, of_products).sum(axis=1) > 0)


def sales_by(seen: Activity, cut: int, lookback: int) -> Sales:
    """What each seen customer bought in the `lookback` days that end with the cut, returns left aside.

    A month is 30 days, counted back from the cut.
    """
    kept = (seen.day <= cut) & (seen.day > cut - lookback)
    who, month = seen.buyer[kept], (cut - seen.day[kept]) // MONTH
    size = len(seen.customers)

    def total(values: Ints) -> Floats:
        return np.bincount(who, values[kept], minlength=size).astype(np.float64)

    days = np.bincount(who, minlength=size).astype(np.float64)
    net, discount = total(seen.net_cents) / 100.0, total(seen.discount_cents) / 100.0
    largest = np.zeros(size)
    np.maximum.at(largest, who, seen.net_cents[kept] / 100.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.column_stack(
            [
                net / _different(who, month, size),
                net / days,
                net,
                largest,
                days,
                total(seen.units) / total(seen.lines),
                discount / np.maximum(net + discount, 0.01),
            ]
        )
    values[days == 0] = np.nan
    return Sales(values)


def spent_after(seen: Activity, cut: int, horizon: int) -> Floats:
    """Per seen customer, the net amount of the sales in the `horizon` days after the cut; NaN without a sale."""
    kept = (seen.day > cut) & (seen.day <= cut + horizon)
    who, size = seen.buyer[kept], len(seen.customers)
    net = np.bincount(who, seen.net_cents[kept] / 100.0, minlength=size)
    return np.where(np.bincount(who, minlength=size) > 0, net, np.nan)


def thirds(amounts: Floats) -> Ints:
    """0, 1, 2 for the lowest, middle and highest third of the amounts; equal ones share the third of the first."""
    less = np.searchsorted(np.sort(amounts), amounts, side="left")
    return np.asarray(3 * less // max(1, len(amounts)), dtype=np.int64)


def _different(who: Ints, month: Ints, size: int) -> Floats:
    """How many different months each customer has."""
    pairs = np.unique(np.column_stack([who, month]), axis=0)
    return np.bincount(pairs[:, 0], minlength=size).astype(np.float64)
