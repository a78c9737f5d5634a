"""Two segmentations judged on the same customers: by distance, or by silhouette where their numbers differ."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import silhouette_samples

from lakehouse.settings import load_settings
from ml.comparisons import Rivals, Twins
from ml.held_out import is_held_out
from ml.promotion import Judged
from ml.segment import compare
from ml.segment.evaluate import silhouettes
from ml.segment.features import Scale
from ml.segment.model import SegmentModel
from ml.segment.naming import ARCHETYPES

LOGS = Scale(np.zeros(7), np.ones(7))


def model(*recencies: float) -> SegmentModel:
    """Segments at these log recencies, one order of one unit of money each; nothing else is known."""
    centres = np.array([[recency, *np.log1p([1.0, 1.0, 0.0, 0.0, 5.0, 5.0])] for recency in recencies])
    return SegmentModel(LOGS, centres, list(ARCHETYPES[: len(centres)]))


def judged(monkeypatch: pytest.MonkeyPatch, champion: SegmentModel, challenger: SegmentModel) -> Judged:
    names = [f"C{number}" for number in range(200)]
    rfm = pd.DataFrame(
        {
            "customer_id": names,
            "recency_days": np.where(np.arange(200) % 2 == 0, np.expm1(1.0), np.expm1(3.0)),
            "frequency": 1.0,
            "monetary_amount": 1.0,
            "days_since_last_activity": 5.0,
            "days_since_first_activity": 5.0,
        }
    )
    monkeypatch.setattr(compare, "read_customers", lambda spark, as_of: rfm)
    rivals = Rivals(None, load_settings(), date(2025, 1, 1), 7, "segment", "2")  # type: ignore[arg-type]
    found = compare.measure(rivals, Twins(champion, challenger, "", ""))
    assert isinstance(found, Judged)
    assert len(found.champion) == is_held_out(names).sum()
    return found


def test_equally_many_segments_are_judged_by_the_distance_to_their_centres(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(monkeypatch, model(1.5, 3.0), model(1.0, 3.0))
    assert (found.metric, found.direction) == ("cost", "lower")
    assert sorted({round(far, 9) for far in found.champion.tolist()}) == [0.0, 0.25]  # half of them 0.5 away
    assert found.challenger.max() == pytest.approx(0.0)


def test_more_segments_do_not_win_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(monkeypatch, model(1.0, 3.0), model(1.0, 3.0, 9.0))
    assert (found.metric, found.direction) == ("silhouette", "higher")
    assert (found.challenger == found.champion).all()  # nobody is near the third


def test_silhouettes_are_scikit_learns() -> None:
    draw = np.random.default_rng(4)
    points, labels = draw.normal(0.0, 1.0, (120, 3)), draw.integers(0, 3, 120)
    theirs = silhouette_samples(points, labels, metric="sqeuclidean")
    assert silhouettes(points, labels) == pytest.approx(theirs, abs=1e-9)


def test_a_fifth_of_the_customers_is_held_out_and_always_the_same() -> None:
    names = [f"C{number:05d}" for number in range(5000)]
    held_out = is_held_out(names)
    assert 900 < held_out.sum() < 1100
    assert (is_held_out(names[::-1]) == held_out[::-1]).all()
