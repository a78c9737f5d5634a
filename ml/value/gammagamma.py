"""Gamma-Gamma: what a customer spends at a time.

Fader and Hardie, "The Gamma-Gamma Model of Monetary Value" (2013, brucehardie.com/notes/025). A customer's purchases
are Gamma(p, nu), nu is Gamma(q, v) over customers, and neither has to do with how often they buy. A customer is known
by x, the number of purchases, and the mean of their values. The model is of positive values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from ml.arrays import Floats
from ml.likelihood import Likelihood, maximise

STARTS = ((1.0, 1.0, 1.0), (5.0, 3.0, 0.5), (0.5, 5.0, 5.0))
"""p, q - 1, v where the mean value is 1."""


@dataclass(frozen=True)
class GammaGamma:
    """The three parameters; `v` in money. q is above 1: otherwise the mean over customers would be infinite."""

    p: float
    q: float
    v: float

    @property
    def mean(self) -> float:
        """What a customer of whom nothing is known spends at a time: p v / (q - 1)."""
        return self.p * self.v / (self.q - 1.0)

    def logs(self) -> Floats:
        """Logarithms of p, q - 1, v."""
        return np.log([self.p, self.q - 1.0, self.v])

    def log_likelihood(self, x: Floats, value: Floats) -> float:
        """The sum over customers (x > 0, value > 0) of the note's equation 1a, in nats.

        f = G(px + q) / (G(px) G(q)) * v^q value^(px - 1) x^(px) / (v + x value)^(px + q)
        """
        return likelihood_of(x, value)(self.logs())[0]

    def expected_value(self, x: Floats, value: Floats) -> Floats:
        """What each customer is expected to spend at a time (the note's equation 5); the mean of all for x = 0.

        p (v + x value) / (px + q - 1): their own mean and everybody's, weighted px to q - 1.
        """
        return np.asarray(self.p * (self.v + x * value) / (self.p * x + self.q - 1.0))


def fit(x: Floats, value: Floats) -> GammaGamma:
    """The parameters of the highest likelihood for these customers, one entry each, all above 0.

    Values that are all alike have no most likely parameters; they end at the bounds, with everybody at the mean.

    Raises:
        ValueError: there is nobody, or a count or a value is not above 0.
    """
    if len(x) == 0 or not (x > 0).all() or not (value > 0).all():
        raise ValueError("Gamma-Gamma wants customers with purchases of a value above 0")
    unit = float(value.mean())
    scaled = value / unit
    best, _ = maximise(lambda logs: _likelihood(x, scaled, logs), [np.log(start) for start in STARTS])
    p, above, v = (float(parameter) for parameter in np.exp(best))
    return GammaGamma(p, 1.0 + above, v * unit)


def likelihood_of(x: Floats, value: Floats) -> Likelihood:
    """The log-likelihood of these customers and its gradient, in the logarithms of p, q - 1, v."""
    return lambda logs: _likelihood(x, value, logs)


def of_logs(logs: Floats) -> GammaGamma:
    """The inverse of `GammaGamma.logs`."""
    p, above, v = (float(parameter) for parameter in np.exp(logs))
    return GammaGamma(p, 1.0 + above, v)


def _likelihood(x: Floats, value: Floats, logs: Floats) -> tuple[float, Floats]:
    """Sum over customers and its gradient, in the logarithms of p, q - 1, v."""
    p, above, v = np.exp(logs)
    q, times = 1.0 + above, p * x
    spent, total = np.log(x * value), np.log(v + x * value)
    each = gammaln(times + q) - gammaln(times) - gammaln(q) + q * np.log(v) + times * spent - (times + q) * total
    by_p = x * (digamma(times + q) - digamma(times) + spent - total)
    by_q = digamma(times + q) - digamma(q) + np.log(v) - total
    by_v = q / v - (times + q) / (v + x * value)
    slopes = np.array([by_p.sum() * p, by_q.sum() * above, by_v.sum() * v])
    return float((each - np.log(value)).sum()), slopes
