"""Silver against the generator's hidden truth: what was planted is found, and what is sound is left alone."""

from __future__ import annotations

import pytest

from benchmarks.planted_defects import DefectRate, measure
from tests.integration.conftest import Shop

#: Kinds of defect that the generator must plant, so that a kind that it forgets does not pass unseen.
KINDS = 15


@pytest.fixture(scope="module")
def rates(shop: Shop) -> list[DefectRate]:
    return measure(shop.settings, shop.files)


def test_every_kind_of_defect_was_planted(rates: list[DefectRate]) -> None:
    assert len({rate.kind for rate in rates}) == KINDS
    assert all(rate.planted > 0 for rate in rates)


def test_at_least_99_percent_of_the_planted_defects_of_every_kind_are_found(rates: list[DefectRate]) -> None:
    missed = [f"{r.kind} in {r.entity}.{r.column}: {r.found} of {r.planted}" for r in rates if r.found_rate < 0.99]
    assert not missed, "\n".join(missed)


def test_at_most_one_sound_row_in_a_thousand_is_taken_for_a_defect(rates: list[DefectRate]) -> None:
    wolves = [
        f"{r.kind} in {r.entity}.{r.column}: {r.false_alarms} of {r.sound_rows}"
        for r in rates
        if r.false_alarm_rate > 0.001
    ]
    assert not wolves, "\n".join(wolves)
