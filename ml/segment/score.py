"""The segment of every customer with a sale, what each segment looks like, and by what they differ."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from lakehouse.settings import Settings
from ml import registry, tables
from ml.arrays import Floats
from ml.segment.evaluate import Labels, evaluate_segmentation, nearest_centre
from ml.segment.features import BESIDE, DIMENSIONS, dimensions, read_customers
from ml.segment.model import SegmentModel, load
from ml.segment.reasons import reasons
from ml.segment.sentences import ACTIONS

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import SparkSession


def score(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Write `ml.customer_segments`, `ml.segment_profiles` and `ml.segment_tests` by the champion, and its curve to
    `ml.segment_elbow`.
    """
    customers = read_customers(spark, as_of)
    if customers.empty:
        tables.write_empty(spark, settings, "customer_segments", "segment_profiles", "segment_elbow", "segment_tests")
        return registry.Summary("segment", registry.NO_MODEL, [])
    version, folder = registry.champion(settings, "segment")
    model = load(folder)
    values = dimensions(customers, model.value)
    points = model.scale.apply(values)
    place = nearest_centre(points, model.centres)
    names = np.array([kind.name for kind in model.names], dtype=object)
    actions = np.array([ACTIONS[kind.segment_id].told(settings.language) for kind in model.names], dtype=object)
    ids = np.array([kind.segment_id for kind in model.names])
    rows = tables.write(
        spark,
        settings,
        "customer_segments",
        {
            "customer_id": customers["customer_id"].to_numpy(),
            "segment_id": ids[place],
            "segment_name": names[place],
            "action": actions[place],
            **why(model, points, values, place),
            "model_version": version,
        },
    )
    count = np.bincount(place, minlength=len(ids))

    def mean(column: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.bincount(place, customers[column], minlength=len(ids))[count > 0] / count[count > 0]

    cents = np.round(customers["monetary_amount"].to_numpy() * 100).astype(np.int64)
    revenue = [Decimal(int(cents[place == own].sum())) / 100 for own in np.flatnonzero(count)]
    tables.write(
        spark,
        settings,
        "segment_profiles",
        {
            "segment_id": ids[count > 0],
            "segment_name": names[count > 0],
            "action": actions[count > 0],
            "customer_count": count[count > 0],
            "recency_days": mean("recency_days"),
            "frequency": mean("frequency"),
            "monetary_amount": mean("monetary_amount"),
            "revenue_amount": revenue,
            "model_version": version,
        },
    )
    tables.write(
        spark,
        settings,
        "segment_elbow",
        {
            "k": [tried.k for tried in model.curve],
            "cost": [tried.cost for tried in model.curve],
            "silhouette": [tried.silhouette for tried in model.curve],
            "is_chosen": [tried.k == len(model.centres) for tried in model.curve],
            "model_version": version,
        },
    )
    tables.write(spark, settings, "segment_tests", {**feature_tests(model, customers, place), "model_version": version})
    return registry.Summary("segment", version, [], rows)


def why(model: SegmentModel, points: Floats, values: Floats, place: Labels) -> dict[str, Any]:
    """Columns of one row per customer: the next nearest segment, and the dimension that decides against it most.

    Args:
        points: scaled, customers x dimensions; `values`: the same in days, counts and money.
    """
    found = reasons(points, model.centres, place)
    names = np.array([*(kind.name for kind in model.names), None], dtype=object)
    told = values[np.arange(len(values)), found.strongest]
    return {
        "next_segment_name": names[found.other],
        "reason_feature": np.array([*DIMENSIONS, None], dtype=object)[found.strongest],
        "reason_value": np.where(found.strongest >= 0, told, np.nan),
        "reason_effect": found.effect,
    }


def feature_tests(model: SegmentModel, customers: pd.DataFrame, place: Labels) -> dict[str, list[Any]]:
    """Columns of one row per feature: those that the segments were made of, then those beside them.

    Money, days and counts are compared as the model sees them, by their logarithms, the others as they are.
    """
    beside = customers[list(BESIDE)].to_numpy(dtype=np.float64)
    found = evaluate_segmentation(
        np.hstack([model.points(customers), beside]), place, (*DIMENSIONS, *BESIDE), DIMENSIONS
    )
    told = [asdict(one) for one in found]
    return {name: [one[name] for one in told] for name in told[0]}
