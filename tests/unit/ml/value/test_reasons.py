"""The reason of an expected value is the feature with the largest Shapley value, by every order of telling."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from ml.value.bgnbd import BgNbd
from ml.value.features import Purchases
from ml.value.gammagamma import GammaGamma
from ml.value.model import ValueModel
from ml.value.reasons import FEATURES, reasons, shapley_values

MODEL = ValueModel(BgNbd(0.5, 30.0, 0.8, 2.5), GammaGamma(6.0, 4.0, 15.0), 30.0, np.zeros((4, 4)), None)


def shop(seed: int, count: int = 25) -> Purchases:
    rng = np.random.default_rng(seed)
    x = rng.poisson(3, count).astype(np.float64)
    age = rng.integers(30, 400, count).astype(np.float64)
    t_x = np.where(x > 0, np.floor(age * rng.random(count)), 0.0)
    value = np.where(x > 0, np.round(rng.lognormal(2, 1, count), 2), 0.0)
    return Purchases(np.arange(count).astype(str).astype(object), x, t_x, age, value)


def yearly(x: float, silence: float, age: float, value: float) -> float:
    one = (np.array([float(number)]) for number in (x, max(age - silence, 0.0), age, value))
    asked = Purchases(np.array(["c"], dtype=object), *one)
    return float((MODEL.expected_orders(asked, 365.0) * MODEL.order_amount(asked))[0])


@pytest.mark.parametrize("seed", range(3))
def test_the_shares_are_the_means_over_all_orders_of_telling(seed: int) -> None:
    customers = shop(seed)
    silence, came_back = customers.age - customers.t_x, customers.x > 0
    usual = customers.value[came_back].mean()
    average = [customers.x.mean(), silence.mean(), customers.age.mean(), usual]
    found, told = shapley_values(MODEL, customers), reasons(MODEL, customers)
    for row in range(len(customers)):
        value = customers.value[row] if came_back[row] else usual
        own = [customers.x[row], silence[row], customers.age[row], value]
        share = np.zeros(len(FEATURES))
        for order in permutations(range(len(FEATURES))):
            known = list(average)
            for place in order:
                before = yearly(*known)
                known[place] = own[place]
                share[place] += (yearly(*known) - before) / 24
        assert found[row] == pytest.approx(share)
        assert found[row].sum() == pytest.approx(yearly(*own) - yearly(*average))
        largest = int(np.abs(share).argmax())
        assert told["reason_feature"][row] == FEATURES[largest]
        assert told["reason_effect"][row] == pytest.approx(share[largest])
        shown = [customers.x[row] + 1, silence[row], customers.age[row], value][largest]
        assert told["reason_value"][row] == pytest.approx(shown)
    assert len(set(told["reason_feature"])) > 1


def test_customers_who_are_all_alike_have_no_reason() -> None:
    one = shop(1, 1)
    twins = Purchases(*(np.repeat(column, 3) for column in vars(one).values()))
    told = reasons(MODEL, twins)
    assert told["reason_feature"].tolist() == [None] * 3
    assert told["reason_effect"].tolist() == [0.0] * 3
    assert np.isnan(told["reason_value"]).all()


def test_who_has_no_repeat_order_is_never_told_of_by_its_amount() -> None:
    for seed in range(5):
        customers = shop(seed, 60)
        told = reasons(MODEL, customers)
        assert "repeat_order_amount" not in told["reason_feature"][customers.x == 0]
        assert (shapley_values(MODEL, customers)[customers.x == 0, 3] == 0).all()


def test_nobody_has_no_reasons() -> None:
    nobody = Purchases(np.array([], dtype=object), *(np.zeros(0) for _ in range(4)))
    assert reasons(MODEL, nobody)["reason_feature"].tolist() == []
