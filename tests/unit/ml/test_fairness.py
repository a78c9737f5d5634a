"""Measures of groups and the gaps between them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from ml.fairness import chance_of, compare
from ml.groups import AGE_BANDS, OTHER, UNKNOWN, age_bands, groups_of
from ml.held_out import of_amounts, of_chances


def test_the_gaps_of_six_rows_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Women: foretold 0.2, 0.4, 0.6, of whom the last did. Men: 0.5, 0.7, 0.9, of whom the last did not."""
    monkeypatch.setattr("ml.fairness.LEAST_CUSTOMERS", 3)
    monkeypatch.setattr("ml.fairness.LEAST_OF_AN_OUTCOME", 1)
    foretold, did = np.array([0.2, 0.4, 0.6, 0.5, 0.7, 0.9]), np.array([0.0, 0.0, 1.0, 1.0, 1.0, 0.0])
    gender = np.array(["female"] * 3 + ["male"] * 3, dtype=object)
    found = compare(np.array(list("abcdef"), dtype=object), {"gender": gender}, of_chances(foretold, did), 1)

    value = {(one.group_name, one.measure): one.value for one in found.groups}
    assert value["female", "mean prediction"] == pytest.approx(0.4)
    assert value["male", "mean prediction"] == pytest.approx(0.7)
    assert value["female", "base rate"] == pytest.approx(1 / 3)
    assert value["female", "calibration gap"] == pytest.approx(0.4 - 1 / 3)
    assert value["male", "calibration gap"] == pytest.approx(0.7 - 2 / 3)
    assert value["female", "auc"] == 1.0
    assert value["male", "auc"] == 0.0
    gaps = {one.measure: one for one in found.gaps}
    assert gaps["mean prediction"].gap == pytest.approx(0.3)
    assert (gaps["mean prediction"].highest_group, gaps["mean prediction"].lowest_group) == ("male", "female")
    assert gaps["calibration gap"].gap == pytest.approx(1 / 30)
    assert gaps["calibration gap"].highest_group == "female"
    assert gaps["auc"].gap == 1.0


def test_a_group_of_fewer_than_50_customers_is_too_few_and_in_no_gap() -> None:
    gender = np.array(["female"] * 60 + ["male"] * 98, dtype=object)
    customer = np.array([f"f{n}" for n in range(60)] + [f"m{n // 2}" for n in range(98)], dtype=object)
    found = compare(customer, {"gender": gender}, of_amounts(np.ones(158), np.ones(158)), 1)
    of = {one.group_name: one for one in found.groups if one.measure == "base rate"}
    assert (of["male"].customer_count, of["male"].row_count, of["male"].value) == (49, 98, None)
    assert (of["female"].customer_count, of["female"].value) == (60, 1.0)
    assert found.gaps == []


def test_who_is_not_known_is_told_of_but_in_no_gap() -> None:
    gender = np.array(["female"] * 60 + ["male"] * 60 + [UNKNOWN] * 60, dtype=object)
    foretold = np.repeat([0.2, 0.3, 0.9], 60) + np.tile([0.0, 0.01], 90)
    customer = np.array([f"c{n}" for n in range(180)], dtype=object)
    (gap,) = [one for one in _of(customer, gender, foretold).gaps if one.measure == "mean prediction"]
    assert (gap.highest_group, gap.gap) == ("male", pytest.approx(0.1))
    assert compare(customer, {"gender": np.full(180, UNKNOWN, dtype=object)}, {}, 1).groups == []


def _of(customer: np.ndarray, group: np.ndarray, foretold: np.ndarray):  # type: ignore[no-untyped-def]
    return compare(customer, {"gender": group}, of_chances(foretold, (foretold > 0.25).astype(float)), 1)


def test_cochrans_q_of_two_groups_is_the_test_of_their_difference() -> None:
    """(3 - 1) / sqrt(2) standard errors: two-sided 0.1573."""
    assert chance_of(np.array([1.0, 3.0]), np.array([1.0, 1.0])) == pytest.approx(0.15730, abs=5e-6)
    assert chance_of(np.array([1.0, 3.0]), np.array([0.0, 1.0])) is None


def test_a_group_that_is_foretold_too_much_is_found_and_alike_groups_differ_by_chance_only() -> None:
    rng, below = np.random.default_rng(2), 0
    for number in range(120):
        customer = np.array([f"c{n}" for n in range(300)], dtype=object)
        group = np.array(list("abc"), dtype=object)[rng.integers(0, 3, 300)]
        truth = rng.uniform(0.1, 0.5, 300)
        did = (rng.random(300) < truth).astype(float)
        fair = compare(customer, {"gender": group}, {"gap": of_chances(truth, did)["calibration gap"]}, number)
        assert fair.gaps[0].chance is not None
        below += fair.gaps[0].chance < 0.05
        if number == 0:
            too_much = truth + 0.3 * (group == "b")
            (gap,) = compare(customer, {"gender": group}, {"gap": of_chances(too_much, did)["calibration gap"]}, 1).gaps
            assert gap.highest_group == "b"
            assert gap.chance is not None
            assert gap.chance < 1e-4
            assert gap.interval_low is not None
            assert gap.interval_low > 0
    assert below <= 14  # 6 are to be expected, and more than 14 once in a thousand times


def test_ages_are_of_the_bands_that_they_are_in() -> None:
    told = age_bands(np.array([24.0, 25.0, 34.0, 55.0, np.nan]))
    assert told.tolist() == [AGE_BANDS[0], AGE_BANDS[1], AGE_BANDS[1], AGE_BANDS[4], UNKNOWN]


def test_groups_of_customers_as_they_are_told() -> None:
    customers = pd.DataFrame(
        {
            "source": "shop",
            "gender": ["female", None, "male"],
            "birth_year": [2000.0, 1980.0, 1950.0],
            "is_birth_year_imputed": [False, True, False],
            "region": [None, None, None],
            "city": ["Berlin", "Bonn", None],
        },
        index=pd.Index(["a", "b", "c"], name="customer_id"),
    )
    found = groups_of(np.array(["c", "a", "b", "a", "x", None], dtype=object), customers, date(2025, 12, 31))
    assert found["gender"].tolist() == ["male", "female", UNKNOWN, "female", UNKNOWN, UNKNOWN]
    assert found["age band"].tolist() == ["55 and over", "25-34", UNKNOWN, "25-34", UNKNOWN, UNKNOWN]
    assert found["region"].tolist() == [UNKNOWN, "Berlin", "Bonn", "Berlin", UNKNOWN, UNKNOWN]


def test_the_customers_of_small_regions_are_put_together() -> None:
    regions = [f"r{number:02d}" for number in range(14)]
    of = [name for number, name in enumerate(regions) for _ in range(20 - number)]
    customers = pd.DataFrame(
        {"gender": None, "birth_year": None, "is_birth_year_imputed": False, "region": of, "city": None},
        index=[f"c{number}" for number in range(len(of))],
    )
    found = groups_of(customers.index.to_numpy(dtype=object), customers, date(2025, 1, 1))["region"]
    assert set(found) == {*regions[:12], OTHER}
    assert (found == OTHER).sum() == 8 + 7
