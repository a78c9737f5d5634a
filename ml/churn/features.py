"""Who is at risk on a day, what is known of them by then, and what became of them: landmarks of a survival model.

A landmark is a day on which every buyer who is not lapsed yet is looked at: covariates from what was known by that day,
the outcome from what came after it (van Houwelingen, Scand. J. Statistics 34, 2007). Several landmarks are stacked,
a row per customer and landmark (van Houwelingen and Putter, "Dynamic Prediction in Clinical Survival Analysis", 2012).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.arrays import Floats, Ints
from ml.churn.activity import READS as READS
from ml.churn.activity import Activity
from ml.churn.leaving import Leaving

HORIZON = 90
"""Days ahead for which a probability is given."""
MOST_SILENCE, LEAST_SILENCE = 90, 14
USUAL_SHARE = 0.99
"""A silence is unusual when it is longer than this share of the gaps that buyers came back from."""
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
LEARNT_DAYS = 2 * HORIZON
"""How long ago the first landmark may be: early leavers tell of another shop. On seven generated shops (seeds 11 to 14)
90, 120, 180 and 240 days did alike, and all better than two years."""
MOST_ROWS = 20_000
"""A fit takes at most so many customers and landmarks, evenly spaced in their order."""
LEAST_WEIGHT = 1e-4
"""An outcome less likely than this is left out."""


@dataclass(frozen=True)
class Landmark:
    """Everybody at risk on a day, in the order of their ids, each with the ends that are possible.

    Args:
        user: positions in `Activity.customers`.
        covariates: one row per customer and possible end, `COVARIATES` in their natural units.
        duration: whole days from the landmark to the day of leaving, or to the last day that is known, at least 1.
        event_observed: whether it is of leaving; else right-censored.
        weight: the probability of this end.
    """

    user: Ints
    covariates: pd.DataFrame
    duration: Floats
    event_observed: Floats
    weight: Floats


def silence_days(seen: Activity) -> int:
    """The silence, in whole days, after which a buyer is lapsed: too unusual for this population to be rescued.

    The 99th percentile of the gaps between a buyer's active days, within 14 and 90 days and never more than a quarter
    of the days that are known.
    """
    if len(seen.day) == 0:
        return MOST_SILENCE
    is_gap = np.diff(seen.user) == 0
    gaps = np.diff(seen.day)[is_gap]
    usual = float(np.quantile(gaps, USUAL_SHARE)) if len(gaps) else MOST_SILENCE
    span = int(seen.day.max() - seen.day.min()) + 1
    return int(max(LEAST_SILENCE, min(MOST_SILENCE, round(usual), span // 4)))


def landmark_days(seen: Activity, until: int, silence: int) -> list[int]:
    """The days to learn from: a third of a silence apart, back from the last, for as long as `LEARNT_DAYS`."""
    step = max(7, silence // 3)
    first = int(seen.day.min()) if len(seen.day) else until
    return list(range(until - step, max(first + step, until - LEARNT_DAYS) - 1, -step))[::-1]


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


def outcomes(user: Ints, told: pd.DataFrame, on: Ints, until: int, left: Leaving) -> Landmark:
    """What became of customers by day `until`: of each a row of having left and one of being there still.

    Each weighs as much as it is probable. Who is likely to have left before the landmark already leaves on its first
    day. Everybody is followed up to `until` and censored there; as it is the same day for all, being censored tells
    nothing of the customer.

    Args:
        user, told, on: one entry per customer and landmark.
    """
    followed = (until - on).astype(np.float64)
    duration = np.maximum(left.day[user] - on, 1).astype(np.float64)
    gone = left.probability[user]
    rows = np.repeat(np.arange(len(user)), 2)
    is_left = np.tile([True, False], len(user))
    weight = np.where(is_left, gone[rows], 1.0 - gone[rows])
    ends = np.where(is_left, np.minimum(duration, followed)[rows], followed[rows])
    event = (is_left & (duration <= followed)[rows]).astype(np.float64)
    kept = weight > LEAST_WEIGHT
    rows = rows[kept]
    return Landmark(user[rows], told.iloc[rows].reset_index(drop=True), ends[kept], event[kept], weight[kept])


def landmark(seen: Activity, on: int, until: int, silence: int, left: Leaving) -> Landmark:
    """Everybody at risk on day `on`, followed with what is known by day `until`: `left` is of that day."""
    user, told = at_risk(seen, on, silence)
    return outcomes(user, told, np.full(len(user), on), until, left)


def training_rows(seen: Activity, until: int, silence: int, left: Leaving) -> Landmark:
    """The landmarks before `until` one below the other, sorted by customer and day, at most `MOST_ROWS` of them.

    Args:
        left: of the day `until`.
    """
    days = landmark_days(seen, until, silence)
    parts = [at_risk(seen, on, silence) for on in days]
    if not parts:
        none = np.zeros(0)
        told = pd.DataFrame(columns=list(COVARIATES), dtype=float)
        return Landmark(np.zeros(0, dtype=np.int64), told, none, none, none)
    user = np.concatenate([part for part, _ in parts])
    on = np.repeat(np.array(days), [len(part) for part, _ in parts])
    order = np.argsort(user, kind="stable")
    order = order[:: max(1, -(-len(order) // MOST_ROWS))]
    told = pd.concat([part for _, part in parts], ignore_index=True).iloc[order]
    return outcomes(user[order], told, on[order], until, left)


def can_be_learnt(seen: Activity, until: int, silence: int) -> bool:
    """Whether anybody is at risk on any landmark before `until`."""
    return any(len(at_risk(seen, on, silence)[0]) for on in landmark_days(seen, until, silence))
