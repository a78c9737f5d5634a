"""How sure the expectations of customers are: by the parameters' own uncertainty, and by chance.

Two intervals that are not to be mixed up. That of an *expectation* says where it might be had other customers taught
the parameters (delta method, on logarithms, by the inverse of the observed information); with thousands of customers it
is narrow. That of a *count* says between what the customer's own number of purchases will be: it is wide, for people
buy by chance, and it does not get narrower with more customers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaln

from ml.arrays import Floats
from ml.likelihood import Likelihood
from ml.value.bgnbd import BgNbd

Z = 1.959963984540054
TAIL = 0.025
"""Of either side of a 95 % interval."""
STEP = 1e-3
"""Of a logarithm, to either side, for derivatives."""
MOST_COUNT = 1_000


def covariance(likelihood: Likelihood, logs: Floats) -> Floats:
    """Of the logarithms of the parameters: the inverse of the observed information at their estimate.

    Directions in which the likelihood is flat or rises (a parameter at its bound, or two that only their ratio matters
    of) are left out: nothing is claimed of them, and expectations hardly depend on them.
    """
    steps = STEP * np.eye(len(logs))
    slopes = [(likelihood(logs + step)[1] - likelihood(logs - step)[1]) / (2.0 * STEP) for step in steps]
    information = -(np.array(slopes) + np.array(slopes).T) / 2.0
    values, vectors = np.linalg.eigh(information)
    kept = values > 1e-6 * max(1e-12, float(values.max()))
    return np.asarray((vectors[:, kept] / values[kept]) @ vectors[:, kept].T)


def log_error(told: Callable[[Floats], Floats], logs: Floats, of: Floats) -> Floats:
    """Standard error of the logarithm of what is `told` of each customer, a value above 0.

    Args:
        told: one value per customer, given the logarithms of the parameters.
        of: their covariance.
    """
    steps = STEP * np.eye(len(logs))
    slopes = [(np.log(told(logs + step)) - np.log(told(logs - step))) / (2.0 * STEP) for step in steps]
    gradient = np.column_stack(slopes)
    return np.sqrt(np.maximum(((gradient @ of) * gradient).sum(axis=1), 0.0))


def order_counts(
    orders: BgNbd, x: Floats, t_x: Floats, age: Floats, ahead: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The 2.5 % and the 97.5 % quantile of each customer's own number of purchases in the next `ahead`.

    P(N >= n) = P(alive) E[(1 - p)^(n - 1)] P(Poisson process >= n) for n above 0: who is alive makes the n-th purchase
    when they come so often at their rate and did not leave after one of the n - 1 before it. The first mean is
    B(a, b + x + n - 1) / B(a, b + x), the second I(ahead / (alpha + T + ahead); n, r + x).
    """
    alive = orders.alive_probability(x, t_x, age)
    share = ahead / (orders.alpha + age + ahead)
    low, high = np.zeros(len(x), dtype=np.int64), np.zeros(len(x), dtype=np.int64)
    might = np.arange(len(x))  # who makes so many with more than the tail's probability; nobody comes back among them
    for n in range(1, MOST_COUNT):
        b = orders.b + x[might]
        staying = np.exp(betaln(orders.a, b + n - 1.0) - betaln(orders.a, b))
        at_least = alive[might] * staying * betainc(float(n), orders.r + x[might], share[might])
        low[might[at_least > 1.0 - TAIL]] = n
        might = might[at_least > TAIL]
        high[might] = n
        if not len(might):
            break
    return low, high
