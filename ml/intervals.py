"""How sure a measure is: 95 % intervals from resamples of the customers of the held-out rows.

Customers are drawn with replacement, each with all of their rows (Efron 1979; clusters: Davison and Hinkley, "Bootstrap
Methods and their Application", 1997, section 3.8). The interval is the value plus and minus 1.96 times the standard
deviation over the resamples, for which 200 are enough (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993,
section 6.4; the ends of a percentile interval would want a thousand). A resample is a row of weights, so that a measure
of all of them is a few operations on arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.arrays import Floats, Ints

DRAWS = 200
NORMAL_95 = 1.959963984540054
"""The 0.975 quantile of the standard normal distribution."""
BINS = 10
MOST_UNITS = 20_000
"""Customers who are drawn from."""
CELLS_AT_ONCE = 2_000_000
"""Weights (resamples x rows) held at a time: 16 MB."""

Statistic = Callable[..., Floats]
"""From weights (resamples x rows) and columns (one value per row each) the measure of each resample."""


class Interval(NamedTuple):
    low: float
    high: float


@dataclass(frozen=True)
class Measure:
    """A statistic with the held-out rows that it is taken of.

    Args:
        columns: one value per row each.
        least, most: no value lies beyond; an interval is cut there.
        weight: how much each row counts; all alike without it.
        ranks: whether it compares rows of both outcomes, so that a few of one make it any number.
    """

    of: Statistic
    columns: tuple[Floats, ...]
    least: float = -np.inf
    most: float = np.inf
    ranks: bool = False
    weight: Floats | None = None

    def at(self, rows: npt.NDArray[np.bool_]) -> Measure:
        """The same of some of the rows."""
        weight = None if self.weight is None else self.weight[rows]
        return replace(self, columns=tuple(column[rows] for column in self.columns), weight=weight)

    def of_each(self, weights: Floats) -> Floats:
        """Of each resample, whose rows weigh so much (resamples x rows)."""
        return self.of(weights if self.weight is None else weights * self.weight, *self.columns)

    def value(self) -> float:
        """Of the rows as they are; NaN where it is not defined."""
        return float(self.of_each(np.ones((1, len(self.columns[0]))))[0])


@dataclass(frozen=True)
class Resamples:
    """How often each customer is drawn in each resample.

    Of more than `MOST_UNITS` customers so many are picked, and what their resamples spread is scaled to all (m out of n
    bootstrap; Bickel, Götze and van Zwet, "Resampling fewer than n observations", 1997): a spread is known to 5 % from
    200 resamples anyway, and costs the same however many customers there are.

    Args:
        times: resamples x customers picked.
        unit: of each row of theirs, the position of its customer.
        rows: which rows are theirs; None for all.
        scale: of all customers' spread to that of those picked.
    """

    times: npt.NDArray[np.uint8]
    unit: Ints
    rows: npt.NDArray[np.bool_] | None = None
    scale: float = 1.0

    @classmethod
    def of(cls, customer: npt.NDArray[np.object_], seed: int) -> Resamples:
        """Resamples of these rows; rows without a customer are drawn one by one."""
        unit, known = pd.factorize(customer)
        strangers = unit < 0
        unit = unit.astype(np.int64)
        unit[strangers] = len(known) + np.arange(strangers.sum())
        count = len(known) + int(strangers.sum())
        rng = np.random.default_rng(seed)
        if count <= MOST_UNITS:
            return cls(_times(rng, count), unit)
        place = np.full(count, -1)
        place[rng.choice(count, MOST_UNITS, replace=False)] = np.arange(MOST_UNITS)
        rows = place[unit] >= 0
        return cls(_times(rng, MOST_UNITS), place[unit[rows]], rows, float(np.sqrt(MOST_UNITS / count)))

    def drawn(self, measure: Measure) -> Floats:
        """The measure of each resample."""
        if self.rows is not None:
            measure = measure.at(self.rows)
        weights = [self._weights] if self._is_small else self._parts()
        values = np.concatenate([measure.of_each(some) for some in weights])
        known = values[np.isfinite(values)]
        return values if self.scale == 1.0 or not len(known) else known.mean() + (values - known.mean()) * self.scale

    @property
    def _is_small(self) -> bool:
        return DRAWS * len(self.unit) <= CELLS_AT_ONCE

    @cached_property
    def _weights(self) -> Floats:
        return self.times[:, self.unit].astype(np.float64)

    def _parts(self) -> Iterator[Floats]:
        at_once = max(1, CELLS_AT_ONCE // len(self.unit))
        for first in range(0, DRAWS, at_once):
            yield self.times[first : first + at_once, self.unit].astype(np.float64)


def _times(rng: np.random.Generator, count: int) -> npt.NDArray[np.uint8]:
    """Resamples x customers."""
    times = np.empty((DRAWS, count), dtype=np.uint8)
    for draw in range(DRAWS):
        times[draw] = np.bincount(rng.integers(0, count, count), minlength=count) if count else 0
    return times


def around(value: float, drawn: Floats, least: float = -np.inf, most: float = np.inf) -> Interval | None:
    """The interval of a value, from what it was in the resamples; None where it was not defined in most of them."""
    known = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or len(known) * 2 < len(drawn):
        return None
    spread = NORMAL_95 * float(known.std(ddof=1))
    return Interval(max(least, value - spread), min(most, value + spread))


def mean(values: Floats) -> Measure:
    return Measure(_mean, (values,))


def share(values: Floats) -> Measure:
    """The mean of what lies between 0 and 1."""
    return Measure(_mean, (values,), 0.0, 1.0)


def root_mean(squares: Floats) -> Measure:
    """The root of the mean, as of squared errors."""
    return Measure(_root_mean, (squares,), 0.0)


def absolute_mean(values: Floats) -> Measure:
    """How far the mean is from 0."""
    return Measure(_absolute_mean, (values,), 0.0)


def auc(score: Floats, happened: Floats) -> Measure:
    """Area under the ROC curve, ties counting half (Mann and Whitney 1947); NaN without one of the two outcomes."""
    return Measure(_auc, (score, happened), 0.0, 1.0, ranks=True)


def average_precision(score: Floats, happened: Floats) -> Measure:
    """Gains in recall times precision, summed, rows of equal score coming in together; NaN where nothing happened."""
    return Measure(_average_precision, (score, happened), 0.0, 1.0)


def correlation(one: Floats, other: Floats) -> Measure:
    """Pearson's; NaN where one of them does not vary."""
    return Measure(_correlation, (one, other), -1.0, 1.0)


def calibration_error(probability: Floats, happened: Floats) -> Measure:
    """Expected calibration error over tenths by prediction; the tenths of a resample are those of all rows."""
    return Measure(_calibration_error, (probability, happened), 0.0, 1.0)


def calibration_gap(predicted: Floats, actual: Floats) -> Measure:
    """Mean prediction less mean outcome: above 0 where too much is foretold."""
    return Measure(_mean, (predicted - actual,))


def concordance(risk: Floats, duration: Floats, event_observed: Floats) -> Measure:
    """Harrell's index: of pairs of whom one is known to go first, the share in which it has the higher risk.

    Equal risks count half. NaN without such a pair.
    """
    return Measure(_concordance, (risk, duration, event_observed), 0.0, 1.0)


def _mean(weights: Floats, values: Floats) -> Floats:
    return _ratio(weights @ values, weights.sum(axis=1))


def _root_mean(weights: Floats, squares: Floats) -> Floats:
    return np.sqrt(_mean(weights, squares))


def _absolute_mean(weights: Floats, values: Floats) -> Floats:
    return np.asarray(np.abs(_mean(weights, values)))


def _auc(weights: Floats, score: Floats, happened: Floats) -> Floats:
    order = np.argsort(score, kind="stable")
    ordered, is_yes = score[order], happened[order] > 0
    others = np.zeros((len(weights), len(order) + 1))  # the weight of the others before each place
    np.cumsum(weights[:, order] * ~is_yes, axis=1, out=others[:, 1:])
    first = np.searchsorted(ordered, ordered[is_yes], "left")
    last = np.searchsorted(ordered, ordered[is_yes], "right")
    yes = weights[:, order[is_yes]]
    below = (others[:, first] + others[:, last]) / 2.0
    return _ratio((yes * below).sum(axis=1), yes.sum(axis=1) * others[:, -1])


def _average_precision(weights: Floats, score: Floats, happened: Floats) -> Floats:
    order = np.argsort(-score, kind="stable")
    ordered, is_yes = -score[order], happened[order] > 0
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] > ordered[:-1]])) if len(order) else order
    drawn = weights[:, order]
    yes = np.add.reduceat(drawn * is_yes, starts, axis=1)
    taken = np.cumsum(np.add.reduceat(drawn, starts, axis=1), axis=1)
    precision = np.cumsum(yes, axis=1) / np.maximum(taken, 1e-12)
    return _ratio((yes * precision).sum(axis=1), yes.sum(axis=1))


def _correlation(weights: Floats, one: Floats, other: Floats) -> Floats:
    mean_one, mean_other = _mean(weights, one), _mean(weights, other)
    together = _mean(weights, one * other) - mean_one * mean_other
    spread = [np.maximum(_mean(weights, of**2) - at**2, 0.0) for of, at in ((one, mean_one), (other, mean_other))]
    return _ratio(together, np.sqrt(spread[0] * spread[1]))


def _calibration_error(weights: Floats, probability: Floats, happened: Floats) -> Floats:
    order = np.argsort(probability, kind="stable")
    parts = [len(part) for part in np.array_split(order, BINS) if len(part)]
    starts = np.concatenate([[0], np.cumsum(parts)[:-1]]).astype(np.int64)
    gaps = np.add.reduceat(weights[:, order] * (probability - happened)[order], starts, axis=1)
    return _ratio(np.abs(gaps).sum(axis=1), weights.sum(axis=1))


def _concordance(weights: Floats, risk: Floats, duration: Floats, event_observed: Floats) -> Floats:
    """Pairs are counted between the halves of the order in time, the halves of those, and so on, as a merge sort counts
    inversions: rows x log(moments) for each resample, where comparing all with all would be rows²."""
    is_event = event_observed > 0
    moment = np.unique(2.0 * _ranks(duration) + ~is_event, return_inverse=True)[1]  # a censored row outlasts its day
    rank = _ranks(risk)
    right, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for level in range(int(moment.max(initial=0)).bit_length()):
        place = (moment >> (level + 1)) * (rank.max() + 1) + rank  # both halves of a part together, by risk
        is_later = (moment >> level) & 1 == 1
        later = np.flatnonzero(is_later)[np.argsort(place[is_later], kind="stable")]
        went = np.flatnonzero(~is_later & is_event)
        part = place[went] - rank[went]
        up_to = np.zeros((len(weights), len(later) + 1))  # the weight of the later rows before each place
        np.cumsum(weights[:, later], axis=1, out=up_to[:, 1:])
        start, first = (up_to[:, np.searchsorted(place[later], key)] for key in (part, place[went]))
        last = up_to[:, np.searchsorted(place[later], place[went], "right")]
        end = up_to[:, np.searchsorted(place[later], part + rank.max(), "right")]
        right += (weights[:, went] * ((first + last) / 2.0 - start)).sum(axis=1)
        pairs += (weights[:, went] * (end - start)).sum(axis=1)
    return _ratio(right, pairs)


def _ranks(values: Floats) -> Ints:
    """Of each value its place among the different ones."""
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan)
