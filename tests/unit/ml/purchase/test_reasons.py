"""The reason of a customer is the feature with the largest contribution."""

from __future__ import annotations

import re

import numpy as np
import pytest

from ml.purchase.features import PLAIN, SPANS, Customers, names_of
from ml.purchase.fits import by_scikit_learn
from ml.purchase.model import PurchaseModel
from ml.purchase.score import deciles, predictions


def test_the_reason_is_the_contribution_farthest_from_none() -> None:
    rng = np.random.default_rng(5)
    plain = np.round(rng.random((600, len(PLAIN))) * 50).astype(np.float32).astype(np.float64)
    plain[::7, PLAIN.index("days_since_last_order")] = np.nan
    channel = np.array(["app", "web", None], dtype=object)[rng.integers(0, 3, 600)]
    customers = Customers(np.array([f"C{n:03d}" for n in range(600)], dtype=object), plain, channel)
    rows = customers.matrix(["app"], 120)
    label = (rows[:, PLAIN.index("days_since_last_order")] < 25).astype(np.float64)
    model = PurchaseModel(by_scikit_learn(rows, label, 1), ["app"], 120, 1.2, 0.1)

    told = predictions(model, customers)

    contributions = model.forest.contributions(rows)
    for number in range(600):
        place = model.names.index(told["reason_feature"][number])
        assert abs(contributions[number, place]) == np.abs(contributions[number]).max()
        assert told["reason_effect"][number] == contributions[number, place]
        value = told["reason_value"][number]
        assert (
            np.isnan(value)
            if np.isnan(rows[number, place]) or rows[number, place] > 120
            else value == rows[number, place]
        )
    is_order = told["reason_feature"] == "days_since_last_order"
    assert is_order.mean() > 0.9
    assert np.isnan(told["reason_value"][is_order]).sum() == np.isnan(plain[is_order, PLAIN.index(SPANS[0])]).sum() > 50


def test_deciles_count_those_who_are_less_likely() -> None:
    assert deciles(np.arange(20) / 20).tolist() == [1 + n // 2 for n in range(20)]
    assert deciles(np.array([0.5, 0.1, 0.5, 0.5])).tolist() == [3, 1, 3, 3]
    assert deciles(np.array([])).tolist() == []


@pytest.mark.parametrize(("lookback", "longest"), [(365, "90d"), (60, "30d")])
def test_no_column_claims_more_days_than_are_looked_back_on(lookback: int, longest: str) -> None:
    names = names_of(["app"], lookback)
    assert {name.split("_")[-1] for name in names if re.search(r"count_\d+d$", name)} >= {longest}
    assert any("_90d" in name for name in names) == (lookback >= 90)
    assert names[-1] == "preferred_channel=app"
