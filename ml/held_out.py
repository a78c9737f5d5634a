"""What a model said of rows that it had not seen, kept while it is trained: for intervals, curves and fairness."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ml.arrays import Floats
from ml.intervals import Interval, Measure, Resamples, around, auc, calibration_gap, mean, share

if TYPE_CHECKING:
    from ml.registry import Metric

SAME = 1e-6
"""A metric and its measure here are two computations of one thing; an interval of another thing is worse than none."""


HELD_OUT_OF = 5
"""One customer of so many is held out of twins that are not judged by later days."""


def is_held_out(ids: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Whether each customer is one that such twins are not fitted on: by a checksum of the id, so for ever."""
    return np.array([zlib.crc32(name.encode()) % HELD_OUT_OF == 0 for name in ids], dtype=np.bool_)


@dataclass(frozen=True)
class HeldOut:
    """Predictions of rows that were not learnt from, with what came.

    Args:
        customer: whose each row is, None where that is not known.
        measures: of a metric's name, how it is taken of these rows, and how its baseline is (None where it has none).
        by_group: what is compared between groups of customers, by a name that a reader understands.
        probability, happened: where a chance was foretold, for curves.
        foretold: attributes of customers that are foretold themselves, so that they are no groups to compare by.
        drawn: of what is plotted by its name, what was foretold of each row, and what came of it.
    """

    customer: npt.NDArray[np.object_]
    measures: Mapping[str, tuple[Measure, Measure | None]]
    by_group: Mapping[str, Measure]
    probability: Floats | None = None
    happened: Floats | None = None
    foretold: Sequence[str] = ()
    drawn: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)


def of_chances(probability: Floats, happened: Floats) -> dict[str, Measure]:
    """What is compared between groups where a chance is foretold of each row."""
    return {
        "mean prediction": share(probability),
        "base rate": share(happened),
        "calibration gap": replace(calibration_gap(probability, happened), least=-1.0, most=1.0),
        "auc": auc(probability, happened),
    }


def of_amounts(predicted: Floats, actual: Floats) -> dict[str, Measure]:
    """What is compared between groups where a count or an amount is foretold of each row."""
    return {
        "mean prediction": mean(predicted),
        "base rate": mean(actual),
        "calibration gap": calibration_gap(predicted, actual),
        "mean absolute error": mean(np.abs(predicted - actual)),
    }


def with_intervals(metrics: Sequence[Metric], held_out: HeldOut | None, seed: int) -> list[Metric]:
    """The metrics, those that are measures of the held-out rows with the interval of the value and of its lead.

    The lead is value less baseline, on the same resamples. A metric whose value is not that of its measure gets none.
    """
    if held_out is None or len(held_out.customer) == 0:
        return list(metrics)
    draws = Resamples.of(held_out.customer, seed)
    return [
        _with_interval(metric, *held_out.measures[metric.name], draws) if metric.name in held_out.measures else metric
        for metric in metrics
    ]


def _with_interval(metric: Metric, measure: Measure, baseline: Measure | None, draws: Resamples) -> Metric:
    if not _is_same(metric.value, measure):
        return metric
    drawn = draws.drawn(measure)
    interval = around(metric.value, drawn, measure.least, measure.most)
    lead: Interval | None = None
    if baseline is not None and metric.baseline_value is not None and _is_same(metric.baseline_value, baseline):
        lead = around(metric.value - metric.baseline_value, drawn - draws.drawn(baseline))
    return replace(
        metric,
        interval_low=None if interval is None else interval.low,
        interval_high=None if interval is None else interval.high,
        lead_low=None if lead is None else lead.low,
        lead_high=None if lead is None else lead.high,
    )


def _is_same(value: float, measure: Measure) -> bool:
    return abs(measure.value() - value) <= SAME * max(1.0, abs(value))
