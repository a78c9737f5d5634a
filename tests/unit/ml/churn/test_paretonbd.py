"""Pareto/NBD beside its published fit to CDNOW, SciPy's integrals and a simulated world."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

from ml.churn import paretonbd
from ml.churn.paretonbd import ParetoNbd
from tests.unit.ml.value import cdnow

MODEL = ParetoNbd(r=0.553, alpha=10.578, s=0.606, beta=11.669)


def test_the_fit_to_cdnow_is_the_published_one() -> None:
    """Fader and Hardie, "A Note on Deriving the Pareto/NBD Model" (2005); times in weeks."""
    found = cdnow.read("cdnow_bgnbd_summary")
    history = [found[name].to_numpy(np.float64) for name in ("frequency", "recency", "T")]
    model = paretonbd.fit(*history)
    assert [model.r, model.s] == pytest.approx([0.553, 0.606], abs=0.0006)
    assert [model.alpha, model.beta] == pytest.approx([10.578, 11.669], abs=0.002)
    assert model.log_likelihood(*history) == pytest.approx(-9594.98, abs=0.02)


@pytest.mark.parametrize(("x", "t_x", "age"), [(2.0, 30.43, 38.86), (0.0, 0.0, 38.86), (40.0, 20.0, 39.0)])
def test_being_alive_and_the_time_of_leaving_are_the_integrals_over_it(x: float, t_x: float, age: float) -> None:
    r, alpha, s, beta = vars(MODEL).values()

    def left(tau: float) -> float:
        return s / beta * (beta / (beta + tau)) ** (s + 1) * ((alpha + tau) / (alpha + t_x)) ** -(r + x)

    gone, _ = integrate.quad(left, t_x, age, epsabs=0)
    when, _ = integrate.quad(lambda tau: (tau - t_x) * left(tau), t_x, age, epsabs=0)
    there = (beta / (beta + age)) ** s * ((alpha + age) / (alpha + t_x)) ** -(r + x)
    history = [np.array([number]) for number in (x, t_x, age)]
    assert MODEL.alive_probability(*history) == pytest.approx([there / (there + gone)], rel=1e-6)
    assert MODEL.expected_leaving(*history) == pytest.approx([when / gone], rel=1e-5)


def test_who_was_active_today_has_not_left() -> None:
    history = np.array([3.0]), np.array([30.0]), np.array([30.0])
    assert MODEL.alive_probability(*history).tolist() == [1.0]
    assert MODEL.expected_leaving(*history).tolist() == [0.0]


def test_the_gradient_is_that_of_the_likelihood() -> None:
    histories = paretonbd._Histories(*np.array([[2.0, 0.0, 9.0], [30.0, 0.0, 39.0], [39.0, 39.0, 39.0]]), np.ones(3))
    logs = np.log([0.5, 10.0, 0.6, 12.0])
    steps = 1e-5 * np.eye(4)
    found = [(histories.likelihood(logs + step)[0] - histories.likelihood(logs - step)[0]) / 2e-5 for step in steps]
    assert histories.likelihood(logs)[1] == pytest.approx(found, abs=1e-6)


def test_of_a_world_that_is_as_assumed_the_chances_mean_what_they_say() -> None:
    rng = np.random.default_rng(8)
    rate, leaving = rng.gamma(2.0, 1 / 40.0, 4000), rng.exponential(1 / rng.gamma(2.0, 1 / 800.0, 4000))
    age = np.full(4000, 300.0)
    alive = np.minimum(leaving, age)
    x = rng.poisson(rate * alive).astype(np.float64)
    last = np.where(x > 0, alive * rng.random(4000) ** (1 / np.maximum(x, 1.0)), 0.0)
    model = paretonbd.fit(x, last, age)
    told = model.alive_probability(x, last, age)
    for part in np.array_split(np.argsort(told), 4):
        assert told[part].mean() == pytest.approx((leaving[part] > 300).mean(), abs=0.04)
    gone = leaving <= 300
    assert model.expected_leaving(x, last, age)[gone].mean() == pytest.approx((leaving - last)[gone].mean(), rel=0.1)


def test_nobody_who_came_back_teaches_nothing() -> None:
    with pytest.raises(ValueError, match="came back"):
        paretonbd.fit(np.zeros(3), np.zeros(3), np.ones(3))
