"""A challenger serves when the lower end of the interval of its gain exceeds the margin."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ml import promotion
from ml.promotion import MARGIN, Judged, interval, verdict


def judged(gain: np.ndarray, level: float = 0.4, direction: str = "higher") -> Judged:
    champion = np.full(len(gain), level)
    sign = 1.0 if direction == "higher" else -1.0
    return Judged("measure", direction, "customers", champion, champion + sign * gain)  # type: ignore[arg-type]


def test_a_clear_gain_is_promoted_and_told_with_its_interval() -> None:
    gain = np.random.default_rng(1).normal(0.05, 0.1, 500)
    found = verdict(judged(gain), seed=7)
    assert found.is_promoted
    assert found.champion_value == pytest.approx(0.4)
    assert found.difference == pytest.approx(gain.mean())
    assert found.margin == pytest.approx(MARGIN * 0.4)
    assert found.margin < found.interval_low < found.difference < found.interval_high
    assert "exceeds the margin of 0.002" in found.why


def test_less_loss_is_a_gain_where_lower_is_better() -> None:
    gain = np.random.default_rng(1).normal(0.05, 0.1, 500)
    higher, lower = (verdict(judged(gain, direction=one), seed=7) for one in ("higher", "lower"))
    assert lower.is_promoted
    assert lower.difference == pytest.approx(higher.difference)
    assert lower.challenger_value == pytest.approx(0.4 - gain.mean())


@pytest.mark.parametrize(
    ("mean", "spread"),
    [
        (0.002, 0.1),  # better, but its interval reaches below zero
        (0.0015, 0.0001),  # surely better, by less than the margin of 0.002
        (0.0, 0.0),  # the same model again
        (-0.05, 0.1),  # worse
    ],
)
def test_what_may_be_chance_or_is_too_small_stays_a_challenger(mean: float, spread: float) -> None:
    found = verdict(judged(np.random.default_rng(2).normal(mean, spread, 500)), seed=7)
    assert not found.is_promoted
    assert "does not exceed the margin" in found.why


def test_too_few_units_are_no_judges() -> None:
    found = verdict(judged(np.full(29, 0.3)), seed=7)
    assert not found.is_promoted
    assert found.why == "too few to judge by: 29 customers, 30 are needed"
    assert verdict(judged(np.full(30, 0.3)), seed=7).is_promoted


def test_the_interval_is_that_of_scipy_and_repeats_with_its_seed() -> None:
    values = np.random.default_rng(3).exponential(1.0, 400)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", random_state=4)
    low, high = interval(values, 7)
    assert low == pytest.approx(theirs.confidence_interval.low, abs=0.01)
    assert high == pytest.approx(theirs.confidence_interval.high, abs=0.01)
    assert interval(values, 7) == (low, high) != interval(values, 8)


def test_groups_of_many_units_have_the_interval_of_the_units(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(5).exponential(1.0, 9_001)
    whole = interval(values, 7)
    monkeypatch.setattr(promotion, "MOST_GROUPS", 1_000)
    assert interval(values, 7) == pytest.approx(whole, abs=0.003)  # the interval is 0.04 wide
