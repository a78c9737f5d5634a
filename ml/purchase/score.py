"""The purchase probability of every customer, and what speaks most for or against it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from lakehouse.settings import Settings
from ml import registry, tables
from ml.happenings import read_happenings
from ml.purchase.features import SPANS, Customers, customers_at, cuts, is_enough, outcomes
from ml.purchase.model import PurchaseModel, load

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def score(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Write `ml.purchase_predictions` by the champion; empty where there is too little to learn from.

    Raises:
        LakehouseError: there is enough to learn from and no champion.
    """
    activity = read_happenings(settings)
    days = cuts(activity, as_of)
    if days is None or not all(map(is_enough, outcomes(activity, as_of, days.learn, days.judge))):
        tables.write_empty(spark, settings, "purchase_predictions")
        return registry.Summary("purchase", registry.NO_MODEL, [])
    version, folder = registry.champion(settings, "purchase")
    model = load(folder)
    customers = customers_at(activity, as_of, model.lookback)
    columns = {**predictions(model, customers), "model_version": version}
    rows = tables.write(spark, settings, "purchase_predictions", columns)
    return registry.Summary("purchase", version, [], rows)


def predictions(model: PurchaseModel, customers: Customers) -> dict[str, Any]:
    """Columns of one row per customer.

    `reason_feature` is the feature with the contribution farthest from 0, `reason_effect` that contribution: what it
    adds to the forest's probability, before calibration, beside the mean of the customers learnt from. `reason_value`
    is the feature's value, none where it is a span that there is none of.
    """
    rows = model.rows(customers)
    first, kind = model.forest.alike(rows)  # of 134,055 customers 96,643 are told apart
    raw = model.forest.probability(rows[first])
    contributions = model.forest.contributions(rows[first])
    strongest = np.abs(contributions).argmax(axis=1)
    effect = contributions[np.arange(len(first)), strongest][kind]
    names, place = np.array(model.names, dtype=object), strongest[kind]
    value = rows[np.arange(len(rows)), place]
    is_none = np.isin(names[place], SPANS) & (value > model.lookback)
    probability = model.calibrate(raw)[kind]
    return {
        "customer_id": customers.ids,
        "purchase_probability": probability,
        "decile": deciles(probability),
        "reason_feature": names[place],
        "reason_value": np.where(is_none, np.nan, value),
        "reason_effect": effect,
    }


def deciles(probability: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Tenth of all customers by probability, 10 is the likeliest; equal ones share the tenth of the first of them."""
    less = np.searchsorted(np.sort(probability), probability, side="left")
    return 1 + 10 * less // max(1, len(probability))
