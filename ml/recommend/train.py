"""Fit every method on the first part of the history, let the later part choose, register the winner fitted on all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from lakehouse.settings import Settings
from ml import registry, tables
from ml.recommend.choice import suited
from ml.recommend.content import read_tags
from ml.recommend.evaluate import judge, metrics
from ml.recommend.features import READS, read_history
from ml.recommend.fits import fit_of
from ml.recommend.held_out import held_out
from ml.recommend.methods.model import Model
from ml.recommend.plots import methods_plot

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Register a model of `recommend`; without interactions there is none and the metrics say so."""
    history = read_history(settings, as_of)
    if len(history.whole.user) == 0:
        return registry.nothing_to_learn("recommend")
    _, fit_als = fit_of(spark)
    suitable = suited(fit_als, history.whole)
    competing = [] if history.cut is None else [method.fit(history.before, seed) for method in suitable]
    judged = judge(competing, history, read_tags(settings, history.whole.products))
    model = next(method for method in suitable if method.name == judged.serves).fit(history.whole, seed)
    told = metrics(judged)
    version = registry.register(
        settings,
        registry.Training(
            task="recommend",
            loader="ml.recommend.served",
            save=model.save,
            inputs={"customer_id": "string", "product_id": "string", "weight": "double"},
            parameters={
                "method": model.name,
                "candidates": ", ".join(method.name for method in suitable),
                **model.parameters,
                "seed": seed,
                "as_of": as_of,
                "cut": history.cut,
            },
            data_versions=tables.gold_versions(settings, READS),
            metrics=told,
            columns=tables.gold_columns(settings, READS),
            twin=_twin(competing, judged.serves, history.cut),
            plots={"ndcg": lambda: methods_plot(told)},
            held_out=held_out(judged),
        ),
    )
    return registry.Summary("recommend", version, told)


def _twin(competing: Sequence[Model], serves: str, cut: date | None) -> registry.Twin | None:
    """The method that serves, as it was fitted on what came before the cut."""
    return next((registry.Twin(model.save, str(cut)) for model in competing if model.name == serves), None)
