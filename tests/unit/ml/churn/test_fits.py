"""Our fits on the recidivism data of Rossi, Berk and Lenihan (1980), whose coefficients are published."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lakehouse.settings import load_settings
from ml.churn.fits import Cox, Weibull, fit_cox, fit_weibull


@pytest.fixture(scope="module")
def rossi() -> pd.DataFrame:
    path = load_settings().data_dir / "rossi.csv.gz"
    if not path.exists():
        pytest.skip(f"no {path.name} in {path.parent}: set LAKEHOUSE_DATA_DIR")
    return pd.read_csv(path)


def parts(rossi: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    return rossi.drop(columns=["week", "arrest"]), rossi["week"].to_numpy(float), rossi["arrest"].to_numpy(float)


def test_cox_finds_the_published_coefficients_to_three_places(rossi: pd.DataFrame) -> None:
    fitted = fit_cox(*parts(rossi), penalty=0.0)
    assert fitted.coefficients == pytest.approx(
        # Allison, "Survival Analysis Using SAS" (2010), and the documentation of lifelines.
        {"fin": -0.379, "age": -0.057, "race": 0.314, "wexp": -0.150, "mar": -0.434, "paro": -0.085, "prio": 0.091},
        abs=0.0006,
    )
    assert fitted.log_likelihood == pytest.approx(-658.75, abs=0.005)


def test_weibull_finds_the_published_coefficients_to_three_places(rossi: pd.DataFrame) -> None:
    fitted = fit_weibull(*parts(rossi), penalty=0.0)
    assert fitted.coefficients == pytest.approx(
        {"fin": 0.272, "age": 0.041, "race": -0.225, "wexp": 0.107, "mar": 0.311, "paro": 0.059, "prio": -0.066},
        abs=0.0006,
    )
    assert (fitted.intercept, fitted.log_rho) == pytest.approx((3.990, 0.339), abs=0.0006)
    assert fitted.log_likelihood == pytest.approx(-679.917, abs=0.001)


def test_the_hazard_where_all_covariates_are_0_is_that_of_the_mean_moved_there() -> None:
    """One covariate without effect and far from 0: H0 is Nelson-Aalen's, 1/4 + 1/3 after the first two of four."""
    covariates = pd.DataFrame({"x": [10.0, 11.0, 11.0, 10.0]})
    fitted = fit_cox(covariates, np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 1.0, 0.0, 0.0]), penalty=1e6)
    assert fitted.coefficients["x"] == pytest.approx(0.0, abs=1e-5)
    days = np.array([0.0, 1.0, 1.9, 2.0, 9.0])
    assert fitted.cumulative_hazard(days) == pytest.approx([0.0, 1 / 4, 1 / 4, 7 / 12, 7 / 12], abs=1e-4)


def test_a_weibull_of_log_time_is_one_of_proportional_hazards() -> None:
    """S(t) = exp(-(t / e)^2) where x = 0; x = 1 doubles the time, and so divides the hazard by four."""
    fitted = Weibull({"x": float(np.log(2.0))}, intercept=1.0, log_rho=float(np.log(2.0)), log_likelihood=0.0)
    assert fitted.cumulative_hazard(np.array([np.e, 2 * np.e])) == pytest.approx([1.0, 4.0])
    assert np.exp(fitted.log_hazard_ratios["x"]) == pytest.approx(1 / 4)


def test_cox_goes_on_after_the_last_day_only_where_it_is_asked_to() -> None:
    fitted = Cox({}, np.array([2.0, 5.0]), np.array([0.1, 0.3]), 0.0)
    days = np.array([1.0, 2.0, 4.0, 5.0, 8.0])
    assert fitted.cumulative_hazard(days).tolist() == [0.0, 0.1, 0.1, 0.3, 0.3]
    # From day 2 to 5 the hazard grew by 0.2 / 3 a day.
    assert fitted.extended(days) == pytest.approx([0.0, 0.1, 0.1, 0.3, 0.5])
