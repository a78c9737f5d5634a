"""Fit K-means for k from 2 to 8, take the elbow, name the groups, register."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from lakehouse.settings import Settings
from ml import champions, registry, tables
from ml.concurrency import each
from ml.segment.compare import is_held_out
from ml.segment.evaluate import cost, elbow, nearest_centre, silhouette
from ml.segment.features import READS, Floats, dimensions, fit_scale, read_rfm
from ml.segment.fits import fits_of
from ml.segment.held_out import held_out
from ml.segment.matching import named_like
from ml.segment.model import SegmentModel, Tried, load
from ml.segment.naming import name_clusters
from ml.segment.plots import elbow_plot

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

KS = range(2, 9)
MOST_FOR_ELBOW = 20_000
"""The curve is drawn on at most so many customers, evenly spaced by id; the chosen k is fitted on all of them."""


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Register a model of `segment` whose segments keep the ids that they have in the champion."""
    rfm = read_rfm(spark, as_of)
    if rfm.empty:
        return registry.nothing_to_learn("segment")
    values = dimensions(rfm)
    scale = fit_scale(values)
    points = scale.apply(values)
    step = -(-len(points) // MOST_FOR_ELBOW)
    curve = draw_curve(spark, points[::step], seed)
    chosen = elbow(list(curve), [cost(points[::step], centres) for centres in curve.values()])
    centres = curve[chosen] if step == 1 else fits_of(spark, points)(chosen, seed)
    names = named_like(centres, scale, _champion(settings))
    order = np.argsort([name.segment_id for name in names])
    tried = [_tried(points[::step], k, found) for k, found in curve.items() if k > 1]  # one group is no point of it
    model = SegmentModel(scale, centres[order], [names[place] for place in order], tried)
    metrics = _metrics(points, model, len(rfm))
    version = registry.register(
        settings,
        registry.Training(
            task="segment",
            loader="ml.segment.model",
            save=model.save,
            inputs={"recency_days": "double", "frequency": "double", "monetary_amount": "double"},
            parameters={"k": chosen, "k_tried": f"{KS[0]}..{KS[-1]}", "seed": seed, "as_of": as_of},
            data_versions=tables.gold_versions(settings, READS),
            metrics=metrics,
            columns=tables.gold_columns(settings, READS),
            twin=_twin(spark, values[~is_held_out(rfm["customer_id"])], chosen, seed),
            plots={"elbow": lambda: elbow_plot(tried, chosen)},
            held_out=held_out(rfm["customer_id"].to_numpy(dtype=object), points, model),
        ),
    )
    return registry.Summary("segment", version, metrics)


def _tried(points: Floats, k: int, centres: Floats) -> Tried:
    return Tried(k, cost(points, centres), silhouette(points, nearest_centre(points, centres)))


def _twin(spark: SparkSession, values: Floats, k: int, seed: int) -> registry.Twin | None:
    """The same number of segments without the held-out customers; None where too few are left."""
    if len(np.unique(np.round(values, 9), axis=0)) <= k:
        return None
    scale = fit_scale(values)
    points = scale.apply(values)
    centres = points.mean(axis=0, keepdims=True) if k == 1 else fits_of(spark, points)(k, seed)
    return registry.Twin(SegmentModel(scale, centres, name_clusters(centres)).save)


def _champion(settings: Settings) -> SegmentModel | None:
    """The model whose ids are kept; None where there is none that can be loaded."""
    serving = champions.throne(settings, "segment").champion
    if serving is None or serving.trained is None:
        return None
    try:
        return load(registry.champion(settings, "segment")[1])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # other code wrote it; the training's verdict says so


def draw_curve(spark: SparkSession, points: Floats, seed: int) -> dict[int, Floats]:
    """Centres for every k of `KS` that the points allow; one centre where fewer than three points differ."""
    different = len(np.unique(np.round(points, 9), axis=0))
    ks = [k for k in KS if k < different] or ([2] if different == 2 else [1])
    if ks == [1]:
        return {1: points.mean(axis=0, keepdims=True)}
    fit = fits_of(spark, points)
    return dict(zip(ks, each(lambda k: fit(k, seed), ks), strict=True))


def _metrics(points: Floats, model: SegmentModel, customers: int) -> list[registry.Metric]:
    labels = nearest_centre(points, model.centres)
    total = cost(points, points.mean(axis=0, keepdims=True))
    return [
        registry.Metric("silhouette", silhouette(points, labels), "one group", 0.0, "all customers"),
        registry.Metric("cost", cost(points, model.centres), "one group", total, "all customers"),
        registry.Metric("segments", float(len(model.centres)), "one group", 1.0, "all customers"),
        registry.Metric("customers", float(customers), split="all customers"),
    ]
