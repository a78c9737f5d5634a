"""How good survival curves are on later days: who goes first, how far off the curves are, and whether they mean it."""

from __future__ import annotations

import numpy as np

from ml.arrays import Floats
from ml.churn.features import Landmark
from ml.registry import Metric

BINS = 5


def kaplan_meier(duration: Floats, event_observed: Floats, days: Floats, weight: Floats | None = None) -> Floats:
    """Survival without covariates on each of these days (Kaplan and Meier, JASA 53, 1958); 1 without rows.

    Args:
        weight: how many each row stands for; one without it.
    """
    each = np.ones(len(duration)) if weight is None else weight
    times, place = np.unique(duration, return_inverse=True)
    events = np.bincount(place, event_observed * each, minlength=len(times))
    leaving = np.bincount(place, each, minlength=len(times))
    at_risk = leaving[::-1].cumsum()[::-1]
    survival = np.concatenate([[1.0], np.cumprod(1.0 - events / np.maximum(at_risk, 1e-12))])
    return np.asarray(survival[np.searchsorted(times, days, side="right")])


def brier_errors(
    survival: Floats, duration: Floats, event_observed: Floats, days: Floats, weight: Floats | None = None
) -> Floats:
    """Squared error of survival, rows x days, those who are censored by then weighed in by others.

    Inverse probability of censoring weights (Graf, Schmoor, Sauerbrei, Schumacher, Statistics in Medicine 18, 1999):
    S(t)^2 / G(T-) for who had the event by t, (1 - S(t))^2 / G(t) for who is still there, 0 for who was censored
    before; G is the Kaplan-Meier curve of being censored.

    Args:
        survival: customers x days, predicted.
        days: rising; nobody's weight is infinite as long as somebody is still followed on the last one.
        weight: how many each row stands for; one without it.
    """
    censored = 1.0 - event_observed
    before = np.maximum(kaplan_meier(duration, censored, np.nextafter(duration, 0.0), weight), 1e-12)
    then = np.maximum(kaplan_meier(duration, censored, days, weight), 1e-12)
    is_gone = (duration[:, None] <= days) & (event_observed[:, None] > 0)
    is_there = duration[:, None] > days
    return np.asarray(survival**2 * is_gone / before[:, None] + (1.0 - survival) ** 2 * is_there / then)


def brier_scores(
    survival: Floats, duration: Floats, event_observed: Floats, days: Floats, weight: Floats | None = None
) -> Floats:
    """The mean of `brier_errors` on each day."""
    return np.average(brier_errors(survival, duration, event_observed, days, weight), axis=0, weights=weight)


def integrated_brier_score(
    survival: Floats, duration: Floats, event_observed: Floats, days: Floats, weight: Floats | None = None
) -> float:
    """`brier_scores` averaged over the time from the first to the last of the days (trapezoids); 0 is perfect."""
    return float(over_time(brier_scores(survival, duration, event_observed, days, weight), days))


def over_time(scores: Floats, days: Floats) -> Floats:
    """The average of each row of scores over the time from the first to the last of the days."""
    if len(days) == 1:
        return np.asarray(scores[..., 0])
    areas = (scores[..., 1:] + scores[..., :-1]) / 2.0 * np.diff(days)
    return np.asarray(areas.sum(axis=-1) / (days[-1] - days[0]))


def concordance(risk: Floats, duration: Floats, event_observed: Floats) -> float:
    """Of pairs of whom one is known to go first, the share in which it has the higher risk; ties count half (Harrell).

    0.5 where there is no such pair.
    """
    from lifelines.utils import concordance_index

    try:
        return float(concordance_index(duration, -risk, event_observed))
    except ZeroDivisionError:
        return 0.5


def calibration_error(
    survival: Floats, duration: Floats, event_observed: Floats, day: float, weight: Floats | None = None
) -> float:
    """Mean over customers of |predicted - observed survival on this day| in their fifth by prediction.

    Observed is the Kaplan-Meier estimate of the fifth, so who was censored counts for as long as they were seen.
    """
    each = np.ones(len(duration)) if weight is None else weight
    order = np.argsort(survival, kind="stable")
    before = np.cumsum(each[order]) - each[order] / 2.0
    fifth = np.minimum(before * BINS // max(1e-12, float(each.sum())), BINS - 1)
    total = 0.0
    for part in (order[fifth == number] for number in range(BINS)):
        if len(part):
            seen = kaplan_meier(duration[part], event_observed[part], np.array([day]), each[part])[0]
            total += abs(float(np.average(survival[part], weights=each[part]) - seen)) * float(each[part].sum())
    return total / max(1e-12, float(each.sum()))


def measures(name: str, survival: Floats, flat: Floats, later: Landmark, days: Floats) -> list[Metric]:
    """Concordance beside that of recency; integrated Brier score and calibration beside those of one curve for all.

    Every end weighs as much as it is probable; concordance takes the more probable one of each customer.

    Args:
        name: put before the metrics' names.
        survival: rows of `later` x days, predicted; `flat`: the baseline's curve, one value a day.
    """
    same = np.broadcast_to(flat, survival.shape)
    outcome, weight = (later.duration, later.event_observed), later.weight
    likely = weight > 0.5
    recency = later.covariates["recency_days"].to_numpy(dtype=np.float64)
    ranked = [
        concordance(risk[likely], later.duration[likely], later.event_observed[likely])
        for risk in (1.0 - survival[:, -1], recency)
    ]
    scores = [integrated_brier_score(told, *outcome, days, weight) for told in (survival, same)]
    errors = [calibration_error(told[:, -1], *outcome, float(days[-1]), weight) for told in (survival, same)]
    return [
        Metric(f"{name}concordance_index", ranked[0], "recency", ranked[1]),
        Metric(f"{name}integrated_brier_score", scores[0], "kaplan_meier", scores[1]),
        Metric(f"{name}calibration_error", errors[0], "kaplan_meier", errors[1]),
    ]
