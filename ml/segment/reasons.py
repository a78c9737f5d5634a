"""Why a customer is in their segment and not in the next one: what each dimension adds to being nearer to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ml.arrays import Floats
from ml.segment.evaluate import Labels, squared_distances


class Reasons(NamedTuple):
    """One element per customer.

    Args:
        other: position of the next nearest centre, -1 where there is one centre only.
        strongest: position of the dimension with the largest contribution, -1 where none is above 0.
        effect: that contribution, in squared standard deviations of log1p; NaN where there is none.
    """

    other: Labels
    strongest: Labels
    effect: Floats


def contributions(points: Floats, own: Floats, other: Floats) -> Floats:
    """Points x dimensions: (x - other)^2 - (x - own)^2, which is above 0 on the own centre's side of the middle.

    A row adds up to how much nearer, in squared Euclidean distance, the point is to its own centre than to the other.
    That is all that K-means goes by, so what it goes by most is the largest of them.

    >>> contributions(np.array([[1.0, 0.0]]), np.array([[2.0, 0.0]]), np.array([[-1.0, 1.0]])).tolist()
    [[3.0, 1.0]]
    """
    return np.asarray((points - other) ** 2 - (points - own) ** 2)


def reasons(points: Floats, centres: Floats, place: Labels) -> Reasons:
    """What puts each point nearest to its centre, beside the next nearest one; the first of equal dimensions.

    Args:
        points: scaled, customers x dimensions.
        place: position of each one's centre, the nearest.
    """
    nowhere: npt.NDArray[np.int64] = np.full(len(points), -1, dtype=np.int64)
    if len(centres) < 2:
        return Reasons(nowhere, nowhere, np.full(len(points), np.nan))
    rows = np.arange(len(points))
    far = squared_distances(points, centres)
    far[rows, place] = np.inf
    other = far.argmin(axis=1)
    added = contributions(points, centres[place], centres[other])
    strongest = added.argmax(axis=1)
    effect = added[rows, strongest]
    return Reasons(other, np.where(effect > 0, strongest, -1), np.where(effect > 0, effect, np.nan))
