"""Two churn models judged by what became of the same buyers."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from lakehouse.settings import load_settings
from ml.churn import compare
from ml.churn.activity import activity
from ml.churn.features import HORIZON, landmark
from ml.churn.leaving import leaving
from ml.churn.model import ChurnModel
from ml.comparisons import Rivals, Twins
from ml.promotion import Judged

DAYS = np.arange(HORIZON + 1.0)
TODAY = date(2025, 1, 1)
CUT = TODAY.toordinal() - 60


def model(rate: float) -> ChurnModel:
    """The same hazard for all, so much a day."""
    none = np.zeros(0)
    return ChurnModel("kaplan_meier", 60, [], none, none, none, rate * DAYS, np.exp(-rate * DAYS), np.zeros((1, 1)))


def judged(monkeypatch: pytest.MonkeyPatch, champion: ChurnModel, challenger: ChurnModel, until: int) -> Judged | str:
    """60 customers who are active every fourth day for 300 days; every third stops 50 days before the end."""
    rows = [
        (number, day, int(day < TODAY.toordinal() - 250), 1000, 0, 0)
        for number in range(60)
        for day in range(TODAY.toordinal() - 300, TODAY.toordinal() + 1 - 50 * (number % 3 == 0), 4)
    ]
    names = np.array([f"C{number:03d}" for number in range(60)], dtype=object)
    seen = activity(names, np.array(rows), np.zeros((0, 3), dtype=np.int64))
    monkeypatch.setattr(compare, "read_activity", lambda settings, as_of: seen)
    rivals = Rivals(None, load_settings(), TODAY, 7, "churn", "2")  # type: ignore[arg-type]
    return compare.measure(rivals, Twins(champion, challenger, str(until), str(until - 90)))


def test_who_knows_that_a_third_leaves_is_nearer_to_it_than_who_expects_nobody_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = judged(monkeypatch, model(1e-9), model(0.4 / 50), CUT)
    assert isinstance(found, Judged)
    assert (found.metric, found.direction, len(found.champion)) == ("integrated_brier_score", "lower", 60)
    # Nobody is expected to leave: nothing is lost on who stays, and on who leaves about 50 of 60 days.
    assert found.champion[1:3] == pytest.approx([0.0, 0.0], abs=0.03)
    assert found.champion[0] == pytest.approx(48 / 60, abs=0.06)
    assert found.challenger.mean() < found.champion.mean()


def test_each_customer_is_one_unit_whose_ends_weigh_as_they_are_probable() -> None:
    names = np.array(["a"], dtype=object)
    seen = activity(names, np.array([(0, 100, 1, 1, 0, 0), (0, 110, 0, 0, 0, 0)]), np.zeros((0, 3), dtype=np.int64))
    left = leaving(seen, 130, 60)
    later = landmark(seen, 110, 130, 60, left)
    always = compare.errors_of(model(0.0), later, 20)
    assert always == pytest.approx([left.probability[0]])  # gone from the first day on, with that probability


def test_without_a_later_day_there_is_nothing_to_judge_by(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no day is later" in str(judged(monkeypatch, model(0.1), model(0.2), TODAY.toordinal()))
