"""What customers look at and buy, and when they paid what: counts and sums of gold.feat_activity, by period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lakehouse.settings import Settings
from ml.arrays import Flags, Floats, Ints, Texts
from ml.coded import MOST_CELLS, NO_DAY, Named
from ml.happenings import Happenings, read_happenings

INTERESTS = ("category_level_1", "category", "brand")
FIELDS = (*INTERESTS, "device_type", "day_part")
"""Of a habit: what kind of thing a share is of."""
LOOKS = ("view", "add_to_cart")
DAY_PARTS = ("night", "morning", "afternoon", "evening")
"""Six hours each, from midnight on."""
HOURS_OF_A_PART = 6


@dataclass(frozen=True)
class Activity:
    """Looks and sales of all customers up to a day; days are proleptic ordinals.

    Args:
        customers: sorted ids of everybody with a look or a sale.
        tokens: `field=value`, sorted.
        edges: the last day of each period, ascending; the first period begins with the history.
        user, token, period, count: how often a customer met a token in a period, sorted by all three.
        buyer, day: one element per customer and day with a sale, sorted by both.
        net_cents, discount_cents, units, lines: the sales of that day.
        first_day: of the first look or sale of all; 0 where there is none.
    """

    customers: Texts
    tokens: tuple[str, ...]
    edges: tuple[int, ...]
    user: Ints
    token: Ints
    period: Ints
    count: Ints
    buyer: Ints
    day: Ints
    net_cents: Ints
    discount_cents: Ints
    units: Ints
    lines: Ints
    first_day: int

    def counts(self, edge: int, tokens: Sequence[str]) -> Floats:
        """Customers x tokens: how often by the end of the period that ends on day `edge`; unknown tokens are 0."""
        place = {token: number for number, token in enumerate(tokens)}
        column = np.array([place.get(token, -1) for token in self.tokens], dtype=np.int64)
        shape = len(self.customers), len(tokens)
        kept = (self.period <= self.edges.index(edge)) & (column[self.token] >= 0)
        cell = self.user[kept] * len(tokens) + column[self.token[kept]]
        return np.bincount(cell, self.count[kept], minlength=shape[0] * shape[1]).astype(np.float64).reshape(shape)

    def is_seen(self, edge: int) -> Flags:
        """Per customer, whether there was a look or a sale by then."""
        seen = np.zeros(len(self.customers), dtype=np.bool_)
        seen[self.user[self.period <= self.edges.index(edge)]] = True
        seen[self.buyer[self.day <= edge]] = True
        return seen

    def field_counts(self, edge: int, field: str) -> Floats:
        """Per customer, how often any token of the field was met by the end of the period that ends on day `edge`."""
        if edge not in self._by_field:
            place = {name: number for number, name in enumerate(FIELDS)}
            of_token = np.array([place[token.partition("=")[0]] for token in self.tokens], dtype=np.int64)
            kept = self.period <= self.edges.index(edge)
            cell = self.user[kept] * len(FIELDS) + of_token[self.token[kept]]
            counted = np.bincount(cell, self.count[kept], minlength=len(self.customers) * len(FIELDS))
            self._by_field[edge] = counted.astype(np.float64).reshape(-1, len(FIELDS))
        return self._by_field[edge][:, FIELDS.index(field)]

    @cached_property
    def _by_field(self) -> dict[int, Floats]:
        """By edge, customers x `FIELDS`."""
        return {}

    def customers_by_token(self, edge: int) -> Ints:
        """Per token, how many customers have met it by then."""
        kept = self.period <= self.edges.index(edge)
        pairs = np.unique(self.token[kept] * max(1, len(self.customers)) + self.user[kept])
        return np.bincount(pairs // max(1, len(self.customers)), minlength=len(self.tokens))


def read_activity(settings: Settings, edges: Sequence[int]) -> Activity:
    """Views, carts and sales up to the last of the edges.

    Args:
        edges: last days of the periods, ascending.
    """
    told = read_happenings(settings)
    is_sale = told.flags("is_purchase")
    kept = (is_sale | told.named("kind").is_in(*LOOKS)) & (told.day != NO_DAY) & (told.day <= edges[-1])
    who, day, is_sale = told.customer[kept], told.day[kept], is_sale[kept]
    is_seen = np.zeros(len(told.customers), dtype=np.bool_)
    is_seen[who] = True
    user = (np.cumsum(is_seen) - 1)[who]
    size = int(is_seen.sum())
    period = np.searchsorted(np.asarray(edges), day, side="left")
    columns = {field: _day_parts(told, kept) if field == "day_part" else told.named(field).at(kept) for field in FIELDS}
    tokens, met = _met(columns, user, period, size, len(edges))
    of_sales = kept & told.flags("is_purchase")
    amounts = [told.cents(name, of_sales) for name in ("net_amount", "discount_amount")]
    units = told.integers("quantity", of_sales, 1)
    sold = np.column_stack([user[is_sale], day[is_sale], *amounts, units, np.ones(len(units), np.int64)])
    return Activity(
        told.customers[is_seen],
        tokens,
        tuple(edges),
        *np.ascontiguousarray(met.T),
        *np.ascontiguousarray(_tallied(sold).T),
        *[int(day.min()) if len(day) else 0],
    )


def _met(columns: dict[str, Named], user: Ints, period: Ints, size: int, periods: int) -> tuple[tuple[str, ...], Ints]:
    """The tokens that are there, sorted, and rows of user, token, period and count, sorted by the first three."""
    there = {field: named.there for field, named in columns.items()}
    named_tokens = {
        field: [f"{field}={columns[field].names[code]}" for code in codes] for field, codes in there.items()
    }
    tokens = tuple(sorted(token for some in named_tokens.values() for token in some))
    place = {token: number for number, token in enumerate(tokens)}
    codes, counts = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for field, named in columns.items():
        cells = len(there[field]) * periods  # of a user, by the field's own tokens: of all fields' a gigabyte of zeros
        number = np.zeros(len(named.names) + 1, dtype=np.int64)
        number[there[field]] = np.arange(len(there[field])) * periods
        is_told = named.code >= 0
        found, count = _counted(user[is_told] * cells + number[named.code[is_told]] + period[is_told], size * cells)
        whose, what = np.divmod(found, max(1, cells))
        met = np.array([place[token] for token in named_tokens[field]], dtype=np.int64)[what // periods]
        codes = [*codes, (whose * len(tokens) + met) * periods + what % periods]
        counts = [*counts, count]
    code, count = np.concatenate(codes), np.concatenate(counts)
    order = np.argsort(code, kind="stable")
    code, count = code[order], count[order]
    pair, when = np.divmod(code, periods)
    whose, what = np.divmod(pair, max(1, len(tokens)))
    return tokens, np.column_stack([whose, what, when, count])


def _counted(code: Ints, cells: int) -> tuple[Ints, Ints]:
    """The different codes, sorted, and how often each is there; all are below `cells`."""
    if cells > MOST_CELLS:
        found, count = np.unique(code, return_counts=True)
        return found, count
    counted = np.bincount(code, minlength=1)
    found = np.flatnonzero(counted)
    return found, counted[found]


def _day_parts(told: Happenings, rows: Flags) -> Named:
    """The part of the day of each of these rows."""
    hour = told.integers("local_hour", rows, -1)
    return Named(DAY_PARTS, np.where(hour < 0, -1, hour // HOURS_OF_A_PART).astype(np.int32))


def _tallied(rows: Ints) -> Ints:
    """One row per different pair of the first two columns, sorted, the other columns added up."""
    if not len(rows):
        return rows
    code = rows[:, 0] * (rows[:, 1].max() + 1) + rows[:, 1]
    order = np.argsort(code, kind="stable")
    rows, code = rows[order], code[order]
    starts = np.flatnonzero(np.r_[True, code[1:] != code[:-1]])
    return np.column_stack([rows[starts, :2], np.add.reduceat(rows[:, 2:], starts, axis=0)])
