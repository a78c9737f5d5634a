"""What a group of customers is called, and what to do with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from ml.arrays import Floats
from ml.segment.sentences import ACTIONS


@dataclass(frozen=True)
class Archetype:
    """A kind of customer, by where it stands among all: recency, frequency and money in standard deviations."""

    segment_id: int
    name: str
    action: str
    recency: float
    frequency: float
    monetary: float


ARCHETYPES = (
    Archetype(1, "Champions", ACTIONS[1].en, -1.2, 1.5, 1.5),
    Archetype(2, "Loyal", ACTIONS[2].en, -0.5, 0.7, 0.7),
    Archetype(3, "Promising", ACTIONS[3].en, -0.6, -0.2, 0.1),
    Archetype(4, "New", ACTIONS[4].en, -1.2, -0.9, -0.8),
    Archetype(5, "Needs attention", ACTIONS[5].en, 0.2, 0.1, 0.2),
    Archetype(6, "At risk", ACTIONS[6].en, 0.9, 0.8, 0.9),
    Archetype(7, "Hibernating", ACTIONS[7].en, 0.7, -0.7, -0.5),
    Archetype(8, "Lost", ACTIONS[8].en, 1.3, -0.9, -1.1),
)
EVERYBODY = Archetype(0, "All customers", ACTIONS[0].en, 0.0, 0.0, 0.0)


def name_clusters(centres: Floats, kinds: Sequence[Archetype] = ARCHETYPES) -> list[Archetype]:
    """A different archetype for each centre, the assignment with the smallest total squared distance.

    Solved as a linear assignment (Kuhn 1955), so that no two groups share a name and none is named against its
    position only because another came first. A single group, where all kinds are free, is everybody.

    Args:
        centres: clusters x dimensions (recency, frequency, monetary first), in standard deviations; at most as many
            as there are kinds.
        kinds: those that are free.
    """
    if len(centres) == 1 and len(kinds) == len(ARCHETYPES):
        return [EVERYBODY]
    places = np.array([[kind.recency, kind.frequency, kind.monetary] for kind in kinds])
    distance = ((centres[:, None, :3] - places[None, :, :]) ** 2).sum(axis=2)
    _, chosen = linear_sum_assignment(distance)
    return [kinds[place] for place in chosen]
