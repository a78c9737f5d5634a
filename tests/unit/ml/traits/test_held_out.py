"""What is kept of the rows that judged: measures with intervals, and whose each row is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lakehouse.settings import Settings, load_settings
from ml.appraisal import appraised
from ml.fairness import fairness
from ml.held_out import HeldOut, with_intervals
from ml.registry import Metric, Training
from ml.traits.evaluate import Half, gender_metrics, halves, judged_gender, judged_people, spending_metrics
from ml.traits.features import People, read_both
from ml.traits.gender import NAME
from ml.traits.held_out import gender_held_out, spending_held_out
from ml.traits.learn import Later, learn_gender, learn_spending
from ml.traits.spending import SpendingModel
from tests.unit.ml.traits.shop import AS_OF, write
from tests.unit.ml.traits.test_gender import shop
from tests.unit.ml.traits.test_spending import rows

COUNTS = ("_threshold", "_people", "_buyers")
"""Endings of what is no measure of rows."""
TODAY = date(2025, 6, 30)


@pytest.fixture(scope="module")
def people() -> tuple[list[Half], list[Metric], People]:
    seen, everybody = shop(2000)
    learnt = learn_gender(seen, everybody, 100, True)
    assert learnt is not None
    both = halves(*learnt)
    return both, gender_metrics(learnt[0], both), everybody


@pytest.fixture(scope="module")
def buyers(tmp_path_factory: pytest.TempPathFactory) -> tuple[SpendingModel, Later]:
    settings = load_settings(home=tmp_path_factory.mktemp("buyers") / "home")
    write(settings, rows())
    seen, _, days = read_both(settings, AS_OF)
    assert days is not None
    learnt = learn_spending(seen, days)
    assert learnt is not None
    return learnt


def with_all(metrics: list[Metric], parts: list[HeldOut]) -> dict[str, Metric]:
    for part in parts:
        metrics = with_intervals(metrics, part, 7)
    return {one.name: one for one in metrics}


def test_every_measure_of_people_and_of_buyers_has_an_interval(
    people: tuple[list[Half], list[Metric], People], buyers: tuple[SpendingModel, Later]
) -> None:
    both, metrics, _ = people
    parts = [*gender_held_out(both), spending_held_out(*buyers)]
    told = with_all([*metrics, *spending_metrics(*buyers)], parts)
    measured = {name for name in told if not name.endswith(COUNTS)}
    assert {name for name, one in told.items() if one.interval_low is not None} == measured
    assert len(measured) == 15 + 6
    for name in measured:
        one = told[name]
        assert one.interval_low is not None
        assert one.interval_high is not None
        assert one.interval_low <= one.value <= one.interval_high
        assert (one.lead_low is None) == (one.baseline is None), name


def test_the_interval_of_a_share_is_that_of_the_binomial(people: tuple[list[Half], list[Metric], People]) -> None:
    both, metrics, _ = people
    told = with_all(metrics, gender_held_out(both))
    judged, _, label = judged_gender(both)
    for name, count in (("gender_unknown_share", len(label)), ("gender_right_share", int(judged.is_stated.sum()))):
        one = told[name]
        assert one.interval_low is not None
        assert one.interval_high is not None
        expected = 2 * 1.96 * np.sqrt(one.value * (1 - one.value) / count)
        assert one.interval_high - one.interval_low == pytest.approx(expected, rel=0.15)


def test_each_row_is_of_the_person_whose_gender_it_tells(people: tuple[list[Half], list[Metric], People]) -> None:
    both, _, everybody = people
    gender = dict(zip(everybody.ids, everybody.gender, strict=True))
    for kind in (None, NAME):
        _, _, label = judged_gender(both, kind)
        whose = judged_people(both, kind)
        assert label.tolist() == [gender[one] for one in whose]
        assert len(set(whose)) == len(whose)
    assert set(judged_people(both)) == set(everybody.ids[everybody.is_told])


def test_each_row_is_of_the_buyer_who_spends_so_much(buyers: tuple[SpendingModel, Later]) -> None:
    """Buyers pay three times as much as those before them, in turn (`test_spending.rows`)."""
    later = buyers[1]
    kind = np.array([int(one[1:]) % 3 for one in later.customer])
    assert (kind == later.band).mean() > 0.95
    assert len(set(later.customer)) == len(later.customer) == 200


def test_groups_are_those_of_ages_and_regions_and_genders_only_where_they_are_not_foretold(
    tmp_path: Path, people: tuple[list[Half], list[Metric], People], buyers: tuple[SpendingModel, Later]
) -> None:
    both, metrics, everybody = people
    settings = load_settings(home=tmp_path / "home")
    ids = [*everybody.ids, *buyers[1].customer]
    number = np.array([int(one[1:]) for one in ids])
    write_customers(settings, ids, number)
    parts = [*gender_held_out(both), spending_held_out(*buyers)]
    training = Training(
        "none of them", "", lambda folder: None, {}, {"as_of": TODAY, "seed": 7}, {}, metrics, held_out=parts
    )
    told, card = appraised(settings, training)
    assert card is None
    assert sum(one.interval_low is not None for one in told.metrics) == 15
    found = {
        name: fairness(settings, part, TODAY, 7) for name, part in (("women", parts[0]), ("high spending", parts[-1]))
    }
    assert {one.attribute for one in found["women"].groups} == {"age band", "region"}
    assert {one.attribute for one in found["high spending"].groups} == {"gender", "age band", "region"}
    for prefix, one in found.items():
        assert {group.measure for group in one.groups} == {
            f"{prefix}: {name}"
            for name in (
                "mean prediction", "base rate", "calibration gap", "auc", "stated", "right where stated"
            )
        }  # fmt: skip
    gender = dict(zip(everybody.ids, everybody.gender, strict=True))
    north = [gender[one] for one in judged_people(both) if int(one[1:]) % 2 == 0]
    (told_north,) = (
        group for group in found["women"].groups if (group.group_name, group.measure) == ("north", "women: base rate")
    )
    assert (told_north.value, told_north.row_count) == (pytest.approx(np.mean(north)), len(north))


def write_customers(settings: Settings, ids: list[str], number: np.ndarray) -> None:
    rows = {
        "source": ["shop"] * len(ids),
        "customer_id": ids,
        "gender": np.where(number % 4 < 2, "female", "male").tolist(),
        "birth_year": pa.array(1960 + number % 45, pa.int32()),
        "is_birth_year_imputed": [False] * len(ids),
        "region": np.where(number % 2 == 0, "north", "south").tolist(),
    }
    write_deltalake(settings.table_path("silver", "customers"), pa.table(rows))
