from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ml.segment.naming import ARCHETYPES, name_clusters


def names(centres: list[list[float]]) -> list[str]:
    return [kind.name for kind in name_clusters(np.array(centres))]


def test_recent_frequent_and_rich_are_champions_and_long_gone_one_timers_are_lost() -> None:
    assert names([[1.4, -1.0, -1.2, 0.0], [-1.3, 1.6, 1.4, 0.0]]) == ["Lost", "Champions"]


def test_good_customers_who_have_gone_quiet_are_at_risk_and_recent_small_ones_are_new() -> None:
    assert names([[0.9, 0.9, 1.0], [-1.3, -0.9, -0.8], [0.8, -0.7, -0.4]]) == ["At risk", "New", "Hibernating"]


@given(arrays(float, st.tuples(st.integers(2, 8), st.just(4)), elements=st.floats(-5, 5)))
def test_no_two_groups_share_a_name(centres: np.ndarray) -> None:
    found = names(centres.tolist())
    assert len(set(found)) == len(found)


def test_one_group_is_everybody() -> None:
    assert names([[0.0, 0.0, 0.0]]) == ["All customers"]


def test_ids_and_names_of_the_kinds_are_unique() -> None:
    assert len({kind.segment_id for kind in ARCHETYPES}) == len({kind.name for kind in ARCHETYPES}) == 8
