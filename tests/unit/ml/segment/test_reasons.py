"""A reason is the dimension without which a customer would be nearest to their centre by the least."""

from __future__ import annotations

import numpy as np
import pytest

from ml.segment.evaluate import nearest_centre, squared_distances
from ml.segment.features import DIMENSIONS, Scale
from ml.segment.model import SegmentModel
from ml.segment.naming import ARCHETYPES, EVERYBODY
from ml.segment.reasons import contributions, reasons
from ml.segment.score import why

RNG = np.random.default_rng(3)
CENTRES = RNG.normal(size=(8, len(DIMENSIONS))) * 1.5
POINTS = RNG.normal(size=(500, len(DIMENSIONS)))
PLACE = nearest_centre(POINTS, CENTRES)


def test_the_other_centre_is_the_second_nearest() -> None:
    found = reasons(POINTS, CENTRES, PLACE)
    assert (found.other == squared_distances(POINTS, CENTRES).argsort(axis=1)[:, 1]).all()


def test_contributions_add_up_to_how_much_nearer_the_own_centre_is() -> None:
    far = squared_distances(POINTS, CENTRES)
    other = far.argsort(axis=1)[:, 1]
    added = contributions(POINTS, CENTRES[PLACE], CENTRES[other])
    rows = np.arange(len(POINTS))
    assert added.sum(axis=1) == pytest.approx(far[rows, other] - far[rows, PLACE])


def test_the_reason_is_the_dimension_whose_absence_takes_most_of_the_lead() -> None:
    found = reasons(POINTS, CENTRES, PLACE)
    for point, place, other, strongest, effect in zip(POINTS, PLACE, *found, strict=True):

        def lead(of: np.ndarray, place: int = place, other: int = other) -> float:
            from_own, from_other = (np.linalg.norm((of - CENTRES)[which]) ** 2 for which in (place, other))
            return float(from_other - from_own)

        without = []
        for dimension in range(len(DIMENSIONS)):
            aside = point.copy()
            aside[dimension] = (CENTRES[place, dimension] + CENTRES[other, dimension]) / 2  # as near to both
            without.append(lead(aside))
        assert strongest == np.argmin(without)
        assert effect == pytest.approx(lead(point) - min(without))
        assert effect >= lead(point) / len(DIMENSIONS) > 0


def test_the_reason_lies_on_the_own_side_of_the_middle() -> None:
    found = reasons(POINTS, CENTRES, PLACE)
    rows = np.arange(len(POINTS))
    own, other = CENTRES[PLACE, found.strongest], CENTRES[found.other, found.strongest]
    beyond = (POINTS[rows, found.strongest] - (own + other) / 2) * np.sign(own - other)
    assert (beyond > 0).all()
    assert len(set(found.strongest)) == len(DIMENSIONS)


def test_between_two_centres_nothing_speaks_for_either_and_beside_none_there_is_no_other() -> None:
    centres = np.zeros((2, len(DIMENSIONS)))
    centres[:, 0] = [-1.0, 1.0]
    middle = np.zeros((1, len(DIMENSIONS)))
    found = reasons(middle, centres, np.array([0]))
    assert (found.other.tolist(), found.strongest.tolist()) == ([1], [-1])
    assert np.isnan(found.effect).all()
    alone = reasons(POINTS, CENTRES[:1], np.zeros(500, dtype=np.int64))
    assert set(alone.other) == set(alone.strongest) == {-1}


def test_it_is_told_with_the_value_before_scaling() -> None:
    """Champions lie at 2 and Lost at 100 days since the last order; all else is the same."""
    scale = Scale(np.zeros(len(DIMENSIONS)), np.ones(len(DIMENSIONS)))
    values = np.full((3, len(DIMENSIONS)), 5.0)
    values[:, 0] = [2.0, 100.0, 7.0]
    points = scale.apply(values)
    model = SegmentModel(scale, points[:2], [ARCHETYPES[0], ARCHETYPES[7]])
    told = why(model, points, values, np.array([0, 1, 0]))
    assert told["next_segment_name"].tolist() == ["Lost", "Champions", "Lost"]
    assert told["reason_feature"].tolist() == ["recency_days"] * 3
    assert told["reason_value"].tolist() == [2.0, 100.0, 7.0]
    far = np.log(101 / 3) ** 2
    assert told["reason_effect"].tolist() == pytest.approx([far, far, np.log(101 / 8) ** 2 - np.log(8 / 3) ** 2])
    everybody = SegmentModel(scale, points[:1], [EVERYBODY])
    alone = why(everybody, points, values, np.zeros(3, dtype=np.int64))
    assert alone["reason_feature"].tolist() == alone["next_segment_name"].tolist() == [None] * 3
    assert np.isnan(alone["reason_value"]).all()
