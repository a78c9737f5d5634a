"""Fit K-means for k from 2 to 8, take the elbow, name the groups, register."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from lakehouse.settings import Settings
from ml import registry, tables
from ml.concurrency import each
from ml.segment.evaluate import cost, elbow, nearest_centre, silhouette
from ml.segment.features import READS, Floats, dimensions, fit_scale, read_rfm
from ml.segment.fits import fits_of
from ml.segment.model import SegmentModel
from ml.segment.naming import name_clusters

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

KS = range(2, 9)
MOST_FOR_ELBOW = 20_000
"""The curve is drawn on at most so many customers, evenly spaced by id; the chosen k is fitted on all of them."""


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Register a champion for `segment` and write the curve to `ml.segment_elbow`."""
    rfm = read_rfm(spark, as_of)
    if rfm.empty:
        tables.write_empty(spark, settings, "segment_elbow")
        return registry.nothing_to_learn("segment")
    values = dimensions(rfm)
    scale = fit_scale(values)
    points = scale.apply(values)
    step = -(-len(points) // MOST_FOR_ELBOW)
    curve = draw_curve(spark, points[::step], seed)
    chosen = elbow(list(curve), [cost(points[::step], centres) for centres in curve.values()])
    centres = curve[chosen] if step == 1 else fits_of(spark, points)(chosen, seed)
    names = name_clusters(centres)
    order = np.argsort([name.segment_id for name in names])
    model = SegmentModel(scale, centres[order], [names[place] for place in order])
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
        ),
    )
    curve = {k: found for k, found in curve.items() if k > 1}  # one group is no point of the curve
    labels = {k: nearest_centre(points[::step], found) for k, found in curve.items()}
    tables.write(
        spark,
        settings,
        "segment_elbow",
        {
            "k": list(curve),
            "cost": [cost(points[::step], found) for found in curve.values()],
            "silhouette": [silhouette(points[::step], labels[k]) for k in curve],
            "is_chosen": [k == chosen for k in curve],
            "model_version": version,
        },
    )
    return registry.Summary("segment", version, metrics)


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
