"""Whether a model serves groups of customers alike: `ml.model_fairness` and `ml.model_fairness_gaps`.

Each measure of the held-out rows is taken of each group by itself. The gap of an attribute is the largest difference
between two of its groups. Its interval is that of those two, which were picked for being farthest apart, so it is no
test. The test is Cochran's Q (Biometrics 10, 1954): the chance that groups, each with its value and error, differ so
much while all are alike; they are independent, as no customer is in two of one attribute. Of as many chances as a card
has, one in twenty is below 0.05 where nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

import numpy as np
import pandas as pd
from scipy import stats

from lakehouse.settings import Settings
from ml.arrays import Floats, Texts
from ml.groups import OTHER, UNKNOWN, groups_of, place_of, read_customers
from ml.held_out import HeldOut
from ml.intervals import Measure, Resamples, around

LEAST_CUSTOMERS = 50
"""Of a group; the intervals of a smaller one rest on too few to be believed (`promotion.LEAST_UNITS` is for a mean)."""
LEAST_OF_AN_OUTCOME = 10
"""Rows of each outcome, before an AUC is told."""


@dataclass(frozen=True)
class GroupMeasure:
    """A measure of one group.

    Args:
        attribute: gender, age band or region.
        value: None where the group is too few, or has too few of an outcome for an AUC.
    """

    attribute: str
    group_name: str
    measure: str
    customer_count: int
    row_count: int
    value: float | None = None
    interval_low: float | None = None
    interval_high: float | None = None


@dataclass(frozen=True)
class Gap:
    """The largest difference between two groups of an attribute, of those whose measure is told.

    Args:
        chance: that groups of these sizes differ so much while all are alike (Cochran's Q).
    """

    attribute: str
    measure: str
    highest_group: str
    lowest_group: str
    gap: float
    interval_low: float | None
    interval_high: float | None
    chance: float | None


@dataclass(frozen=True)
class Fairness:
    groups: Sequence[GroupMeasure] = ()
    gaps: Sequence[Gap] = ()

    def as_rows(self, task: str, version: str) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
        """Rows of `ml.model_fairness` and of `ml.model_fairness_gaps`."""
        of = {"task": task, "model_version": version}
        return [{**of, **asdict(one)} for one in self.groups], [{**of, **asdict(one)} for one in self.gaps]


def fairness(settings: Settings, held_out: HeldOut, as_of: date, seed: int) -> Fairness:
    """Of the customers that this home knows; empty where it knows none of the held-out ones."""
    known = read_customers(settings)
    is_known = pd.Series(held_out.customer, dtype=object).isin(known.index).to_numpy()
    if not is_known.any():
        return Fairness()
    found = groups_of(held_out.customer[is_known], known, as_of)
    groups = {attribute: of_row for attribute, of_row in found.items() if attribute not in held_out.foretold}
    measures = {name: measure.at(is_known) for name, measure in held_out.by_group.items()}
    return compare(held_out.customer[is_known], groups, measures, seed)


def compare(customer: Texts, groups: Mapping[str, Texts], measures: Mapping[str, Measure], seed: int) -> Fairness:
    """Every measure of every group, and the largest gap of every attribute.

    Args:
        customer: one per row; `groups` and the columns of `measures` likewise.
    """
    told, gaps = [], []
    for attribute, of_row in groups.items():
        names = sorted(set(of_row), key=place_of)
        if all(name == UNKNOWN for name in names):
            continue
        drawn: dict[str, dict[str, tuple[GroupMeasure, Floats]]] = {name: {} for name in measures}
        for name in names:
            rows = of_row == name
            count = len(set(customer[rows]))
            resampled = Resamples.of(customer[rows], seed)
            for of, measure in measures.items():
                one = GroupMeasure(attribute, str(name), of, count, int(rows.sum()))
                told_of = measure.at(rows)
                if count >= LEAST_CUSTOMERS and _is_enough(told_of):
                    values = resampled.drawn(told_of)
                    one = _with_value(one, told_of, values)
                    if one.value is not None:
                        drawn[of][str(name)] = (one, values)
                told.append(one)
        gaps += [found for of, by_name in drawn.items() if (found := _gap(attribute, of, by_name)) is not None]
    return Fairness(told, gaps)


def _is_enough(measure: Measure) -> bool:
    """A ranking of a few is any number; other measures say by their interval how little they rest on."""
    if not measure.ranks:
        return True
    happened = measure.columns[1] > 0
    weight = np.ones(len(happened)) if measure.weight is None else measure.weight
    return min(float(weight[happened].sum()), float(weight[~happened].sum())) >= LEAST_OF_AN_OUTCOME


def _with_value(one: GroupMeasure, measure: Measure, drawn: Floats) -> GroupMeasure:
    value = measure.value()
    interval = around(value, drawn, measure.least, measure.most)
    if interval is None:
        return one
    return replace(one, value=value, interval_low=interval.low, interval_high=interval.high)


def _gap(attribute: str, measure: str, drawn: Mapping[str, tuple[GroupMeasure, Floats]]) -> Gap | None:
    """Among groups that have a name of their own."""
    named = {name: of for name, of in drawn.items() if name not in (OTHER, UNKNOWN)}
    if len(named) < 2:
        return None
    value = {name: float(one.value or 0.0) for name, (one, _) in named.items()}
    highest, lowest = max(named, key=lambda name: value[name]), min(named, key=lambda name: value[name])
    gap = value[highest] - value[lowest]
    interval = around(gap, named[highest][1] - named[lowest][1])
    errors = np.array([np.nanstd(resampled, ddof=1) for _, resampled in named.values()])
    return Gap(
        attribute,
        measure,
        highest,
        lowest,
        gap,
        None if interval is None else interval.low,
        None if interval is None else interval.high,
        chance_of(np.array(list(value.values())), errors),
    )


def chance_of(values: Floats, errors: Floats) -> float | None:
    """That independent values with these standard errors differ so much where all should be the same.

    Q = sum of ((value - weighted mean) / error)^2, chi-squared with one degree of freedom less than there are values.
    None where an error is 0.
    """
    if (errors <= 0).any():
        return None
    weight = 1.0 / errors**2
    centre = float((weight * values).sum() / weight.sum())
    return float(stats.chi2.sf(float((weight * (values - centre) ** 2).sum()), len(values) - 1))
