"""How good survival curves are on later days: who goes first, how far off the curves are, and whether they mean it."""

from __future__ import annotations

import numpy as np

from ml.churn.activity import Floats
from ml.registry import Metric

BINS = 5


def kaplan_meier(duration: Floats, event_observed: Floats, days: Floats) -> Floats:
    """Survival without covariates on each of these days (Kaplan and Meier, JASA 53, 1958); 1 without rows."""
    times, place = np.unique(duration, return_inverse=True)
    events = np.bincount(place, event_observed, minlength=len(times))
    leaving = np.bincount(place, minlength=len(times)).astype(np.float64)
    at_risk = leaving[::-1].cumsum()[::-1]
    survival = np.concatenate([[1.0], np.cumprod(1.0 - events / np.maximum(at_risk, 1.0))])
    return np.asarray(survival[np.searchsorted(times, days, side="right")])


def brier_scores(survival: Floats, duration: Floats, event_observed: Floats, days: Floats) -> Floats:
    """Mean over customers of `brier_errors` on each day."""
    return np.asarray(brier_errors(survival, duration, event_observed, days).mean(axis=0))


def brier_errors(survival: Floats, duration: Floats, event_observed: Floats, days: Floats) -> Floats:
    """Squared error of each customer's survival on each day, who is censored by then weighed in by others.

    Inverse probability of censoring weights (Graf, Schmoor, Sauerbrei, Schumacher, Statistics in Medicine 18, 1999):
    S(t)^2 / G(T-) for who had the event by t, (1 - S(t))^2 / G(t) for who is still there, 0 for who was censored
    before; G is the Kaplan-Meier curve of being censored.

    Args:
        survival: customers x days, predicted.
        days: rising; nobody's weight is infinite as long as somebody is still followed on the last one.
    """
    censored = 1.0 - event_observed
    before = np.maximum(kaplan_meier(duration, censored, np.nextafter(duration, 0.0)), 1e-12)
    then = np.maximum(kaplan_meier(duration, censored, days), 1e-12)
    is_gone = (duration[:, None] <= days) & (event_observed[:, None] > 0)
    is_there = duration[:, None] > days
    return np.asarray(survival**2 * is_gone / before[:, None] + (1.0 - survival) ** 2 * is_there / then)


def integrated_brier_score(survival: Floats, duration: Floats, event_observed: Floats, days: Floats) -> float:
    """`brier_scores` averaged over the time from the first to the last of the days (trapezoids); 0 is perfect."""
    return float(integrated(brier_scores(survival, duration, event_observed, days), days))


def integrated(scores: Floats, days: Floats) -> Floats:
    """The mean over the time from the first to the last of the days, along the last axis (trapezoids)."""
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


def calibration_error(survival: Floats, duration: Floats, event_observed: Floats, day: float) -> float:
    """Mean over customers of |predicted - observed survival on this day| in their fifth by prediction.

    Observed is the Kaplan-Meier estimate of the fifth, so who was censored counts for as long as they were seen.
    """
    order = np.argsort(survival, kind="stable")
    parts = [part for part in np.array_split(order, min(BINS, len(order))) if len(part)]
    gaps = [
        abs(
            float(survival[part].mean()) - float(kaplan_meier(duration[part], event_observed[part], np.array([day]))[0])
        )
        * len(part)
        for part in parts
    ]
    return sum(gaps) / max(1, len(order))


def measures(
    name: str, survival: Floats, flat: Floats, recency: Floats, outcome: tuple[Floats, Floats], days: Floats
) -> list[Metric]:
    """Concordance beside that of recency; integrated Brier score and calibration beside those of one curve for all.

    Args:
        name: put before the metrics' names.
        survival: customers x days, predicted; `flat`: the baseline's curve, one value a day.
        recency: days since the last activity on the landmark.
        outcome: duration and event_observed.
    """
    same = np.broadcast_to(flat, survival.shape)
    score, error = integrated_brier_score, calibration_error
    return [
        Metric(
            f"{name}concordance_index",
            concordance(1.0 - survival[:, -1], *outcome),
            "recency",
            concordance(recency, *outcome),
        ),
        Metric(
            f"{name}integrated_brier_score",
            score(survival, *outcome, days),
            "kaplan_meier",
            score(same, *outcome, days),
        ),
        Metric(
            f"{name}calibration_error",
            error(survival[:, -1], *outcome, float(days[-1])),
            "kaplan_meier",
            error(same[:, -1], *outcome, float(days[-1])),
        ),
    ]
