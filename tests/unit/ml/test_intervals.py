"""Intervals from resamples of customers: as wide as formulas say, and right as often as they claim."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lifelines.utils import concordance_index
from sklearn.metrics import average_precision_score, roc_auc_score

from ml import measures
from ml.held_out import HeldOut, with_intervals
from ml.intervals import (
    Measure,
    Resamples,
    around,
    auc,
    average_precision,
    calibration_error,
    concordance,
    correlation,
    mean,
    root_mean,
    share,
)
from ml.registry import Metric


def ids(count: int) -> np.ndarray:
    return np.array([f"c{number}" for number in range(count)], dtype=object)


def half_width(measure: Measure, customer: np.ndarray, seed: int = 1) -> float:
    interval = around(measure.value(), Resamples.of(customer, seed).drawn(measure))
    assert interval is not None
    return (interval.high - interval.low) / 2


def test_the_interval_of_a_mean_is_as_wide_as_its_standard_error_says() -> None:
    values = np.random.default_rng(3).normal(5.0, 2.0, 400)
    expected = 1.96 * values.std(ddof=1) / np.sqrt(400)
    assert half_width(mean(values), ids(400)) == pytest.approx(expected, rel=0.15)  # 200 draws know it to 5 %


def test_it_holds_the_truth_in_about_95_of_100_samples() -> None:
    rng, held, samples = np.random.default_rng(5), 0, 300
    for number in range(samples):
        happened = (rng.random(150) < 0.3).astype(float)
        measure = share(happened)
        interval = around(measure.value(), Resamples.of(ids(150), number).drawn(measure), 0.0, 1.0)
        assert interval is not None
        held += interval.low <= 0.3 <= interval.high
    assert 0.91 <= held / samples <= 0.98  # three standard deviations of so many samples are 0.04


def test_rows_of_a_customer_are_drawn_together_and_tell_no_more_than_one() -> None:
    values = np.random.default_rng(3).normal(0.0, 1.0, 200)
    once = half_width(mean(values), ids(200))
    four_times = half_width(mean(np.repeat(values, 4)), np.repeat(ids(200), 4))
    assert four_times == pytest.approx(once, rel=1e-9)
    strangers = np.full(800, None, dtype=object)
    assert half_width(mean(np.repeat(values, 4)), strangers) == pytest.approx(once / 2, rel=0.15)


def test_the_interval_of_an_auc_is_about_that_of_hanley_and_mcneil() -> None:
    rng = np.random.default_rng(7)
    happened = (np.arange(1000) % 4 == 0).astype(float)
    score = rng.normal(happened, 1.0)
    area = auc(score, happened).value()
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (area * (1 - area) + 249 * (q1 - area**2) + 749 * (q2 - area**2)) / (250 * 750)
    assert half_width(auc(score, happened), ids(1000)) == pytest.approx(1.96 * np.sqrt(variance), rel=0.2)


def test_an_auc_by_hand_and_a_row_that_weighs_two() -> None:
    """Of the pairs (0.35 or 0.8, 0.1 or 0.4) three of four are in order; with 0.35 twice, four of six."""
    measure = auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert measure.value() == 0.75
    assert measure.of(np.array([[1.0, 1.0, 2.0, 1.0]]), *measure.columns)[0] == pytest.approx(4 / 6)


@pytest.mark.parametrize("name", ["auc", "average_precision", "calibration_error", "concordance", "correlation"])
def test_weights_count_like_rows_that_come_so_often(name: str) -> None:
    rng = np.random.default_rng(11)
    score, happened = np.round(rng.random(80), 1), (rng.random(80) < 0.4).astype(float)
    duration = rng.integers(1, 9, 80).astype(float)
    times = rng.integers(0, 4, 80)
    s, h, d = (np.repeat(column, times) for column in (score, happened, duration))
    measure, expected = {
        "auc": (auc(score, happened), roc_auc_score(h, s)),
        "average_precision": (average_precision(score, happened), average_precision_score(h, s)),
        "calibration_error": (calibration_error(score, happened), None),
        "correlation": (correlation(score, duration), np.corrcoef(s, d)[0, 1]),
        "concordance": (concordance(score, duration, happened), concordance_index(d, -s, h)),
    }[name]
    found = measure.of(times[None].astype(float), *measure.columns)[0]
    if expected is None:  # its tenths are those of all rows: only whole samples are alike
        assert measure.value() == pytest.approx(measures.expected_calibration_error(score, happened))
    else:
        assert found == pytest.approx(expected, abs=1e-12)


def test_a_row_of_half_a_weight_counts_half() -> None:
    """(1 + 3 / 2) / 1.5, and of the second row alone 3."""
    measure = replace(mean(np.array([1.0, 3.0])), weight=np.array([1.0, 0.5]))
    assert measure.value() == pytest.approx(2.5 / 1.5)
    assert measure.at(np.array([False, True])).value() == 3.0
    drawn = Resamples.of(ids(2), 1).drawn(measure)
    assert set(np.round(drawn, 6)) == {1.0, 1.666667, 3.0}  # the first twice, each once, the second twice


def test_without_one_of_the_outcomes_there_is_no_auc_and_no_interval() -> None:
    measure = auc(np.array([0.1, 0.2]), np.zeros(2))
    assert np.isnan(measure.value())
    assert around(measure.value(), Resamples.of(ids(2), 1).drawn(measure)) is None


def test_many_rows_are_drawn_in_parts_and_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).random(50)
    whole = Resamples.of(ids(50), 4).drawn(root_mean(values))
    monkeypatch.setattr("ml.intervals.CELLS_AT_ONCE", 170)
    assert Resamples.of(ids(50), 4).drawn(root_mean(values)) == pytest.approx(whole, rel=1e-12)


def test_of_many_customers_some_are_drawn_and_the_interval_is_as_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    happened = (rng.random(4000) < 0.3).astype(float)
    customer = np.repeat(ids(2000), 2)
    measures_of_both = auc(rng.normal(happened, 1.0), happened), share(happened)
    of_all = [half_width(measure, customer) for measure in measures_of_both]
    monkeypatch.setattr("ml.intervals.MOST_UNITS", 500)
    of_some = [half_width(measure, customer) for measure in measures_of_both]
    assert of_some == pytest.approx(of_all, rel=0.2)  # twice 5 % for 200 draws each, and who is picked
    draws = Resamples.of(customer, 1)
    assert draws.times.shape == (200, 500)
    assert (draws.times.sum(axis=1) == 500).all()


def test_metrics_get_the_interval_of_their_value_and_of_their_lead() -> None:
    told, same = np.array([1.0, 2.0, 3.0, 4.0] * 20), np.array([2.0, 3.0, 4.0, 5.0] * 20)
    held_out = HeldOut(ids(80), {"mae": (mean(told), mean(same)), "rmse": (mean(told), None)}, {})
    mae, rmse, rows = with_intervals(
        [Metric("mae", 2.5, "as so far", 3.5), Metric("rmse", 9.9), Metric("rows", 80.0)], held_out, 1
    )
    assert mae.interval_low is not None
    assert mae.interval_high is not None
    assert mae.interval_low < 2.5 < mae.interval_high
    assert mae.lead_low == pytest.approx(-1.0)  # one less on every row, whatever is drawn
    assert mae.lead_high == pytest.approx(-1.0)
    assert (rmse.interval_low, rows.interval_low) == (None, None)  # of another value, and of none
    assert with_intervals([rows], None, 1) == [rows]
