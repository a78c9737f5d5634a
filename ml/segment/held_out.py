"""The customers as they were grouped. Nothing came later that a grouping could be held against."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.arrays import Floats
from ml.held_out import HeldOut
from ml.intervals import mean, share
from ml.segment.evaluate import nearest_centre, silhouettes
from ml.segment.model import SegmentModel


def held_out(customer: npt.NDArray[np.object_], points: Floats, model: SegmentModel) -> HeldOut:
    """One row per customer: how well apart they lie, and which segment they are in.

    Args:
        points: scaled, customers x dimensions.
    """
    place = nearest_centre(points, model.centres)
    apart = silhouettes(points, place)
    name = np.array([kind.name for kind in model.names], dtype=object)[place]
    in_each = {f"share in {own}": share((name == own).astype(np.float64)) for own in sorted(set(name))}
    return HeldOut(
        customer, {"silhouette": (mean(apart), mean(np.zeros(len(apart))))}, {**in_each, "silhouette": mean(apart)}
    )
