from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.optimize import check_grad

from ml.value.gammagamma import GammaGamma, _likelihood, fit
from tests.unit.ml.value.cdnow import read

PUBLISHED = GammaGamma(6.25, 3.74, 15.44)


def test_the_repeat_buyers_of_cdnow_give_the_published_parameters() -> None:
    rows = read("cdnow_gammagamma_summary")
    rows = rows[rows["x"] > 0]
    model = fit(rows["x"].to_numpy(np.float64), rows["zbar"].to_numpy(np.float64))
    assert len(rows) == 946
    assert (model.p, model.q, model.v) == pytest.approx((6.25, 3.74, 15.45), abs=0.01)


def test_the_mean_values_of_hardies_spreadsheet() -> None:
    """brucehardie.com/notes/025: the first ten customers of CDNOW."""
    rows = read("cdnow_gammagamma_summary").head(10)
    told = PUBLISHED.expected_value(rows["x"].to_numpy(np.float64), rows["zbar"].to_numpy(np.float64))
    published = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    assert told == pytest.approx(published, abs=0.1)


def test_the_density_and_the_expectation_of_a_customer_are_the_mean_over_scales() -> None:
    """The note's story integrated by SciPy: the mean of x purchases is Gamma(px, x nu), nu is Gamma(q, v)."""
    x, value = 3.0, 28.0

    def together(scale: float) -> float:
        of_customer = stats.gamma.pdf(value, PUBLISHED.p * x, scale=1 / (x * scale))
        return float(of_customer * stats.gamma.pdf(scale, PUBLISHED.q, scale=1 / PUBLISHED.v))

    density, _ = integrate.quad(together, 0, np.inf)
    mean, _ = integrate.quad(lambda scale: PUBLISHED.p / scale * together(scale), 0, np.inf)
    told = PUBLISHED.log_likelihood(np.array([x]), np.array([value]))
    assert told == pytest.approx(np.log(density), rel=1e-7)
    assert PUBLISHED.expected_value(np.array([x]), np.array([value]))[0] == pytest.approx(mean / density, rel=1e-7)


def test_nobody_known_spends_the_mean_and_much_history_speaks_for_itself() -> None:
    told = PUBLISHED.expected_value(np.array([0.0, 1.0, 100000.0]), np.array([0.0, 80.0, 80.0]))
    assert told[0] == pytest.approx(6.25 * 15.44 / 2.74)
    assert told[0] == PUBLISHED.mean
    assert told[1] == pytest.approx(6.25 * (15.44 + 80) / (6.25 + 2.74))
    assert told[2] == pytest.approx(80.0, rel=1e-4)


@pytest.mark.parametrize("logs", [[0.0, 0.0, 0.0], [1.8, 1.0, -0.9]])
def test_the_gradient_is_that_of_the_likelihood(logs: list[float]) -> None:
    x, value = np.array([1.0, 2.0, 9.0]), np.array([0.2, 1.1, 3.0])
    error = check_grad(lambda at: _likelihood(x, value, at)[0], lambda at: _likelihood(x, value, at)[1], np.array(logs))
    assert error < 1e-5


def test_simulated_parameters_are_found_again_in_any_currency() -> None:
    rng = np.random.default_rng(8)
    x = rng.integers(1, 9, 20_000).astype(np.float64)
    scale = rng.gamma(4.0, 1 / 15.0, len(x))
    value = rng.gamma(6.0 * x) / scale / x
    model, in_cents = fit(x, value), fit(x, value * 100)
    assert (model.p, model.q, model.v) == pytest.approx((6.0, 4.0, 15.0), rel=0.05)
    assert (in_cents.p, in_cents.q, in_cents.v) == pytest.approx((model.p, model.q, model.v * 100), rel=1e-3)


def test_values_that_are_all_alike_are_expected_of_everybody() -> None:
    model = fit(np.arange(1.0, 31.0), np.full(30, 20.0))
    told = model.expected_value(np.array([0.0, 1.0, 30.0]), np.array([0.0, 20.0, 20.0]))
    assert told == pytest.approx(np.full(3, 20.0), rel=1e-4)


@pytest.mark.parametrize(("x", "value"), [([], []), ([0.0], [5.0]), ([2.0], [0.0])])
def test_only_purchases_of_a_value_can_be_fitted(x: list[float], value: list[float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        fit(np.array(x), np.array(value))
