"""Ids do not shuffle between runs: segments are matched to the champion's by their centres."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.segment.features import Scale, dimensions, fit_scale
from ml.segment.fits import by_scikit_learn
from ml.segment.matching import matched, named_like, rescaled
from ml.segment.model import SegmentModel
from ml.segment.naming import ARCHETYPES, name_clusters

PLANTED = ((3.0, 14.0, 900.0), (10.0, 6.0, 300.0), (25.0, 2.0, 60.0), (70.0, 7.0, 400.0), (150.0, 1.0, 20.0))


def customers(seed: int, shift: float = 0.0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    rows = [np.array(kind) * np.exp(draw.normal(shift, 0.15, (80, 3))) for kind in PLANTED]
    return pd.DataFrame(np.concatenate(rows), columns=["recency_days", "frequency", "monetary_amount"])


def fitted(rfm: pd.DataFrame, seed: int, champion: SegmentModel | None) -> SegmentModel:
    values = dimensions(rfm, None)
    scale = fit_scale(values)
    centres = by_scikit_learn(scale.apply(values))(len(PLANTED), seed)
    names = named_like(centres, scale, champion)
    order = np.argsort([name.segment_id for name in names])
    return SegmentModel(scale, centres[order], [names[place] for place in order])


def ids(model: SegmentModel, rfm: pd.DataFrame) -> np.ndarray:
    return model.predict(rfm)["segment_id"].to_numpy()


@pytest.mark.parametrize("seed", range(5))
def test_ids_do_not_shuffle_between_runs(seed: int) -> None:
    first, later = customers(1), customers(2, shift=0.1)  # a week on: everybody a tenth further in everything
    champion = fitted(first, 7, None)
    challenger = fitted(later, seed, champion)
    assert (ids(challenger, later) == ids(champion, first)).mean() > 0.99  # the same kinds in the same order


def test_ids_are_the_champions_even_where_its_names_would_not_be_given_today() -> None:
    first = customers(1)
    champion = fitted(first, 7, None)
    turned = SegmentModel(champion.scale, champion.centres, [ARCHETYPES[n] for n in (7, 5, 3, 1, 0)])
    assert [kind.segment_id for kind in name_clusters(champion.centres)] != [8, 6, 4, 2, 1]
    assert (ids(fitted(first, 11, turned), first) == ids(turned, first)).all()


def test_a_group_that_moved_beyond_the_middle_is_new_and_takes_a_free_name() -> None:
    scale = Scale(np.zeros(4), np.ones(4))
    before = np.array([[0.0, 0, 0, 0], [2.0, 0, 0, 0], [0, 6.0, 0, 0]])
    champion = SegmentModel(scale, before, [ARCHETYPES[0], ARCHETYPES[1], ARCHETYPES[7]])
    now = np.array([[0, 6.1, 0, 0], [0.0, 0, 1.1, 0], [2.9, 0, 0, 0], [1.3, -0.9, -1.1, 0.0]])
    assert matched(now, before) == [2, None, 1, None]  # 1.1 and more away: over half of the 2.0 to the next centre
    names = named_like(now, scale, champion)
    assert (names[0], names[2]) == (ARCHETYPES[7], ARCHETYPES[1])
    assert len({kind.segment_id for kind in names}) == 4
    assert {names[1].segment_id, names[3].segment_id} & {2, 8} == set()


def test_centres_keep_their_place_when_the_scale_changes() -> None:
    own, other = Scale(np.array([1.0, 2.0]), np.array([0.5, 2.0])), Scale(np.array([0.0, 1.0]), np.array([1.0, 4.0]))
    centre = np.array([[2.0, -1.0]])  # logs 1 + 2 x 0.5 = 2 and 2 - 1 x 2 = 0
    assert rescaled(centre, own, other).tolist() == [[2.0, -0.25]]
    assert rescaled(rescaled(centre, own, other), other, own).tolist() == centre.tolist()
