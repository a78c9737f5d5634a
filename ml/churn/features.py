"""Who is at risk on a day, what is known of them by then, and what became of them: landmarks of a survival model.

A landmark is a day on which every buyer who is not lost yet is looked at: covariates from what was known by that day,
the outcome from what came after it (van Houwelingen, Scand. J. Statistics 34, 2007). Several landmarks are stacked,
a row per customer and landmark (van Houwelingen and Putter, "Dynamic Prediction in Clinical Survival Analysis", 2012).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.churn.activity import READS as READS
from ml.churn.activity import Activity, Floats, Ints

HORIZON = 90
"""Days ahead for which a probability is given."""
MOST_SILENCE, LEAST_SILENCE = 90, 14
USUAL_SHARE = 0.99
"""A silence counts as churn when it is longer than this share of the gaps that buyers came back from."""
COVARIATES = (
    "recency_days",
    "missed_active_days",
    "active_days_per_month",
    "tenure_days",
    "order_day_count",
    "average_order_amount",
    "discount_rate",
    "ticket_count_90d",
    "is_member",
)
LOGGED = COVARIATES[1:6]
"""Days, counts and amounts differ by factors: log1p of them is taken. Not of recency, whose late days tell most."""
MOST_ROWS = 20_000
"""A fit takes at most so many rows, evenly spaced in the order of customers and landmarks."""


@dataclass(frozen=True)
class Landmark:
    """Everybody at risk on a day, in the order of their ids.

    Args:
        user: positions in `Activity.customers`.
        covariates: one row per customer, `COVARIATES` in their natural units.
        duration: whole days from the landmark to churn, or to the last day of which it is known, at least 1.
        event_observed: whether it was churn; else right-censored.
    """

    user: Ints
    covariates: pd.DataFrame
    duration: Floats
    event_observed: Floats


def silence_days(seen: Activity) -> int:
    """The silence, in whole days, that counts as churn for this population.

    The 99th percentile of the gaps between a buyer's active days, within 14 and 90 days and never more than a quarter
    of the days that are known: of a longer one no outcome could be seen.
    """
    if len(seen.day) == 0:
        return MOST_SILENCE
    is_gap = np.diff(seen.user) == 0
    gaps = np.diff(seen.day)[is_gap]
    usual = float(np.quantile(gaps, USUAL_SHARE)) if len(gaps) else MOST_SILENCE
    span = int(seen.day.max() - seen.day.min()) + 1
    return int(max(LEAST_SILENCE, min(MOST_SILENCE, round(usual), span // 4)))


def landmark_days(seen: Activity, until: int, silence: int) -> list[int]:
    """The days to learn from, known by `until`: a third of a silence apart, back from the last that has an outcome.

    A silence that began less than `silence` days ago may still end, so outcomes are known up to `until - silence`.
    """
    step = max(7, silence // 3)
    first = int(seen.day.min()) if len(seen.day) else until
    return list(range(until - silence - step, first + step - 1, -step))[::-1]


def at_risk(seen: Activity, on: int, silence: int) -> tuple[Ints, pd.DataFrame]:
    """Buyers who on day `on` are silent for less than `silence` days, and their covariates by then.

    Nothing after `on` is looked at.
    """
    user, told = covariates(seen, on)
    is_in = told["recency_days"].to_numpy() < silence
    return user[is_in], told[is_in].reset_index(drop=True)


def covariates(seen: Activity, on: int) -> tuple[Ints, pd.DataFrame]:
    """Everybody who has bought by day `on`, with `COVARIATES` as of its end, in natural units.

    Active days per month: those of the last 90 days (or since the first, at least 30) times 30 over that many days.
    Missed active days: how many there would have been at that pace since the last one; three weeks without somebody
    who comes every week say more than three weeks without somebody who comes twice a year.
    """
    known = seen.by(on)
    count = len(seen.customers)

    def total(values: Floats | Ints) -> Floats:
        return np.bincount(known.user, values, minlength=count).astype(np.float64)

    first, last = np.full(count, on, dtype=np.int64), np.zeros(count, dtype=np.int64)
    np.minimum.at(first, known.user, known.day)
    np.maximum.at(last, known.user, known.day)
    is_recent = known.day > on - 90
    gross = total(known.gross_cents / 100.0)
    bought_days = total(known.is_bought.astype(np.int64))
    per_day = total(is_recent.astype(np.int64)) / np.clip(on - first + 1, 30, 90)
    is_member = np.zeros(count)
    is_member[known.member[known.expires >= on]] = 1.0
    told = pd.DataFrame(
        {
            "recency_days": on - last.astype(np.float64),
            "missed_active_days": per_day * (on - last),
            "active_days_per_month": 30.0 * per_day,
            "tenure_days": (on - first).astype(np.float64),
            "order_day_count": bought_days,
            "average_order_amount": gross / np.maximum(bought_days, 1.0),
            "discount_rate": total(known.discount_cents / 100.0) / np.where(gross > 0, gross, 1.0),
            "ticket_count_90d": total(known.ticket_count * is_recent),
            "is_member": is_member,
        }
    )
    user = np.flatnonzero(bought_days > 0)
    return user, told.iloc[user].reset_index(drop=True)


def landmark(seen: Activity, on: int, until: int, silence: int) -> Landmark:
    """Everybody at risk on day `on`, followed with what is known by day `until`.

    Churn is the day after the last active day, when at least `silence` days have gone by since: whoever came back,
    however late, was not lost. Whoever fell silent before the landmark already churns at 1 day. A last active day
    after `until - silence` tells nothing yet, so everybody is followed up to that day and censored there; as it is
    the same day for all, being censored tells nothing of the customer.
    """
    user, told = at_risk(seen, on, silence)
    last = np.zeros(len(seen.customers), dtype=np.int64)
    later = seen.by(until)
    np.maximum.at(last, later.user, later.day)
    fell_silent = last[user]
    duration = np.maximum(fell_silent - on, 0) + 1
    followed = until - silence - on + 1
    return Landmark(
        user,
        told,
        np.minimum(duration, followed).astype(np.float64),
        (duration <= followed).astype(np.float64),
    )


def training_rows(seen: Activity, until: int, silence: int) -> Landmark:
    """The landmarks before `until` one below the other, sorted by customer and day, at most `MOST_ROWS` of them."""
    parts = [landmark(seen, on, until, silence) for on in landmark_days(seen, until, silence)]
    if not parts:
        none = np.zeros(0)
        return Landmark(np.zeros(0, dtype=np.int64), pd.DataFrame(columns=list(COVARIATES), dtype=float), none, none)
    user = np.concatenate([part.user for part in parts])
    order = np.argsort(user, kind="stable")
    order = order[:: max(1, -(-len(order) // MOST_ROWS))]
    return Landmark(
        user[order],
        pd.concat([part.covariates for part in parts], ignore_index=True).iloc[order].reset_index(drop=True),
        np.concatenate([part.duration for part in parts])[order],
        np.concatenate([part.event_observed for part in parts])[order],
    )
