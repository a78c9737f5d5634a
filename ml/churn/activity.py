"""The days on which buyers were active, as dense arrays: what the covariates and outcomes of churn are made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.settings import Settings
from ml import tables

READS = ("feat_activity", "feat_memberships")
COLUMNS = {
    "customer_id": pa.string(),
    "kind": pa.string(),
    "is_purchase": pa.bool_(),
    "is_answered": pa.bool_(),
    "gross_amount": pa.float64(),
    "discount_amount": pa.float64(),
    "occurred_on": pa.date32(),
}
MEMBERSHIP = {"customer_id": pa.string(), "started_on": pa.date32(), "expires_on": pa.date32()}
DEEDS = ("view", "search", "add_to_cart", "remove_from_cart", "checkout", "purchase", "rating", "ticket")
"""Kinds that are activity by themselves, as the macro `is_active` of dbt_project/macros/occurrences.sql has them."""
SUMS = ("is_bought", "gross_cents", "discount_cents", "ticket_count")
"""Of a customer's day."""
FOREVER = date.max.toordinal()
EPOCH = date(1970, 1, 1).toordinal()

Texts = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Activity:
    """All that is known of buyers by a day; days are proleptic ordinals.

    Args:
        customers: sorted ids of everybody with a sale.
        user, day: one element per customer and day with activity, sorted by both.
        gross_cents, discount_cents: sales of that day; `is_bought`: whether there was one.
        ticket_count: service tickets opened on that day.
        member, started, expires: one element per membership period; `FOREVER` where it does not end.
    """

    customers: Texts
    user: Ints
    day: Ints
    is_bought: npt.NDArray[np.bool_]
    gross_cents: Ints
    discount_cents: Ints
    ticket_count: Ints
    member: Ints
    started: Ints
    expires: Ints

    def by(self, until: int) -> Activity:
        """The same as it was known at the end of day `until`."""
        return self._kept(self.day <= until, self.started <= until)

    def of(self, customers: npt.NDArray[np.bool_]) -> Activity:
        """The same of these customers only, one flag each; the others are there without a day."""
        return self._kept(customers[self.user], customers[self.member])

    def _kept(self, known: npt.NDArray[np.bool_], begun: npt.NDArray[np.bool_]) -> Activity:
        days = ("user", "day", "is_bought", "gross_cents", "discount_cents", "ticket_count")
        periods = ("member", "started", "expires")
        return Activity(
            self.customers,
            **{name: getattr(self, name)[known] for name in days},
            **{name: getattr(self, name)[begun] for name in periods},
        )


def read_activity(settings: Settings, as_of: date) -> Activity:
    """What gold.feat_activity and gold.feat_memberships tell of everybody with a sale by `as_of`."""
    days = _summed(pa.concat_tables([_summed(_counted(batch)) for batch in _by(settings, as_of)]))
    is_bought = pc.greater(days["is_bought"], 0)
    buyers = days["customer_id"].filter(is_bought).unique().drop_null()
    known = buyers.take(pc.sort_indices(buyers))
    days = days.append_column("user", pc.index_in(days["customer_id"], known))
    days = days.filter(days["user"].is_valid())
    customers = np.array(known.to_pylist(), dtype=object)
    rows = np.column_stack([days[name].to_numpy().astype(np.int64) for name in ("user", "day", *SUMS)])
    return activity(customers, rows, _memberships(settings, as_of, known))


def activity(customers: Texts, rows: Ints, periods: Ints) -> Activity:
    """Rows of (user, day, is_bought, gross_cents, discount_cents, is_ticket), in any order, by customer and day.

    Args:
        periods: rows of (user, first day, last day).
    """
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    starts = np.flatnonzero(np.diff(rows[:, :2], axis=0, prepend=-1).any(axis=1))
    sums = np.add.reduceat(rows[:, 2:], starts, axis=0) if len(rows) else rows[:, 2:]
    bought, gross, discount, tickets = np.ascontiguousarray(sums.T)
    user, day = np.ascontiguousarray(rows[starts, :2].T)
    member, started, expires = np.ascontiguousarray(periods[np.lexsort(periods.T[::-1])].T)
    return Activity(customers, user, day, bought > 0, gross, discount, tickets, member, started, expires)


def _counted(batch: pa.RecordBatch) -> pa.Table:
    """Customer, day and `SUMS` of each row."""
    bought = batch["is_purchase"].cast(pa.int64())
    columns = {
        "customer_id": batch["customer_id"],
        "day": pc.add(batch["occurred_on"].cast(pa.int32()).cast(pa.int64()), EPOCH),
        "is_bought": bought,
        "gross_cents": pc.multiply(_cents(batch["gross_amount"]), bought),
        "discount_cents": pc.multiply(_cents(batch["discount_amount"]), bought),
        "ticket_count": pc.equal(batch["kind"], "ticket").cast(pa.int64()),
    }
    return pa.table(columns)


def _summed(rows: pa.Table) -> pa.Table:
    """One row per customer and day."""
    found = rows.group_by(["customer_id", "day"]).aggregate([(name, "sum") for name in SUMS])
    return found.select(["customer_id", "day", *(f"{name}_sum" for name in SUMS)]).rename_columns(rows.column_names)


def _by(settings: Settings, as_of: date) -> Iterator[pa.RecordBatch]:
    """The rows that are activity, up to and including `as_of`."""
    for batch in tables.gold_rows(settings, "feat_activity", COLUMNS):
        is_bought = batch["is_purchase"].fill_null(False)
        is_clicked = pc.and_(pc.equal(batch["kind"], "impression"), batch["is_answered"]).fill_null(False)
        is_deed = pc.is_in(batch["kind"], pa.array(DEEDS))
        is_active = pc.or_(pc.or_(is_deed, is_bought), is_clicked)
        is_by_then = pc.less_equal(batch["occurred_on"], pa.scalar(as_of)).fill_null(False)
        yield batch.set_column(2, "is_purchase", is_bought).filter(pc.and_(is_active, is_by_then))


def _memberships(settings: Settings, as_of: date, known: pa.Array) -> Ints:
    parts = []
    for batch in tables.gold_rows(settings, "feat_memberships", MEMBERSHIP):
        user, started = pc.index_in(batch["customer_id"], known), batch["started_on"].cast(pa.int32())
        is_by_then = pc.less_equal(batch["started_on"], pa.scalar(as_of)).fill_null(False)
        kept = pc.and_(is_by_then, user.is_valid()).to_numpy(zero_copy_only=False)
        expires = batch["expires_on"].cast(pa.int32()).fill_null(FOREVER - EPOCH)
        columns = [user.fill_null(0), started.fill_null(0), expires]
        period = np.column_stack([column.to_numpy().astype(np.int64) for column in columns])
        parts.append((period + np.array([0, EPOCH, EPOCH]))[kept])
    return np.concatenate(parts)


def _cents(amounts: pa.Array) -> pa.Array:
    """As whole numbers, so that a sum does not depend on the order of its rows."""
    return pc.round(pc.multiply(amounts.fill_null(0.0), 100.0)).cast(pa.int64())
