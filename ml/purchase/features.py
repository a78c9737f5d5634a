"""What is known of each customer on a day, from gold.feat_activity up to that day and nothing after it.

One function serves the day that is learnt from, the later day that judges, and the day that is scored. All three look
back equally far, so a count means the same on each: the first days of a history would else know less than its last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from ml.arrays import Flags, Floats, Ints, Texts
from ml.coded import NO_DAY
from ml.happenings import Happenings

READS = ("feat_activity",)
HORIZON_DAYS = 30
MOST_LOOKBACK_DAYS, LEAST_LOOKBACK_DAYS = 365, 30
LEAST_BUYERS = 50
"""After the day that is learnt from and after the one that judges, and as many who did not."""
WINDOWS = (7, 30, 90)
COUNTED = (("view", "view"), ("search", "search"), ("cart", "add_to_cart"))
"""By what a count is called, the kind of row that it counts."""
EVENTS = ("view", "search", "add_to_cart", "remove_from_cart", "checkout", "purchase")

SPANS = ("days_since_last_order", "days_since_last_cart", "days_since_last_activity", "average_gap_days")
"""In days; none where it never happened in the time looked back on, or, for a gap, happened once."""
COUNTS = tuple(f"{what}_count_{days}d" for what in ("view", "search", "cart", "session", "order") for days in WINDOWS)
PLAIN = (
    *COUNTS,
    "active_day_count_30d",
    "send_count_30d",
    "impression_count_30d",
    "ticket_count_90d",
    "order_count",
    "return_count",
    "spend_30d_amount",
    "spend_90d_amount",
    "spend_amount",
    "average_order_amount",
    "discount_rate",
    "tenure_days",
    *SPANS,
)
"""The numbers of a customer, in the order of the model's columns; without a window of the time looked back on."""
CHANNEL = "preferred_channel"
LEAST_CHANNEL_SHARE, MOST_CHANNELS = 0.01, 8

DAY_BITS, CODE_BITS = 22, 32
"""Low bits of a number that is of a customer and a day, or a customer and a visit."""


class Cuts(NamedTuple):
    """The days whose evening the features are of, and how many days each looks back on."""

    learn: date
    judge: date
    score: date
    lookback: int


@dataclass(frozen=True)
class Customers:
    """Everybody known on a day, sorted by id.

    Args:
        ids: one per customer.
        plain: customers x `PLAIN`; NaN for a span that there is none of. Every value is one of 32 bits, as
            trees compare.
        channel: where most happened, None where nothing did.
    """

    ids: Texts
    plain: Floats
    channel: Texts

    def matrix(self, channels: Sequence[str], lookback: int) -> Floats:
        """Customers x `names_of`; a column of 0 and 1 per channel; a span that there is none of is past all others."""
        kept = np.array([name in names_of((), lookback) for name in PLAIN])
        told = np.where(np.isnan(self.plain), np.float64(lookback + 1), self.plain)[:, kept]
        flags = [(self.channel == channel).astype(np.float64) for channel in channels]
        return np.column_stack([told, *flags])


def cuts(activity: Happenings, as_of: date) -> Cuts | None:
    """The three days, 30 apart; None where the history is too short to look back on from the first of them."""
    days = activity.day[_is_deed(activity) & (activity.day != NO_DAY)]
    first = int(days.min(initial=as_of.toordinal() + 1))
    learn, judge = (as_of - timedelta(days=count * HORIZON_DAYS) for count in (2, 1))
    known_days = learn.toordinal() - first + 1
    if known_days < LEAST_LOOKBACK_DAYS:
        return None
    return Cuts(learn, judge, as_of, min(MOST_LOOKBACK_DAYS, known_days))


def outcomes(activity: Happenings, as_of: date, *days: date) -> list[Flags]:
    """For each day, of everybody known by its evening in the order of their ids, who bought within the 30 days after.

    Args:
        as_of: nothing later is looked at.
    """
    is_sale = activity.flags("is_purchase")
    told = []
    for day in days:
        end = min(day + timedelta(days=HORIZON_DAYS), as_of)
        is_buyer = np.zeros(len(activity.customers), dtype=np.bool_)
        is_buyer[activity.customer[is_sale & _is_after(activity.day, day.toordinal(), end.toordinal())]] = True
        told.append(is_buyer[_is_known(activity, day)])
    return told


def is_enough(bought: Flags) -> bool:
    """Whether a forest can learn from these customers."""
    buyers = int(bought.sum())
    return min(buyers, len(bought) - buyers) >= LEAST_BUYERS


def customers_at(activity: Happenings, cut: date, lookback: int) -> Customers:
    """Everybody known by the evening of `cut`, by what happened in the `lookback` days that end with it."""
    known = _is_known(activity, cut)
    told = summaries(activity, cut.toordinal(), lookback)
    plain = np.column_stack([told[name] for name in PLAIN])[known]
    channel = preferred_channels(activity, cut.toordinal(), lookback)[known]
    return Customers(activity.customers[known], plain.astype(np.float32).astype(np.float64), channel)


def summaries(activity: Happenings, cut: int, lookback: int) -> dict[str, Floats]:
    """`PLAIN` of each of `activity.customers`, NaN for a span that there is none of; of the unknown ones nothing holds.

    A visit is on the last day of what was done in it, an order on that of its lines; both are told by their ids.
    """
    size = len(activity.customers)
    is_recent = _is_after(activity.day, cut - min(max(WINDOWS), lookback), cut)
    is_sale = activity.flags("is_purchase") & _is_after(activity.day, cut - lookback, cut)
    visits, orders = _grouped(activity, activity.named("kind").is_in(*EVENTS) & is_recent, is_sale)
    told = {**_counts(activity, cut, lookback), **_sums(activity, is_sale, cut)}
    for name, found in (("session", visits), ("order", orders)):
        for days in WINDOWS:
            told[f"{name}_count_{days}d"] = found.by_customer(cut - min(days, lookback), size)
    told["active_day_count_30d"] = visits.days_by_customer(cut - 30, size)
    told["order_count"] = orders.by_customer(NO_DAY, size)
    gross, discount = told.pop("gross_amount"), told.pop("discount_amount")
    count, order_days = told["order_count"], orders.days_by_customer(NO_DAY, size)
    first_order, last_order = orders.first_and_last(size)
    is_rated, has_gap = gross > 0, order_days > 1
    told["average_order_amount"] = np.where(count > 0, told["spend_amount"] / np.maximum(count, 1.0), 0.0)
    told["discount_rate"] = np.where(is_rated, discount / np.where(is_rated, gross, 1.0), 0.0)
    told["tenure_days"] = np.minimum(cut - activity.first_day.astype(np.float64), lookback)
    told["days_since_last_order"] = np.where(count > 0, cut - last_order, np.nan)
    told["average_gap_days"] = np.where(
        has_gap, (last_order - first_order) / np.where(has_gap, order_days - 1, 1), np.nan
    )
    return told


def preferred_channels(activity: Happenings, cut: int, lookback: int) -> Texts:
    """Of each of `activity.customers`, the channel of most events and sales, None for none; of equals the first."""
    channel = activity.named("channel")
    seen = _is_deed(activity) & (channel.code >= 0) & _is_after(activity.day, cut - lookback, cut)
    rows = pa.table({"customer": activity.customer[seen], "channel": channel.code[seen]})
    counted = rows.group_by(["customer", "channel"]).aggregate([([], "count_all")])
    customer, code, count = (counted[name].to_numpy() for name in ("customer", "channel", "count_all"))
    order = np.lexsort((-code, count, customer))  # the last of each customer stays
    told = np.full(len(activity.customers), -1)
    told[customer[order]] = code[order]
    return np.array([*channel.names, None], dtype=object)[told]


class _Groups(NamedTuple):
    """Visits or orders.

    Args:
        customer: whose it is.
        day: the last on which anything in it happened.
    """

    customer: Ints
    day: Ints

    def by_customer(self, after: int, size: int) -> Floats:
        """How many each has after that day."""
        return np.bincount(self.customer[self.day > after], minlength=size).astype(np.float64)

    def days_by_customer(self, after: int, size: int) -> Floats:
        """On how many different days."""
        kept = self.day > after
        days = np.unique((self.customer[kept] << DAY_BITS) + self.day[kept])
        return np.bincount(days >> DAY_BITS, minlength=size).astype(np.float64)

    def first_and_last(self, size: int) -> tuple[Floats, Floats]:
        """The first and the last day of each; anything for who has none."""
        first, last = np.full(size, np.iinfo(np.int64).max), np.zeros(size, dtype=np.int64)
        np.minimum.at(first, self.customer, self.day)
        np.maximum.at(last, self.customer, self.day)
        return first.astype(np.float64), last.astype(np.float64)


def _grouped(activity: Happenings, *parts: Flags) -> list[_Groups]:
    """Of each of these parts of the rows, the visits or orders that its rows are of."""
    either = np.logical_or.reduce(parts)
    number = activity.different("happening_id", either)
    customer, day = activity.customer[either].astype(np.int64), activity.day[either].astype(np.int64)
    return [
        _last_days((customer[own] << CODE_BITS) + number[own], day[own]) for own in (part[either] for part in parts)
    ]


def _last_days(code: Ints, day: Ints) -> _Groups:
    """One entry per different code, whose high bits are a customer, with its last day."""
    order = np.argsort(code, kind="stable")
    ordered = code[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    return _Groups(ordered[starts] >> CODE_BITS, np.maximum.reduceat(day[order], starts) if len(starts) else day)


def _sums(activity: Happenings, is_sale: Flags, cut: int) -> dict[str, Floats]:
    """What was paid in all of these rows, and in those of late, by customer."""
    who, day, size = activity.customer[is_sale], activity.day[is_sale], len(activity.customers)
    net, gross, discount = (activity.cents(f"{name}_amount", is_sale) for name in ("net", "gross", "discount"))
    sums = {
        **{f"spend_{days}d_amount": np.bincount(who, np.where(day > cut - days, net, 0), size) for days in (30, 90)},
        "spend_amount": np.bincount(who, net, size),
        "gross_amount": np.bincount(who, gross, size),
        "discount_amount": np.bincount(who, discount, size),
    }
    return {name: cents / 100.0 for name, cents in sums.items()}


def _counts(activity: Happenings, cut: int, lookback: int) -> dict[str, Floats]:
    """What is counted row by row, and how long ago the last of some was."""
    kind, size = activity.named("kind"), len(activity.customers)
    rows = np.flatnonzero(_is_after(activity.day, cut - lookback, cut))
    who, day, code = activity.customer[rows], activity.day[rows], kind.code[rows]
    code_of = {name: place for place, name in enumerate(kind.names)}
    told = {}
    wanted = [(what, of, days) for what, of in COUNTED for days in WINDOWS]
    for what, of, days in (
        *wanted,
        *(("send", "send", 30), ("impression", "impression", 30), ("ticket", "ticket", 90)),
    ):
        kept = (code == code_of.get(of, -2)) & (day > cut - days)
        told[f"{what}_count_{days}d"] = np.bincount(who[kept], minlength=size).astype(np.float64)
    told["return_count"] = np.bincount(who[activity.flags("is_return")[rows]], minlength=size).astype(np.float64)
    is_active = kind.is_in(*EVENTS)[rows] | activity.flags("is_purchase")[rows]
    for name, kept in (("cart", code == code_of.get("add_to_cart", -2)), ("activity", is_active)):
        last = np.zeros(size, dtype=np.int64)
        np.maximum.at(last, who[kept], day[kept])
        told[f"days_since_last_{name}"] = np.where(last > 0, cut - last.astype(np.float64), np.nan)
    return told


def common_channels(customers: Customers) -> list[str]:
    """The channels that get a column, sorted: the most preferred ones, each by a hundredth of the customers."""
    told = pd.Series(customers.channel, dtype=object).dropna().value_counts()
    common = told[told >= LEAST_CHANNEL_SHARE * len(customers.ids)]
    return sorted(sorted(common.index, key=lambda name: (-common[name], name))[:MOST_CHANNELS])


def names_of(channels: Sequence[str], lookback: int) -> list[str]:
    """The names of the columns of `Customers.matrix`: those of `PLAIN` that look back no farther, and the channels."""
    too_far = tuple(f"_{days}d" for days in WINDOWS if days > lookback)
    plain = [name for name in PLAIN if not name.removesuffix("_amount").endswith(too_far)]
    return [*plain, *[f"{CHANNEL}={channel}" for channel in channels]]


def _is_deed(activity: Happenings) -> Flags:
    return activity.named("kind").is_in(*EVENTS) | activity.flags("is_purchase")


def _is_known(activity: Happenings, day: date) -> Flags:
    """Which of `activity.customers` were there by its evening."""
    return np.asarray(activity.first_day <= day.toordinal())


def _is_after(days: npt.NDArray[np.int32], start: int, end: int) -> Flags:
    """Whether a day is one of those after `start`, up to `end`."""
    return np.asarray((days > start) & (days <= end))
