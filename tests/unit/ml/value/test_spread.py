"""The spread of expectations beside what other samples give, and counts beside a simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ml.value import bgnbd
from ml.value.bgnbd import BgNbd
from ml.value.features import Purchases
from ml.value.season import season_factors
from ml.value.spread import Z, covariance, log_error, order_counts

WORLD = BgNbd(0.8, 40.0, 0.8, 2.5)


def histories(rng: np.random.Generator, customers: int, later: float = 0.0) -> tuple[np.ndarray, ...]:
    """x, t_x, T of customers of `WORLD`, and their purchases in the `later` days after T."""
    age = rng.integers(60, 400, customers).astype(np.float64)
    rows = []
    for own in age:
        rate, leaving, at, times = rng.gamma(WORLD.r, 1 / WORLD.alpha), rng.beta(WORLD.a, WORLD.b), 0.0, []
        while True:
            at += rng.exponential(1 / rate)
            if at > own + later:
                break
            times.append(at)
            if rng.random() < leaving:
                break
        seen = [time for time in times if time <= own]
        rows.append((len(seen), seen[-1] if seen else 0.0, own, len(times) - len(seen)))
    return tuple(np.array(rows).T)


def test_a_count_of_a_poisson_process_that_nobody_leaves_has_the_quantiles_of_its_negative_binomial() -> None:
    stay = BgNbd(2.0, 50.0, 1e-9, 1.0)
    low, high = order_counts(stay, np.array([3.0]), np.array([90.0]), np.array([100.0]), 200.0)
    told = stats.nbinom(2.0 + 3.0, 150.0 / 350.0)
    assert (low[0], high[0]) == (told.ppf(0.025), told.ppf(0.975))


def test_of_simulated_customers_so_many_lie_within_as_is_said() -> None:
    x, t_x, age, came = histories(np.random.default_rng(4), 2000, 90.0)
    low, high = order_counts(WORLD, x, t_x, age, 90.0)
    assert (came > high).mean() == pytest.approx(0.015, abs=0.0125)  # at most 2.5 %: counts are whole
    assert (came < low).mean() <= 0.025
    assert (high < 12).mean() > 0.9  # and not by saying nothing


def test_about_95_of_100_intervals_hold_the_expectation_of_the_world() -> None:
    """Of one customer, over 30 samples of 300 others."""
    rng, held = np.random.default_rng(5), 0
    known = np.array([4.0]), np.array([100.0]), np.array([120.0])
    truth = WORLD.expected_orders(*known, 90.0)[0]
    for _ in range(30):
        sample = histories(rng, 300)[:3]
        model = bgnbd.fit(*sample)

        def told(logs: np.ndarray) -> np.ndarray:
            return BgNbd(*np.exp(logs)).expected_orders(*known, 90.0)

        error = log_error(told, model.logs(), covariance(bgnbd.likelihood_of(*sample), model.logs()))
        held += bool(abs(np.log(told(model.logs())[0] / truth)) <= Z * error[0])
    assert 25 <= held <= 30


def test_a_direction_in_which_the_likelihood_is_flat_has_no_variance() -> None:
    def likelihood(logs: np.ndarray) -> tuple[float, np.ndarray]:
        return -2.0 * logs[0] ** 2, np.array([-4.0 * logs[0], 0.0])

    assert covariance(likelihood, np.zeros(2)) == pytest.approx(np.array([[0.25, 0.0], [0.0, 0.0]]))


def test_a_season_is_what_was_bought_a_year_before_beside_the_usual_rate() -> None:
    """100 customers of two years, each with 20 days between purchases; in the last quarter of days ahead twice as many.

    At their rates, (r + x) / (alpha + T), 90 days are worth 90 x 37 / 740 = 4.5 purchases each: 450 in all.
    """
    never_leave = BgNbd(1.0, 10.0, 1e-9, 1.0)
    one = np.ones(100)
    customers = Purchases(np.arange(100).astype(object), 36 * one, 730 * one, 730 * one, one)
    quarter = np.repeat(np.arange(1000 - 365 + 1, 1000 - 365 + 91), 10)  # 900 purchases in the quarter a year before
    factors = season_factors(never_leave, customers, quarter, 1000)
    assert factors[0] == pytest.approx((900 + 50) / (450 + 50))
    assert factors[1] == pytest.approx((0 + 50) / (450 + 50))


def test_without_a_year_before_there_is_no_season() -> None:
    one = np.ones(3)
    young = Purchases(np.arange(3).astype(object), one, 300 * one, 350 * one, one)
    assert season_factors(WORLD, young, np.arange(900, 1000), 1000).tolist() == [1.0] * 4
