"""Fit K-means for k from 2 to 8, take one of them, name the groups, register."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from lakehouse.errors import LakehouseError
from lakehouse.settings import Settings
from ml import champions, registry, tables
from ml.arrays import Floats
from ml.concurrency import each
from ml.held_out import is_held_out
from ml.segment.evaluate import (
    Labels,
    agreements,
    cost,
    evaluate_segmentation,
    how_many,
    nearest_centre,
    silhouette,
)
from ml.segment.features import DIMENSIONS, INPUTS, READS, dimensions, fit_scale, fit_value, read_customers
from ml.segment.fits import MOST_IN_PROCESS, fits_of
from ml.segment.held_out import held_out
from ml.segment.matching import named_like
from ml.segment.model import SegmentModel, Tried, load
from ml.segment.naming import name_clusters
from ml.segment.plots import elbow_plot

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import SparkSession

KS = range(2, 9)
MOST_FOR_ELBOW = MOST_IN_PROCESS
"""The curve is drawn on at most so many customers, evenly spaced by id; the chosen k is fitted on all of them."""
SEEDS = 5
"""By how many seeds it is tried whether the groups are the same; on the customers that the curve is drawn on."""


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Register a model of `segment` whose segments keep the ids that they have in the champion."""
    customers = read_customers(spark, as_of)
    if customers.empty:
        return registry.nothing_to_learn("segment")
    value = fit_value(customers)
    values = dimensions(customers, value)
    scale = fit_scale(values)
    points = scale.apply(values)
    step = -(-len(points) // MOST_FOR_ELBOW)
    some = points[::step]
    curve = draw_curve(spark, some, seed)
    tried = [_tried(some, k, found) for k, found in curve.items()]
    chosen = how_many(list(curve), [one.cost for one in tried], [one.silhouette for one in tried])
    centres = curve[chosen] if step == 1 else fits_of(spark, points)(chosen, seed)
    names = named_like(centres, scale, _champion(settings))
    order = np.argsort([name.segment_id for name in names])
    tried = [one for one in tried if one.k > 1]  # one group is no point of it
    model = SegmentModel(scale, centres[order], [names[place] for place in order], tried, value)
    metrics = [*_metrics(points, model), *_stability(spark, some, curve[chosen], seed)]
    version = registry.register(
        settings,
        registry.Training(
            task="segment",
            loader="ml.segment.model",
            save=model.save,
            inputs=dict.fromkeys(INPUTS, "double"),
            parameters={"k": chosen, "k_tried": f"{KS[0]}..{KS[-1]}", "seed": seed, "as_of": as_of},
            data_versions=tables.gold_versions(settings, READS),
            metrics=metrics,
            columns=tables.gold_columns(settings, READS),
            twin=_twin(spark, customers[~is_held_out(customers["customer_id"])], chosen, seed),
            plots={"elbow": lambda: elbow_plot(tried, chosen)},
            held_out=held_out(customers["customer_id"].to_numpy(dtype=object), points, model),
        ),
    )
    return registry.Summary("segment", version, metrics)


def _tried(points: Floats, k: int, centres: Floats) -> Tried:
    return Tried(k, cost(points, centres), silhouette(points, nearest_centre(points, centres)))


def _twin(spark: SparkSession, customers: pd.DataFrame, k: int, seed: int) -> registry.Twin | None:
    """The same number of segments of these customers; None where too few are left."""
    value = fit_value(customers)
    values = dimensions(customers, value)
    if len(np.unique(np.round(values, 9), axis=0)) <= k:
        return None
    scale = fit_scale(values)
    points = scale.apply(values)
    centres = points.mean(axis=0, keepdims=True) if k == 1 else fits_of(spark, points)(k, seed)
    return registry.Twin(SegmentModel(scale, centres, name_clusters(centres), value=value).save)


def _champion(settings: Settings) -> SegmentModel | None:
    """The model whose ids are kept; None where there is none that can be loaded."""
    serving = champions.throne(settings, "segment").champion
    if serving is None or serving.trained is None:
        return None
    try:
        return load(registry.champion(settings, "segment")[1])
    except (OSError, ValueError, KeyError, TypeError, LakehouseError):
        return None  # other code wrote it; the training's verdict says so


def draw_curve(spark: SparkSession, points: Floats, seed: int) -> dict[int, Floats]:
    """Centres for every k of `KS` that the points allow; one centre where fewer than three points differ."""
    different = len(np.unique(np.round(points, 9), axis=0))
    ks = [k for k in KS if k < different] or ([2] if different == 2 else [1])
    if ks == [1]:
        return {1: points.mean(axis=0, keepdims=True)}
    fit = fits_of(spark, points)
    return dict(zip(ks, each(lambda k: fit(k, seed), ks), strict=True))


def _metrics(points: Floats, model: SegmentModel) -> list[registry.Metric]:
    labels = nearest_centre(points, model.centres)
    total = cost(points, points.mean(axis=0, keepdims=True))
    everybody = "all customers"
    by_chance = (len(model.centres) - 1) / max(1, len(points) - 1)
    tests = evaluate_segmentation(points, labels, DIMENSIONS, DIMENSIONS)
    return [
        registry.Metric("silhouette", silhouette(points, labels), "one group", 0.0, everybody),
        registry.Metric("cost", cost(points, model.centres), "one group", total, everybody),
        registry.Metric("segments", float(len(model.centres)), "one group", 1.0, everybody),
        registry.Metric("customers", float(len(points)), split=everybody),
        *(
            registry.Metric(f"{name}_{test.feature}", size, "by chance", by_chance, everybody)
            for test in tests
            for name, size in (("eta_squared", test.eta_squared), ("epsilon_squared", test.epsilon_squared))
        ),
    ]


def _stability(spark: SparkSession, points: Floats, centres: Floats, seed: int) -> list[registry.Metric]:
    """How far segmentations by other seeds agree with each other and with this one; groups drawn at random have 0."""
    if len(centres) < 2:
        return []
    fit = fits_of(spark, points)
    others = each(lambda other: fit(len(centres), other), range(seed + 1, seed + SEEDS))
    labels: list[Labels] = [nearest_centre(points, found) for found in (centres, *others)]
    told = agreements(labels)
    split = f"{SEEDS} seeds"
    return [
        registry.Metric("stability", float(np.median(told)), "by chance", 0.0, split),
        registry.Metric("stability_minimum", min(told), "by chance", 0.0, split),
    ]
