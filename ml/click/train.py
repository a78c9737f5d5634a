"""Fit a logistic regression on one-hot words, calibrate it on later impressions, register it.

Three fits of one recipe, each one step later in time: on the first 64 % of the impressions, on the first 80 %, and on
all of them. The slope of a fit's calibration is learned where the fit before it looks ahead (the 16 %, the last 20 %),
its offset from the level of clicks there. The second fit predicts the last 20 % and gives the metrics; the third is
the champion.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from lakehouse.settings import Settings
from ml import registry, tables
from ml.click.calibration import Floats, offset, slope
from ml.click.evaluate import evaluate
from ml.click.features import READS, Span, read_impressions, span
from ml.click.fits import REGULARISATION, rows_of
from ml.click.model import ClickModel, base_rate_model
from ml.concurrency import each

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

LEAST_CLICKS = 20
"""With fewer clicks (or others) before the test period everybody gets the base rate."""


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Register a champion for `click` and write its coefficients to `ml.click_coefficients`."""
    impressions = read_impressions(spark, as_of)
    edges = span(impressions) if impressions is not None else Span(0, 0, 0, 0, 0, 0)
    if impressions is None or edges.impressions == 0:
        tables.write_empty(spark, settings, "click_coefficients")
        return registry.nothing_to_learn("click")
    model, metrics = learn(impressions, edges)
    version = registry.register(
        settings,
        registry.Training(
            task="click",
            loader="ml.click.model",
            save=model.save,
            inputs={},
            parameters={
                "regularisation": REGULARISATION,
                "words": len(model.coefficients),
                "seed": seed,
                "as_of": as_of,
                "impressions": edges.impressions,
                "clicks": edges.clicks,
            },
            data_versions=tables.gold_versions(settings, READS),
            metrics=metrics,
        ),
    )
    told = {
        "(intercept)": model.intercept,
        "(calibration slope)": model.slope,
        "(calibration offset)": model.offset,
        **model.coefficients,
    }
    tables.write(
        spark,
        settings,
        "click_coefficients",
        {"feature": list(told), "coefficient": list(told.values()), "model_version": version},
    )
    return registry.Summary("click", version, metrics)


def learn(impressions: DataFrame, edges: Span) -> tuple[ClickModel, list[registry.Metric]]:
    """The calibrated model and its measures on the last fifth of the impressions."""
    if min(edges.clicks, edges.impressions - edges.clicks) < LEAST_CLICKS:
        return _base_rate(edges)
    rows = rows_of(impressions, edges)
    try:
        clicks, others = rows.by_period()
        if min(clicks[0], others[0]) == 0 or min(sum(clicks[:2]), sum(others[:2])) < LEAST_CLICKS:
            return _base_rate(edges)
        fits = each(lambda when: rows.fit(when, clicks, others), range(3))
        later = rows.later(fits)
    finally:
        rows.close()
    early, middle, whole = later.logits
    tune, test = (later.period == when for when in (1, 2))
    tested = _calibrated(fits[1].model, early[tune], middle[tune], later.label[tune])
    metrics = evaluate(tested.probability(middle[test]), later.label[test], tested.base_rate)
    return _calibrated(fits[2].model, middle[test], whole[test], later.label[test]), metrics


def _calibrated(model: ClickModel, unseen: Floats, own: Floats, label: Floats) -> ClickModel:
    """A model calibrated by the log-odds of the fit before it (`unseen` rows) and its own on the same rows."""
    stretch = slope(unseen, label)
    return model.calibrated(stretch, offset(own, label, stretch))


def _base_rate(edges: Span) -> tuple[ClickModel, list[registry.Metric]]:
    why = "base rate for all: too few clicks"
    rate = edges.clicks / edges.impressions
    return base_rate_model(edges.clicks, edges.impressions), [
        registry.Metric("mean_click_probability", rate, "click_rate", rate, why)
    ]
