from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml.segment.features import dimensions, fit_scale
from ml.segment.model import SegmentModel, load
from ml.segment.naming import ARCHETYPES

RFM = pd.DataFrame({"recency_days": [1.0, 300.0], "frequency": [20.0, 1.0], "monetary_amount": [5000.0, 20.0]})


def test_the_fourth_dimension_is_the_average_order() -> None:
    assert dimensions(RFM).tolist() == [[1.0, 20.0, 5000.0, 250.0], [300.0, 1.0, 20.0, 20.0]]


def test_scaled_rows_have_mean_zero_and_variance_one() -> None:
    values = dimensions(RFM)
    points = fit_scale(values).apply(values)
    assert points.mean(axis=0) == pytest.approx(np.zeros(4))
    assert points.std(axis=0) == pytest.approx(np.ones(4))


def test_a_dimension_without_variance_stays_at_zero() -> None:
    values = np.array([[5.0, 1.0], [5.0, 2.0]])
    assert fit_scale(values).apply(values)[:, 0].tolist() == [0.0, 0.0]


def test_a_saved_model_places_customers_as_before(tmp_path: Path) -> None:
    values = dimensions(RFM)
    scale = fit_scale(values)
    model = SegmentModel(scale, scale.apply(values), [ARCHETYPES[0], ARCHETYPES[7]])
    model.save(tmp_path)

    told = load(tmp_path).predict(RFM)

    assert told["segment_name"].tolist() == ["Champions", "Lost"]
    assert told["segment_id"].tolist() == [1, 8]
