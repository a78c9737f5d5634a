"""What customers look at and buy, and when they paid what: counts and sums of gold.feat_activity, by period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.settings import Settings
from ml import tables

COLUMNS = {
    "customer_id": pa.string(),
    "kind": pa.string(),
    "is_purchase": pa.bool_(),
    "category_level_1": pa.string(),
    "category": pa.string(),
    "brand": pa.string(),
    "device_type": pa.string(),
    "local_hour": pa.int32(),
    "quantity": pa.int64(),
    "net_amount": pa.float64(),
    "discount_amount": pa.float64(),
    "occurred_on": pa.date32(),
}
INTERESTS = ("category_level_1", "category", "brand")
FIELDS = (*INTERESTS, "device_type", "day_part")
"""Of a habit: what kind of thing a share is of."""
LOOKS = ("view", "add_to_cart")
DAY_PARTS = ("night", "morning", "afternoon", "evening")
"""Six hours each, from midnight on."""
EPOCH = date(1970, 1, 1).toordinal()
PERIOD, TOKEN_AND_PERIOD = 6, 32
"""Low bits of a code, of which a customer's number has the others."""
CODES_AT_ONCE = 8_000_000
"""Held before they are counted: 64 MB."""

Texts = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


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
        is_of_field = np.array([token.startswith(f"{field}=") for token in self.tokens], dtype=np.bool_)
        kept = (self.period <= self.edges.index(edge)) & is_of_field[self.token]
        return np.bincount(self.user[kept], self.count[kept], minlength=len(self.customers)).astype(np.float64)

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
    users: dict[str, int] = {}
    tokens: dict[str, int] = {}
    met, waiting = [np.zeros((0, 4), dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    sold = [np.zeros((0, 6), dtype=np.int64)]
    first_day = 0
    for batch in _rows(settings, edges[-1]):
        who = _numbered(batch["customer_id"], users)
        day = batch["occurred_on"].cast(pa.int32()).to_numpy().astype(np.int64) + EPOCH
        if len(day):
            first_day = min(first_day or int(day.min()), int(day.min()))
        period = np.searchsorted(np.asarray(edges), day, side="left")
        for field in FIELDS:
            told = batch[field]
            is_told = told.is_valid().to_numpy(zero_copy_only=False)
            token = _numbered(told.drop_null(), tokens, f"{field}=")
            waiting.append((who[is_told] << TOKEN_AND_PERIOD) + (token << PERIOD) + period[is_told])
        if sum(map(len, waiting)) > CODES_AT_ONCE:
            met, waiting = [*met, _counted(waiting)], []
        bought = batch["is_purchase"].to_numpy(zero_copy_only=False).astype(np.bool_)
        amounts = [_cents(batch[name]) for name in ("net_amount", "discount_amount")]
        units = batch["quantity"].fill_null(1).to_numpy().astype(np.int64)
        sold.append(_tallied(np.column_stack([who, day, *amounts, units, np.ones(len(who), np.int64)])[bought], keys=2))
    met = [*met, _counted(waiting)]
    return _sorted(users, tokens, tuple(edges), np.concatenate(met), np.concatenate(sold), first_day)


def _counted(codes: list[Ints]) -> Ints:
    """User, token and period of each different code, and how often it is there."""
    code, count = np.unique(np.concatenate(codes), return_counts=True)
    token = (code >> PERIOD) & ((1 << (TOKEN_AND_PERIOD - PERIOD)) - 1)
    return np.column_stack([code >> TOKEN_AND_PERIOD, token, code & ((1 << PERIOD) - 1), count])


def _rows(settings: Settings, until: int) -> Iterator[pa.Table]:
    """Looks and sales of known customers up to the day, with `day_part`."""
    last = pa.scalar(date.fromordinal(until))
    for batch in tables.gold_rows(settings, "feat_activity", COLUMNS):
        table = pa.Table.from_batches([batch])
        is_bought = table["is_purchase"].fill_null(False)
        is_deed = pc.or_(is_bought, pc.is_in(table["kind"], pa.array(LOOKS)).fill_null(False))
        is_by_then = pc.less_equal(table["occurred_on"], last).fill_null(False)
        kept = pc.and_(pc.and_(is_deed, is_by_then), table["customer_id"].is_valid())
        table = table.set_column(2, "is_purchase", is_bought).filter(kept)
        part = pc.divide(table["local_hour"], 6)
        yield table.append_column("day_part", pa.array(DAY_PARTS).take(part.combine_chunks()))


def _numbered(values: pa.ChunkedArray, known: dict[str, int], prefix: str = "") -> Ints:
    """The number of each value, which `known` remembers with the prefix; new ones get the next."""
    encoded = values.combine_chunks().dictionary_encode()
    numbers = [known.setdefault(f"{prefix}{value}", len(known)) for value in encoded.dictionary.to_pylist()]
    return np.array(numbers, dtype=np.int64)[encoded.indices.to_numpy()] if numbers else np.zeros(0, dtype=np.int64)


def _tallied(rows: Ints, keys: int = 3) -> Ints:
    """One row per different `keys` first columns, sorted, the other columns added up."""
    if not len(rows):
        return rows
    widths = rows[:, :keys].max(axis=0) + 1
    code = np.ravel_multi_index(tuple(rows[:, :keys].T), tuple(widths))
    order = np.argsort(code, kind="stable")
    rows, code = rows[order], code[order]
    starts = np.flatnonzero(np.r_[True, code[1:] != code[:-1]])
    return np.column_stack([rows[starts, :keys], np.add.reduceat(rows[:, keys:], starts, axis=0)])


def _sorted(
    users: dict[str, int], tokens: dict[str, int], edges: tuple[int, ...], met: Ints, sold: Ints, first_day: int
) -> Activity:
    """Customers and tokens numbered in the order of their names, whatever the order of the rows."""
    customers, names = sorted(users), sorted(tokens)
    met[:, 0], sold[:, 0] = _places(users)[met[:, 0]], _places(users)[sold[:, 0]]
    met[:, 1] = _places(tokens)[met[:, 1]]
    met, sold = _tallied(met), _tallied(sold, keys=2)
    return Activity(
        np.array(customers, dtype=object),
        tuple(names),
        edges,
        met[:, 0],
        met[:, 1],
        met[:, 2],
        met[:, 3],
        sold[:, 0],
        sold[:, 1],
        sold[:, 2],
        sold[:, 3],
        sold[:, 4],
        sold[:, 5],
        first_day,
    )


def _places(known: dict[str, int]) -> Ints:
    """By number, the place of its name among the sorted ones."""
    places = np.zeros(len(known), dtype=np.int64)
    for place, name in enumerate(sorted(known)):
        places[known[name]] = place
    return places


def _cents(amounts: pa.ChunkedArray) -> Ints:
    """As whole numbers, so that a sum does not depend on the order of its rows."""
    return np.asarray(np.round(amounts.fill_null(0.0).to_numpy() * 100.0), dtype=np.int64)
