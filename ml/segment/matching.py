"""Segments keep their ids: a new clustering's groups are matched to the champion's by their centres."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from ml.arrays import Floats
from ml.segment.evaluate import squared_distances
from ml.segment.features import Scale
from ml.segment.model import SegmentModel
from ml.segment.naming import ARCHETYPES, Archetype, name_clusters

FARTHEST = 0.5
"""Of the way from a champion's centre to the next of its centres: beyond the middle it would be another segment."""


def rescaled(centres: Floats, own: Scale, other: Scale) -> Floats:
    """Centres of one scale on another; a dimension without variance in its own scale is at that scale's mean."""
    logs = centres * own.deviation + own.mean
    return np.asarray((logs - other.mean) / np.where(other.deviation > 1e-12, other.deviation, np.inf))


def matched(centres: Floats, before: Floats) -> list[int | None]:
    """For each centre the earlier centre that it continues, None for a new group.

    The pairs with the smallest sum of squared distances (Kuhn 1955), without those that moved by more than `FARTHEST`.

    Args:
        centres, before: clusters x dimensions on the same scale, in any order.
    """
    distance = squared_distances(centres, before)
    between = squared_distances(before, before)
    np.fill_diagonal(between, np.inf)
    reach = FARTHEST**2 * between.min(axis=1)
    found: list[int | None] = [None] * len(centres)
    for row, column in zip(*linear_sum_assignment(distance), strict=True):
        if distance[row, column] < reach[column]:
            found[row] = int(column)
    return found


def named_like(centres: Floats, scale: Scale, champion: SegmentModel | None) -> list[Archetype]:
    """The kind of each centre: that of the champion's segment which it continues, else by where it stands.

    Args:
        champion: the model whose ids are kept; None where there is none.
    """
    if champion is None or min(len(centres), len(champion.centres)) < 2:
        return name_clusters(centres)
    if champion.centres.shape[1] != centres.shape[1]:
        return name_clusters(centres)
    earlier = matched(centres, rescaled(champion.centres, champion.scale, scale))
    kept = [None if place is None else champion.names[place] for place in earlier]
    taken = {kind.segment_id for kind in kept if kind is not None}
    new = [number for number, kind in enumerate(kept) if kind is None]
    free = [kind for kind in ARCHETYPES if kind.segment_id not in taken]
    named = dict(zip(new, name_clusters(centres[new], free), strict=True)) if new else {}
    return [named[number] if kind is None else kind for number, kind in enumerate(kept)]
