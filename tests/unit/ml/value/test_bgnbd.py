from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import integrate, special
from scipy.optimize import check_grad

from ml.arrays import Floats
from ml.value.bgnbd import BgNbd, _Rows, beta_nodes, fit
from tests.unit.ml.value.cdnow import read

PUBLISHED = BgNbd(0.243, 4.414, 0.793, 2.426)
"""Fader, Hardie and Lee 2005, table 2; in weeks."""
X, T_X, AGE = np.array([0.0, 1.0, 2.0, 7.0]), np.array([0.0, 3.0, 30.43, 35.0]), np.array([39.0, 20.0, 38.86, 39.0])


def lived(model: BgNbd, customers: int, age: float, ahead: float, seed: int) -> dict[str, Floats]:
    """Customers by the story of the model: rate, chance to leave, purchases up to `age` and the number in `ahead`."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(model.r, 1 / model.alpha, customers)
    leaves = rng.beta(model.a, model.b, customers)
    x, t_x, later, is_alive = (np.zeros(customers) for _ in range(4))
    now, alive = np.zeros(customers), np.ones(customers, dtype=bool)
    while alive.any():
        now[alive] += rng.exponential(1 / rate[alive])
        seen, coming = alive & (now <= age), alive & (now > age) & (now <= age + ahead)
        is_alive[alive & (now > age)] = 1.0
        x[seen] += 1
        t_x[seen] = now[seen]
        later[coming] += 1
        alive &= (now <= age + ahead) & (rng.random(customers) >= leaves)
    return {"x": x, "t_x": t_x, "later": later, "is_alive": is_alive}


def test_the_summary_of_cdnow_gives_the_published_parameters() -> None:
    rows = read("cdnow_bgnbd_summary")
    x, t_x, age = (rows[name].to_numpy(np.float64) for name in ("frequency", "recency", "T"))
    model = fit(x, t_x, age)
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=5e-4)
    assert model.log_likelihood(x, t_x, age) == pytest.approx(-9582.4, abs=0.05)


def test_the_transactions_of_cdnow_up_to_september_give_the_published_parameters() -> None:
    rows = read("cdnow_sample")
    bought = rows.assign(day=rows["date"].astype("datetime64[ns]"))[["sample_id", "day"]].drop_duplicates()
    days = bought[bought["day"] <= "1997-09-30"].groupby("sample_id")["day"].agg(["min", "max", "count"])
    x = days["count"].to_numpy(np.float64) - 1
    t_x = (days["max"] - days["min"]).dt.days.to_numpy(np.float64) / 7
    age = (np.datetime64("1997-09-30") - days["min"]).dt.days.to_numpy(np.float64) / 7
    model = fit(x, t_x, age)
    assert len(x) == 2357
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=5e-4)
    assert model.log_likelihood(x, t_x, age) == pytest.approx(-9582.4, abs=0.05)


def test_the_expectation_of_hardies_spreadsheet() -> None:
    """brucehardie.com/notes/004: two repeat purchases, the last after 30.43 of 38.86 weeks; the next 39 weeks."""
    told = PUBLISHED.expected_orders(np.array([2.0]), np.array([30.43]), np.array([38.86]), 39.0)
    assert told[0] == pytest.approx(1.226, abs=5e-4)


def test_the_unit_of_time_changes_alpha_and_nothing_else() -> None:
    told = lived(BgNbd(0.5, 6.0, 0.8, 2.5), 2000, 40.0, 1.0, seed=3)
    weeks = fit(told["x"], told["t_x"], np.full(2000, 40.0))
    days = fit(told["x"], told["t_x"] * 7, np.full(2000, 280.0))
    assert (days.r, days.alpha, days.a, days.b) == pytest.approx((weeks.r, 7 * weeks.alpha, weeks.a, weeks.b), rel=1e-4)


def test_the_likelihood_of_a_customer_is_the_mean_over_rates_and_chances() -> None:
    """Equation 3 of the paper for one rate and one chance, integrated over their distributions by SciPy."""
    model = BgNbd(0.9, 5.0, 1.3, 2.1)
    x, t_x, age = 2.0, 11.0, 20.0

    def density(p: float, rate: float) -> float:
        stays = (1 - p) ** x * rate**x * np.exp(-rate * age)
        left = p * (1 - p) ** (x - 1) * rate**x * np.exp(-rate * t_x)
        over_rates = model.alpha**model.r * rate ** (model.r - 1) * np.exp(-rate * model.alpha)
        over_rates /= special.gamma(model.r)
        over_chances = p ** (model.a - 1) * (1 - p) ** (model.b - 1) / special.beta(model.a, model.b)
        return float((stays + left) * over_rates * over_chances)

    likelihood, _ = integrate.dblquad(density, 0, np.inf, 0, 1)
    told = model.log_likelihood(*(np.array([one]) for one in (x, t_x, age)))
    assert told == pytest.approx(np.log(likelihood), rel=1e-6)


@pytest.mark.parametrize("logs", [[0.0, 0.0, 0.0, 0.0], [-1.4, 1.5, -0.2, 0.9], [2.0, 4.0, -3.0, 5.0]])
def test_the_gradient_is_that_of_the_likelihood(logs: list[float]) -> None:
    rows = _Rows(X, T_X, AGE)
    error = check_grad(lambda at: rows.likelihood(at)[0], lambda at: rows.likelihood(at)[1], np.array(logs))
    assert error < 1e-4


@given(
    st.floats(0.05, 30), st.floats(5, 300), st.floats(0.05, 30).filter(lambda a: abs(a - 1) > 0.01),
    st.floats(0.05, 100), st.integers(0, 60), st.floats(0, 800), st.sampled_from([90.0, 365.0]),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_expected_orders_are_those_of_equation_10(
    r: float, alpha: float, a: float, b: float, x: int, age: float, ahead: float
) -> None:
    """The paper's own form, by SciPy's 2F1."""
    model, t_x = BgNbd(r, alpha, a, b), age / 2 * (x > 0)
    z = ahead / (alpha + age + ahead)
    hyper = special.hyp2f1(r + x, b + x, a + b + x - 1, z)
    assume(np.isfinite(hyper))  # SciPy's 2F1 overflows, as at r 1, alpha 5, a 2, b 74, x 60, age 0
    shrunk = ((alpha + age) / (alpha + age + ahead)) ** (r + x)
    left = a / (b + x - 1) * ((alpha + age) / (alpha + t_x)) ** (r + x) if x else 0.0
    published = (a + b + x - 1) / (a - 1) * (1 - shrunk * hyper) / (1 + left)
    told = model.expected_orders(*(np.array([float(one)]) for one in (x, t_x, age)), ahead)
    # Where SciPy's 2F1 is large (8e8 at r 1, alpha 5, a 8, b 65, x 10) it keeps five digits, ours all of them.
    assert told[0] == pytest.approx(published, rel=1e-4)


@pytest.mark.parametrize(("a", "b"), [(1.0, 2.0), (0.6, 0.4), (2000.0, 9000.0), (0.001, 50.0)])
def test_expected_orders_are_right_where_equation_10_divides_by_nothing_or_overflows(a: float, b: float) -> None:
    """Beside SciPy's quadrature over p with a log-density, where a = 1 or a + b = 1 or both are large."""
    r, alpha, x, age, ahead = 0.8, 40.0, 3.0, 200.0, 365.0
    model = BgNbd(r, alpha, a, b)

    def bought(u: float) -> float:
        p = float(special.betaincinv(a, b + x, u))  # u is uniform where p is Beta(a, b + x)
        gone = -(r + x) * np.log1p(p * ahead / (alpha + age))
        return float(-np.expm1(gone) / p) if p > 1e-300 else (r + x) * ahead / (alpha + age)

    mean, _ = integrate.quad(bought, 0, 1, limit=400, epsabs=1e-10)
    one = [np.array([value]) for value in (x, 150.0, age)]
    assert model.expected_orders(*one, ahead)[0] == pytest.approx(mean * model.alive_probability(*one)[0], rel=1e-6)


def test_simulated_customers_buy_as_often_and_live_as_long_as_is_expected_of_them() -> None:
    model = BgNbd(0.9, 5.0, 0.8, 2.4)
    told = lived(model, 200_000, 30.0, 12.0, seed=1)
    age = np.full(len(told["x"]), 30.0)
    expected = model.expected_orders(told["x"], told["t_x"], age, 12.0)
    alive = model.alive_probability(told["x"], told["t_x"], age)
    for group in (told["x"] == 0, told["x"] == 1, told["x"] >= 5, told["t_x"] > 25, (told["x"] > 3) & (alive < 0.3)):
        assert group.sum() > 1000
        spread = told["later"][group].std() / np.sqrt(group.sum())
        assert expected[group].mean() == pytest.approx(told["later"][group].mean(), abs=4 * spread)
        assert alive[group].mean() == pytest.approx(told["is_alive"][group].mean(), abs=0.02)


def test_simulated_parameters_are_found_again() -> None:
    told = lived(PUBLISHED, 30_000, 78.0, 1.0, seed=2)
    model = fit(told["x"], told["t_x"], np.full(30_000, 78.0))
    assert (model.r, model.alpha) == pytest.approx((PUBLISHED.r, PUBLISHED.alpha), rel=0.06)
    assert model.a / (model.a + model.b) == pytest.approx(PUBLISHED.a / (PUBLISHED.a + PUBLISHED.b), rel=0.06)


def test_who_bought_once_is_alive_for_sure_and_long_silence_after_many_purchases_is_a_sign() -> None:
    alive = PUBLISHED.alive_probability(
        np.array([0.0, 10.0, 10.0]), np.array([0.0, 38.0, 10.0]), np.array([39.0, 39.0, 39.0])
    )
    assert alive[0] == 1.0
    assert alive[1] > 0.9
    assert alive[2] < 0.01


def test_gauss_nodes_have_the_moments_of_the_beta_distribution() -> None:
    p, weight = beta_nodes(0.8, 3.5, 16)
    moments = [special.beta(0.8 + power, 3.5) / special.beta(0.8, 3.5) for power in range(8)]
    assert [weight @ p**power for power in range(8)] == pytest.approx(moments, rel=1e-12)


def test_the_same_customers_give_the_same_parameters_to_the_last_bit() -> None:
    told = lived(PUBLISHED, 3000, 40.0, 1.0, seed=5)
    given_twice = [fit(told["x"], told["t_x"], np.full(3000, 40.0)) for _ in range(2)]
    assert given_twice[0] == given_twice[1]


def test_more_customers_than_all_starts_are_tried_on_are_all_fitted() -> None:
    """The few of the starts are no part of what is reached: the gradient over all customers is flat there."""
    told = lived(PUBLISHED, 50_000, 40.0, 1.0, seed=6)
    age = np.full(50_000, 40.0)
    model = fit(told["x"], told["t_x"], age)
    _, slope = _Rows(told["x"], told["t_x"], age).likelihood(np.log([model.r, model.alpha, model.a, model.b]))
    assert np.abs(slope).max() < 0.5  # beside 50,000 terms


@pytest.mark.parametrize("x", [[], [0.0, 0.0]])
def test_nothing_is_told_of_customers_of_whom_none_came_back(x: list[float]) -> None:
    with pytest.raises(ValueError, match="came back"):
        fit(np.array(x), np.zeros(len(x)), np.full(len(x), 10.0))


def test_customers_who_never_leave_are_fitted_too() -> None:
    rng = np.random.default_rng(4)
    x = rng.poisson(6.0, 500).astype(np.float64)
    model = fit(x, np.where(x > 0, 99.0, 0.0), np.full(500, 100.0))
    orders = model.expected_orders(x, np.where(x > 0, 99.0, 0.0), np.full(500, 100.0), 50.0)
    assert orders.mean() == pytest.approx(3.0, rel=0.1)
    assert np.isfinite(orders).all()
