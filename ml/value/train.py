"""Fit BG/NBD and Gamma-Gamma to all customers with a sale, judge the same fit on a later period, register."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

from lakehouse.settings import Settings
from ml import registry, tables
from ml.training import Fit, registered
from ml.value.evaluate import frequency_value_correlation, measure
from ml.value.features import INPUTS, READS, Purchases, read_purchases
from ml.value.model import ValueModel, can_be_learnt, learn

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Register a model of `value`; there is nothing to learn where fewer came back than can be fitted."""
    customers = read_purchases(settings)
    if not can_be_learnt(customers):
        tables.write_empty(spark, settings, "customer_value")
        return registry.nothing_to_learn("value")
    model = learn(customers)
    measured = measure(spark, settings, customers, as_of)
    twin = measured.model
    fit = Fit(
        "value",
        model.save,
        dict.fromkeys(INPUTS, "double"),
        {
            **asdict(model.orders),
            **({} if model.amounts is None else asdict(model.amounts)),
            "mean_amount": model.mean_amount,
        },
        READS,
        [*measured.metrics, *_of_fit(model, customers)],
        None if twin is None else registry.Twin(twin.save, str(measured.cut)),
        measured.held_out,
    )
    return registered(settings, fit, as_of, seed)


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
