from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lakehouse.errors import LakehouseError
from ml.segment.features import BESIDE, DIMENSIONS, dimensions, fit_scale, fit_value
from ml.segment.model import SegmentModel, load
from ml.segment.naming import ARCHETYPES
from ml.segment.score import feature_tests

RFM = pd.DataFrame({"recency_days": [1.0, 300.0], "frequency": [20.0, 1.0], "monetary_amount": [5000.0, 20.0]})


def buyers(count: int = 40) -> pd.DataFrame:
    """Every second one comes every ten days, the others came once, a long time ago."""
    is_good = np.arange(count) % 2 == 0
    frequency = np.where(is_good, 9.0 + np.arange(count) % 5, 1.0)
    return pd.DataFrame(
        {
            "recency_days": np.where(is_good, 2.0, 150.0 + np.arange(count)),
            "frequency": frequency,
            "monetary_amount": 80.0 * frequency,
            "order_day_count": frequency,
            "tenure_days": np.where(is_good, 2.0 + 10.0 * (frequency - 1), 150.0 + np.arange(count)),
            "repeat_net_amount": np.where(is_good, 75.0 * (frequency - 1), np.nan),
            "active_day_count_90d": np.where(is_good, 20.0, 0.0),
            "days_since_last_activity": np.where(is_good, 1.0, 100.0),
            "days_since_first_activity": 200.0,
        }
    )


def test_without_behaviour_orders_are_all_the_activity_there_was() -> None:
    assert dimensions(RFM, None).tolist() == [
        [1.0, 20.0, 5000.0, 0.0, 0.0, 1.0, 1.0],
        [300.0, 1.0, 20.0, 0.0, 0.0, 300.0, 300.0],
    ]


def test_who_comes_often_is_expected_to_spend_more() -> None:
    rows = buyers()
    value = fit_value(rows)
    assert value is not None
    to_come = dimensions(rows, value)[:, DIMENSIONS.index("expected_value_365d_amount")]
    assert to_come[::2].min() > 10 * to_come[1::2].max() > 0


def test_too_few_who_came_back_tell_nothing_of_what_is_to_come() -> None:
    assert fit_value(buyers(8)) is None


def test_scaled_rows_have_mean_zero_and_variance_one() -> None:
    values = dimensions(buyers(), fit_value(buyers()))[:, :-1]  # all of them have been known for as long
    points = fit_scale(values).apply(values)
    assert points.mean(axis=0) == pytest.approx(np.zeros(6))
    assert points.std(axis=0) == pytest.approx(np.ones(6))


def test_a_dimension_without_variance_stays_at_zero() -> None:
    values = np.array([[5.0, 1.0], [5.0, 2.0]])
    assert fit_scale(values).apply(values)[:, 0].tolist() == [0.0, 0.0]


def test_a_saved_model_places_customers_as_before(tmp_path: Path) -> None:
    values = dimensions(RFM, None)
    scale = fit_scale(values)
    model = SegmentModel(scale, scale.apply(values), [ARCHETYPES[0], ARCHETYPES[7]])
    model.save(tmp_path)

    told = load(tmp_path).predict(RFM)

    assert told["segment_name"].tolist() == ["Champions", "Lost"]
    assert told["segment_id"].tolist() == [1, 8]


def test_a_saved_model_keeps_what_customers_are_worth(tmp_path: Path) -> None:
    rows = buyers()
    value = fit_value(rows)
    scale = fit_scale(dimensions(rows, value))
    model = SegmentModel(scale, scale.apply(dimensions(rows, value))[:2], [ARCHETYPES[0], ARCHETYPES[7]], value=value)
    model.save(tmp_path)
    assert load(tmp_path).points(rows).tolist() == model.points(rows).tolist()


def test_a_model_of_other_features_is_refused_and_what_to_do_is_said(tmp_path: Path) -> None:
    (tmp_path / "segments.json").write_text('{"mean": [0], "deviation": [1], "centres": [[0]], "names": []}')
    with pytest.raises(LakehouseError, match="run `lakehouse train segment`"):
        load(tmp_path)


def test_every_feature_that_the_groups_were_made_of_and_some_beside_them_are_tested() -> None:
    rows = buyers().assign(average_order_amount=80.0, product_count=1.0, discount_rate=np.nan, return_rate=0.0)
    rows.loc[::2, "product_count"] = 5.0
    value = fit_value(rows)
    scale = fit_scale(dimensions(rows, value))
    points = scale.apply(dimensions(rows, value))
    model = SegmentModel(scale, points[:2], [ARCHETYPES[0], ARCHETYPES[7]], value=value)
    told = pd.DataFrame(feature_tests(model, rows, model.place(rows))).set_index("feature")
    assert told.index.tolist() == [*DIMENSIONS, *BESIDE]
    assert told["is_fitted_on"].tolist() == [True] * len(DIMENSIONS) + [False] * len(BESIDE)
    assert told.loc["active_day_count_90d", "eta_squared"] == pytest.approx(1.0)
    assert told.loc["product_count", "epsilon_squared"] == pytest.approx(1.0)
    assert told.loc["discount_rate", ["customer_count", "eta_squared"]].tolist() == [0, 0.0]
    assert told.loc["average_order_amount", "eta_squared"] == 0.0
