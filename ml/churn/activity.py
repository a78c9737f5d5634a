"""The days on which buyers were active, as dense arrays: what the covariates and outcomes of churn are made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.settings import Settings
from ml import tables
from ml.arrays import Ints, Texts
from ml.coded import EPOCH, NO_DAY, numbered
from ml.happenings import read_happenings

READS = ("feat_activity", "feat_memberships")
MEMBERSHIP = {"customer_id": pa.string(), "started_on": pa.date32(), "expires_on": pa.date32()}
DEEDS = ("view", "search", "add_to_cart", "remove_from_cart", "checkout", "purchase", "rating", "ticket")
"""Kinds that are activity by themselves, as the macro `is_active` of dbt_project/macros/occurrences.sql has them."""
FOREVER = date.max.toordinal()


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
    told = read_happenings(settings)
    kind, is_sale = told.named("kind"), told.flags("is_purchase")
    is_active = kind.is_in(*DEEDS) | is_sale | (kind.is_in("impression") & told.flags("is_answered"))
    is_by_then = (told.day != NO_DAY) & (told.day <= as_of.toordinal())
    is_buyer = np.zeros(len(told.customers), dtype=np.bool_)
    is_buyer[told.customer[is_sale & is_by_then]] = True
    kept = is_active & is_by_then & is_buyer[told.customer]
    user, bought = (np.cumsum(is_buyer) - 1)[told.customer[kept]], is_sale[kept]
    rows = np.zeros((len(user), 6), dtype=np.int64, order="F")
    rows[:, 0], rows[:, 1], rows[:, 2] = user, told.day[kept], bought
    for column, name in ((3, "gross_amount"), (4, "discount_amount")):
        rows[bought, column] = told.cents(name, kept & is_sale)
    rows[:, 5] = kind.is_in("ticket")[kept]
    customers = told.customers[is_buyer]
    return activity(customers, rows, _memberships(settings, as_of, pa.array(customers, pa.string())))


def activity(customers: Texts, rows: Ints, periods: Ints) -> Activity:
    """Rows of (user, day, is_bought, gross_cents, discount_cents, is_ticket), in any order, by customer and day.

    Args:
        periods: rows of (user, first day, last day).
    """
    first = rows[:, 1].min(initial=FOREVER)
    span = int(rows[:, 1].max(initial=first)) - first + 1
    days, place = numbered(rows[:, 0] * span + rows[:, 1] - first, len(customers) * span)
    bought, gross, discount, tickets = (
        np.bincount(place, column, minlength=len(days)).astype(np.int64) for column in rows[:, 2:].T
    )
    user, day = days // span, days % span + first
    member, started, expires = np.ascontiguousarray(periods[np.lexsort(periods.T[::-1])].T)
    return Activity(customers, user, day, bought > 0, gross, discount, tickets, member, started, expires)


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
