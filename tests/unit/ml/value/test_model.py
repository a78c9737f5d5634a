from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml.value.bgnbd import BgNbd
from ml.value.evaluate import compare, frequency_value_correlation, held_out_days, mae, rmse
from ml.value.features import Purchases, purchases
from ml.value.gammagamma import GammaGamma
from ml.value.model import ValueModel, can_be_learnt, learn, load
from ml.value.season import exposure

MODEL = ValueModel(
    BgNbd(0.5, 30.0, 0.8, 2.5), GammaGamma(6.0, 4.0, 15.0), 30.0, 0.01 * np.eye(4), np.diag([0.02, 0.01, 0.03])
)
# Came back twice for 60 in all; bought once; came back for nothing, returned more than was bought.
ROWS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d"],
        "order_day_count": [3.0, 1.0, 2.0, 2.0],
        "tenure_days": [100.0, 50.0, 40.0, 40.0],
        "recency_days": [20.0, 50.0, 0.0, 10.0],
        "repeat_net_amount": [60.0, np.nan, 0.0, -5.0],
    }
)


def shop(customers: int = 400, value: float | None = None) -> pd.DataFrame:
    """Rows as of a split, and a later period of 50 days in which everybody buys at their rate."""
    rng = np.random.default_rng(9)
    rate, age = rng.gamma(2.0, 0.01, customers), rng.integers(60, 300, customers).astype(np.float64)
    x = rng.poisson(rate * age).astype(np.float64)
    own = rng.gamma(20.0, 2.0, customers) if value is None else np.full(customers, value)
    later = rng.poisson(rate * 50).astype(np.float64)
    return pd.DataFrame(
        {
            "order_day_count": x + 1,
            "tenure_days": age,
            "recency_days": np.where(x > 0, np.floor(age / (x + 1)), age),
            "repeat_net_amount": np.where(x > 0, x * own, np.nan),
            "net_amount": (x + 1) * own,
            "later_day_count": later,
            "later_net_amount": later * own,
        }
    )


def test_a_summary_counts_what_came_after_the_first_purchase() -> None:
    told = purchases(ROWS)
    assert told.x.tolist() == [2.0, 0.0, 1.0, 1.0]
    assert told.t_x.tolist() == [80.0, 0.0, 40.0, 30.0]
    assert told.age.tolist() == [100.0, 50.0, 40.0, 40.0]
    assert told.value.tolist() == [30.0, 0.0, 0.0, 0.0]
    assert told.is_valued.tolist() == [True, False, False, False]


def test_the_value_of_a_period_is_orders_times_amount() -> None:
    told = MODEL.told(purchases(ROWS))
    assert told["expected_order_amount"].tolist() == pytest.approx(
        [6 * (15 + 60) / (12 + 3), 6 * 15 / 3, 6 * 15 / (6 + 3), 6 * 15 / (6 + 3)]
    )
    for days in (90, 365):
        product = told[f"expected_order_count_{days}d"] * told["expected_order_amount"]
        assert told[f"expected_value_{days}d_amount"].tolist() == product.tolist()
    assert (told["expected_order_count_365d"] > told["expected_order_count_90d"]).all()
    assert told["alive_probability"].tolist()[1] == 1.0
    assert told["alive_probability"].between(0, 1).all()


def test_every_interval_holds_what_it_is_of() -> None:
    told = MODEL.told(purchases(ROWS))
    for days in (90, 365):
        for name, end in ((f"expected_order_count_{days}d", ""), (f"expected_value_{days}d", "_amount")):
            low, high, name = f"{name}_low{end}", f"{name}_high{end}", f"{name}{end}"
            assert (told[low] < told[name]).all()
            assert (told[name] < told[high]).all()
            # Symmetric in the logarithm: the expectation is the geometric middle.
            assert np.sqrt(told[low] * told[high]).to_numpy() == pytest.approx(told[name].to_numpy())
        assert (told[f"order_count_{days}d_low"] <= told[f"order_count_{days}d_high"]).all()


def test_a_season_lifts_each_quarter_by_its_own_factor() -> None:
    customers = purchases(ROWS)
    usual = {days: MODEL.expected_orders(customers, days) for days in (90, 180, 365)}
    november = MODEL.expected_orders(customers, 365, np.array([2.0, 1.0, 1.0, 1.0]))
    assert MODEL.expected_orders(customers, 90, np.array([2.0, 1.0, 1.0, 1.0])) == pytest.approx(2 * usual[90])
    assert november == pytest.approx(usual[365] + usual[90])
    assert exposure(np.array([2.0, 1.0, 1.0, 1.0]), 120) == 210.0


def test_a_saved_model_says_what_it_said_before(tmp_path: Path) -> None:
    for model in (MODEL, ValueModel(MODEL.orders, None, 12.5, MODEL.orders_covariance, None)):
        model.save(tmp_path)
        pd.testing.assert_frame_equal(load(tmp_path).predict(ROWS.drop(columns="customer_id")), model.predict(ROWS))


def test_orders_without_a_value_are_counted_and_worth_nothing() -> None:
    customers = purchases(shop(value=0.0))
    model = learn(customers)
    assert model.amounts is None
    assert model.told(customers)["expected_value_365d_amount"].unique().tolist() == [0.0]
    assert (model.told(customers)["expected_order_count_365d"] > 0).all()


def test_values_that_are_all_alike_are_the_value_of_everybody() -> None:
    customers = purchases(shop(value=70.0))
    told = learn(customers).told(customers)
    assert told["expected_order_amount"].to_numpy() == pytest.approx(np.full(len(told), 70.0), rel=1e-4)


def test_fewer_repeat_buyers_than_ten_teach_nothing() -> None:
    rows = shop(200)
    came_back = np.flatnonzero(rows["order_day_count"] > 1)
    assert not can_be_learnt(purchases(rows.iloc[came_back[:9]]))
    assert can_be_learnt(purchases(rows.iloc[came_back[:10]]))
    assert not can_be_learnt(purchases(ROWS.iloc[:0]))


def test_regular_customers_are_foretold_better_than_by_their_rate_so_far() -> None:
    found = {metric.name: metric for metric in compare(shop(), 50, learn(purchases(shop())))}
    for name in ("orders_mae", "orders_rmse", "spending_mae", "spending_rmse"):
        assert found[name].value < (found[name].baseline_value or 0.0)
        assert found[name].split == "the last 50 days"
    coverage = found["order_count_interval_coverage"]
    assert (coverage.baseline_value, coverage.value > 0.94) == (0.95, True)
    level = found["orders_per_customer"]
    assert level.value == pytest.approx(level.baseline_value, rel=0.2)
    assert found["evaluated_customers"].value == 400


def test_a_baseline_is_worked_out_over_ninety_days_at_least() -> None:
    """Everybody once so far, 30 days ago: the rate is 1 in 90 days, so 1/3 in 30; half of them bought again."""
    rows = shop(30).assign(
        order_day_count=2.0, tenure_days=30.0, recency_days=10.0, repeat_net_amount=50.0, net_amount=90.0,
        later_day_count=[0.0, 1.0] * 15, later_net_amount=[0.0, 60.0] * 15,
    )  # fmt: skip
    found = {metric.name: metric for metric in compare(rows, 30, learn(purchases(rows)))}
    assert found["orders_mae"].baseline_value == pytest.approx((2 / 3 + 1 / 3) / 2)
    assert found["spending_mae"].baseline_value == pytest.approx((30 + 30) / 2)


def test_the_held_out_period_is_ninety_days_or_a_quarter() -> None:
    def oldest(days: float) -> Purchases:
        one = np.array([days])
        return Purchases(np.array(["a"], dtype=object), one * 0, one * 0, one, one * 0)

    assert [held_out_days(oldest(days)) for days in (0, 3, 4, 100, 360, 900)] == [0, 0, 1, 25, 90, 90]
    assert held_out_days(purchases(ROWS.iloc[:0])) == 0


def test_errors_by_hand() -> None:
    told, truth = np.array([1.0, 2.0]), np.array([1.0, 5.0])
    assert mae(told, truth) == 1.5
    assert rmse(told, truth) == pytest.approx(np.sqrt(4.5))


def test_frequency_and_value_that_do_not_vary_have_no_correlation() -> None:
    alike = purchases(shop(value=70.0))
    assert frequency_value_correlation(alike) == 0.0
    x = np.array([1.0, 2.0, 3.0])
    risen = Purchases(np.array(["a", "b", "c"], dtype=object), x, x, x, x * 10)
    assert frequency_value_correlation(risen) == pytest.approx(1.0)
