"""Fit BG/NBD and Gamma-Gamma to all customers with a sale, judge the same fit on a later period, register."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

from lakehouse.settings import Settings
from ml import registry, tables
from ml.value.evaluate import frequency_value_correlation, measure
from ml.value.features import INPUTS, READS, Purchases, read_purchases
from ml.value.model import ValueModel, can_be_learnt, learn

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Register a champion for `value`; there is nothing to learn where fewer came back than can be fitted."""
    customers = read_purchases(settings)
    if not can_be_learnt(customers):
        tables.write_empty(spark, settings, "customer_value")
        return registry.nothing_to_learn("value")
    model = learn(customers)
    measured, held_out = measure(spark, customers, as_of)
    metrics = [*measured, *_of_fit(model, customers)]
    version = registry.register(
        settings,
        registry.Training(
            task="value",
            loader="ml.value.model",
            save=model.save,
            inputs=dict.fromkeys(INPUTS, "double"),
            parameters={
                **asdict(model.orders),
                **({} if model.amounts is None else asdict(model.amounts)),
                "mean_amount": model.mean_amount,
                "as_of": as_of,
                "seed": seed,
            },
            data_versions=tables.gold_versions(settings, READS),
            metrics=metrics,
            held_out=held_out,
        ),
    )
    return registry.Summary("value", version, metrics)


def _of_fit(model: ValueModel, customers: Purchases) -> list[registry.Metric]:
    likelihood = model.orders.log_likelihood(customers.x, customers.t_x, customers.age)
    return [
        registry.Metric("orders_log_likelihood", likelihood, split="all customers"),
        registry.Metric(
            "frequency_value_correlation",
            frequency_value_correlation(customers),
            "assumed",
            0.0,
            "all repeat buyers",
        ),
        registry.Metric("repeat_buyers", float((customers.x > 0).sum()), split="all customers"),
    ]
