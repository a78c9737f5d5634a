"""Fit a logistic regression on one-hot words, calibrate it on later impressions, register it.

Three fits of one recipe, each one step later in time: on the first 64 % of the impressions, on the first 80 %, and on
all of them. How strong their L2 is, the first is tried with: of `REGULARISATIONS` the one that says most of the next
16 %. The slope of a fit's calibration is learned where the fit before it looks ahead (the 16 %, the last 20 %),
its offset from the level of clicks there. The second fit predicts the last 20 % and gives the metrics (it is the twin
that a challenger is judged by); the third is registered. A column that alone tells who clicked is left out of all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from lakehouse.settings import Settings
from ml import leakage, registry, tables
from ml.arrays import Floats
from ml.calibration import offset, sigmoid, slope
from ml.click.evaluate import curves, evaluate
from ml.click.features import READS, Span, read_impressions, span
from ml.click.fits import REGULARISATION, REGULARISATIONS, Fitted, Rows, rows_of
from ml.click.held_out import held_out
from ml.click.model import SIGNATURE, ClickModel, base_rate_model
from ml.concurrency import each
from ml.curves import curves as reliability_and_gains
from ml.curves import plots_of
from ml.held_out import HeldOut
from ml.measures import log_loss

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pyspark.sql import DataFrame, SparkSession

LEAST_CLICKS = 20
"""With fewer clicks (or others) before the test period everybody gets the base rate."""


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Register a model of `click`."""
    impressions = read_impressions(spark, as_of)
    edges = span(impressions) if impressions is not None else Span(0, 0, 0, 0, 0, 0)
    if impressions is None or edges.impressions == 0:
        return registry.nothing_to_learn("click")
    learnt = learn(impressions, edges)
    version = registry.register(
        settings,
        registry.Training(
            task="click",
            loader="ml.click.model",
            save=learnt.model.save,
            inputs=SIGNATURE,
            parameters={
                "regularisation": learnt.regularisation,
                "regularisations_tried": ", ".join(map(str, REGULARISATIONS)),
                "words": len(learnt.model.coefficients),
                "seed": seed,
                "as_of": as_of,
                "impressions": edges.impressions,
                "clicks": edges.clicks,
                "left_out_columns": ", ".join(learnt.left_out) or "none",
            },
            data_versions=tables.gold_versions(settings, READS),
            metrics=learnt.metrics,
            columns=tables.gold_columns(settings, READS),
            twin=registry.Twin(learnt.twin.save, str(edges.test_from)) if learnt.twin is not None else None,
            plots=learnt.plots,
            held_out=learnt.held_out,
        ),
    )
    remark = f"click: left out, as it alone tells who clicked: {', '.join(learnt.left_out)}" if learnt.left_out else ""
    return registry.Summary("click", version, learnt.metrics, remark=remark)


@dataclass(frozen=True)
class Learnt:
    """The calibrated model and its measures on the last fifth of the impressions.

    Args:
        twin: the model that was measured; None where there was too little to hold out.
        left_out: columns that alone tell who clicked.
        regularisation: how strong the L2 is.
    """

    model: ClickModel
    metrics: list[registry.Metric]
    twin: ClickModel | None = None
    left_out: Sequence[str] = ()
    plots: Mapping[str, Callable[[], Figure]] = field(default_factory=dict)
    regularisation: float = REGULARISATION
    held_out: HeldOut | None = None


def learn(impressions: DataFrame, edges: Span) -> Learnt:
    """A model of all impressions, its twin of the first 80 %, and how good the twin is on the last fifth."""
    if min(edges.clicks, edges.impressions - edges.clicks) < LEAST_CLICKS:
        return _base_rate(edges)
    rows = rows_of(impressions, edges)
    try:
        clicks, others = rows.by_period()
        if min(clicks[0], others[0]) == 0 or min(sum(clicks[:2]), sum(others[:2])) < LEAST_CLICKS:
            return _base_rate(edges)
        found = leakage.leaks(rows.levels())
        if found:
            rows.leave_out(found)
        strength, first = chosen(rows, clicks, others)
        fits = [first, *each(lambda when: rows.fit(when, clicks, others, strength), (1, 2))]
        later = rows.later(fits)
    finally:
        rows.close()
    early, middle, whole = later.logits
    tune, test = (later.period == when for when in (1, 2))
    tested = _calibrated(fits[1].model, early[tune], middle[tune], later.label[tune])
    probability, label = tested.probability(middle[test]), later.label[test]
    model = _calibrated(fits[2].model, middle[test], whole[test], label)
    return Learnt(
        replace(model, curves=curves(probability, label)),
        [*evaluate(probability, label, tested.base_rate), *leakage.metrics(found)],
        tested,
        list(found),
        plots_of(reliability_and_gains(probability, label)),
        regularisation=strength,
        held_out=held_out(later.customer[test], probability, label, tested.base_rate),
    )


def chosen(rows: Rows, clicks: list[int], others: list[int]) -> tuple[float, Fitted]:
    """Of `REGULARISATIONS` the one whose fit on the first period says most of the second once it is calibrated there,
    with that fit; the strongest of equals, and `REGULARISATION` where the second has no click or nothing else.
    """
    if min(clicks[1], others[1]) == 0:
        return REGULARISATION, rows.fit(0, clicks, others, REGULARISATION)
    tried = each(lambda strength: rows.fit(0, clicks, others, strength), REGULARISATIONS)
    later = rows.later(tried)
    next_one = later.period == 1
    label = later.label[next_one]

    def loss(logit: Floats) -> float:
        stretch = slope(logit, label)
        return log_loss(sigmoid(stretch * logit + offset(logit, label, stretch)), label)

    _, place = min((round(loss(logit[next_one]), 9), -place) for place, logit in enumerate(later.logits))
    return REGULARISATIONS[-place], tried[-place]


def _calibrated(model: ClickModel, unseen: Floats, own: Floats, label: Floats) -> ClickModel:
    """A model calibrated by the log-odds of the fit before it (`unseen` rows) and its own on the same rows."""
    stretch = slope(unseen, label)
    return model.calibrated(stretch, offset(own, label, stretch))


def _base_rate(edges: Span) -> Learnt:
    why = "base rate for all: too few clicks"
    rate = edges.clicks / edges.impressions
    told = [registry.Metric("mean_click_probability", rate, "click_rate", rate, why)]
    return Learnt(base_rate_model(edges.clicks, edges.impressions), told)
