"""How sure a survival model is: the covariance of its log cumulative hazard over customers who might have been others.

Lin and Wei, "The Robust Inference for the Cox Proportional Hazards Model", JASA 84 (1989), with the rows of a customer
taken together (a customer is on several landmarks, and with both ends on each) and carried on to the baseline hazard:
the influence that each customer has on the coefficients and on log H0 of a day, squared and summed. Nothing is said of
a wrong model, nor of how sure the chances of having left are that the rows are weighed by.
"""

from __future__ import annotations

import numpy as np

from ml.arrays import Floats, Ints

Z = 1.959963984540054
"""Of a 95 % interval."""


def covariance(
    covariates: Floats,
    coefficients: Floats,
    outcome: tuple[Floats, Floats, Floats],
    customer: Ints,
    day: float,
    penalty: float,
) -> Floats:
    """Of the coefficients and, last, of log H0(`day`): a matrix of one row more than there are coefficients.

    Ties as Breslow has them. All 0 where nobody leaves by that day.

    Args:
        covariates: rows x coefficients; none of either for a curve that is the same for all.
        outcome: duration, event_observed and weight of each row.
        customer: whose row it is.
        penalty: as of `fits.fit_cox`.
    """
    duration, event, weight = outcome
    count = covariates.shape[1]
    times, place = np.unique(duration, return_inverse=True)
    ratio = np.exp(np.clip(covariates @ coefficients, -30.0, 30.0))
    products = covariates[:, :, None] * covariates[:, None, :]

    def at_risk(values: Floats) -> Floats:
        """Sums over who is still followed on each of the times."""
        summed = np.zeros((len(times), *values.shape[1:]))
        np.add.at(summed, place, values)
        return np.asarray(summed[::-1].cumsum(axis=0)[::-1])

    each = weight * ratio
    total = at_risk(each)
    mean = at_risk(each[:, None] * covariates) / total[:, None]
    spread = at_risk(each[:, None, None] * products) / total[:, None, None] - mean[:, :, None] * mean[:, None, :]
    events = np.bincount(place, weight * event, minlength=len(times))
    hazard = events / total
    is_by_then = times <= day
    baseline = float(hazard[is_by_then].sum())
    if baseline <= 0.0:
        return np.zeros((count + 1, count + 1))

    so_far, tilted = hazard.cumsum(), (hazard[:, None] * mean).cumsum(axis=0)
    scores = event[:, None] * (covariates - mean[place])
    scores -= ratio[:, None] * (covariates * so_far[place][:, None] - tilted[place])
    level = event * (duration <= day) / total[place] - ratio * (hazard / total * is_by_then).cumsum()[place]
    information = (events[:, None, None] * spread).sum(axis=0) + penalty * weight.sum() * np.eye(count)
    _, whose = np.unique(customer, return_inverse=True)

    def of_customers(values: Floats) -> Floats:
        summed = np.zeros((int(whose.max()) + 1, *values.shape[1:]))
        np.add.at(summed, whose, values)
        return summed

    moved = of_customers(weight[:, None] * scores) @ np.linalg.inv(information)
    lifted = (of_customers(weight * level) - moved @ tilted[is_by_then][-1]) / baseline
    influence = np.column_stack([moved, lifted])
    return np.asarray(influence.T @ influence)


def interval(log_hazard: Floats, gradient: Floats, of: Floats) -> tuple[Floats, Floats]:
    """95 % intervals of 1 - exp(-exp(log_hazard)): symmetric in the log hazard, so within 0 and 1.

    Args:
        gradient: customers x rows of the covariance matrix `of`.
    """
    error = np.sqrt(np.maximum(((gradient @ of) * gradient).sum(axis=1), 0.0))
    low, high = (-np.expm1(-np.exp(log_hazard + sign * Z * error)) for sign in (-1.0, 1.0))
    return np.asarray(low), np.asarray(high)
