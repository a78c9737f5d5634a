"""Which of two segmentations describes today's customers better: measured on a fifth that neither twin has seen."""

from __future__ import annotations

import numpy as np

from ml.arrays import Floats
from ml.comparisons import Judge, Rivals, Twins
from ml.held_out import is_held_out
from ml.promotion import Judged
from ml.segment.evaluate import Labels, silhouettes
from ml.segment.features import read_customers
from ml.segment.matching import rescaled
from ml.segment.model import SegmentModel, load


def measure(rivals: Rivals, twins: Twins) -> Judged | str:
    """Squared distance of each held-out customer to the centre of their segment, in today's standard deviations.

    Where the numbers of segments differ, more of them would always win by distance: then by silhouette.
    """
    customers = read_customers(rivals.spark, rivals.as_of)
    customers = customers[is_held_out(customers["customer_id"])]
    champion, challenger = twins.champion, twins.challenger
    if customers.empty:
        return "no customer is held out"
    points = challenger.points(customers)
    labels = [model.place(customers) for model in (champion, challenger)]
    unit = "held-out customers"
    if len(champion.centres) == len(challenger.centres):
        far = [_distances(points, model, own, challenger) for model, own in zip((champion, challenger), labels)]
        return Judged("cost", "lower", unit, far[0], far[1])
    apart = [silhouettes(points, own) for own in labels]
    return Judged("silhouette", "higher", unit, apart[0], apart[1])


def _distances(points: Floats, model: SegmentModel, labels: Labels, today: SegmentModel) -> Floats:
    centres = rescaled(model.centres, model.scale, today.scale)
    return np.asarray(((points - centres[labels]) ** 2).sum(axis=1))


JUDGE = Judge(load, measure)
