"""Fit ALS, measure it on the held-out period, register the model fitted on everything."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

from lakehouse.settings import Settings
from ml import registry, tables
from ml.concurrency import AT_ONCE, each
from ml.recommend.evaluate import evaluate
from ml.recommend.features import READS, read_history
from ml.recommend.fits import PAIRS_PER_BLOCK, fit_of
from ml.recommend.plots import methods_plot

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Register a model of `recommend`; without interactions there is none and the metrics say so."""
    history = read_history(settings, as_of)
    if len(history.whole.user) == 0:
        return registry.nothing_to_learn("recommend")
    at_once = 1 if len(history.whole.user) > PAIRS_PER_BLOCK else AT_ONCE  # large ones fill the heap and both cores
    settled, fit = fit_of(spark)
    model, earlier = each(lambda seen: fit(seen, seed), (history.whole, history.before), at_once)
    metrics = evaluate(earlier, history)
    version = registry.register(
        settings,
        registry.Training(
            task="recommend",
            loader="ml.recommend.factors",
            save=model.save,
            inputs={"customer_id": "string", "product_id": "string", "weight": "double"},
            parameters={**asdict(settled), "seed": seed, "as_of": as_of, "cut": history.cut},
            data_versions=tables.gold_versions(settings, READS),
            metrics=metrics,
            columns=tables.gold_columns(settings, READS),
            twin=registry.Twin(earlier.save, history.cut.isoformat()) if history.cut is not None else None,
            plots={"ndcg": lambda: methods_plot(metrics)},
        ),
    )
    return registry.Summary("recommend", version, metrics)
