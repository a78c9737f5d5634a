"""The covariance of a churn model beside lifelines' robust one, and intervals beside what other samples give."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from ml.churn.fits import fit_cox
from ml.churn.spread import Z, covariance, interval


def sample(rng: np.random.Generator, customers: int) -> tuple[np.ndarray, tuple[np.ndarray, ...], np.ndarray]:
    """Two rows per customer of hazard 0.02 exp(0.5 a - 0.3 b), followed for 60 days."""
    covariates = np.repeat(rng.normal(size=(customers, 2)), 2, axis=0)
    left = rng.exponential(1 / (0.02 * np.exp(covariates @ [0.5, -0.3])))
    duration, event = np.minimum(left, 60.0), (left <= 60.0).astype(np.float64)
    return covariates, (duration, event, np.ones(len(left))), np.repeat(np.arange(customers), 2)


def fitted(covariates: np.ndarray, outcome: tuple[np.ndarray, ...], day: float = 30.0) -> tuple[np.ndarray, float]:
    """Coefficients and log H0 of a day."""
    told = fit_cox(pd.DataFrame(covariates, columns=["a", "b"]), *outcome[:2], penalty=0.0)
    return np.array(list(told.coefficients.values())), float(np.log(told.cumulative_hazard(np.array([day]))[0]))


def test_the_coefficients_spread_as_lifelines_has_it_by_customer() -> None:
    covariates, outcome, customer = sample(np.random.default_rng(1), 300)
    coefficients, _ = fitted(covariates, outcome)
    rows = pd.DataFrame(covariates, columns=["a", "b"]).assign(d=outcome[0], e=outcome[1], who=customer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        robust = CoxPHFitter().fit(rows, "d", "e", cluster_col="who")
    told = covariance(covariates, coefficients, outcome, customer, 30.0, 0.0)
    assert np.sqrt(np.diag(told))[:2] == pytest.approx(robust.standard_errors_.to_numpy(), rel=0.01)


def test_a_weight_of_two_is_a_row_twice() -> None:
    covariates, (duration, event, one), customer = sample(np.random.default_rng(2), 100)
    twice = np.r_[np.arange(200), np.arange(50)]
    weight = one + (np.arange(200) < 50)
    first = covariance(covariates, np.array([0.4, -0.2]), (duration, event, weight), customer, 30.0, 0.01)
    many = (duration[twice], event[twice], np.ones(250))
    second = covariance(covariates[twice], np.array([0.4, -0.2]), many, customer[twice], 30.0, 0.01)
    assert first == pytest.approx(second)


def test_about_95_of_100_intervals_hold_the_truth() -> None:
    """0.02 x 30 exp(0.5 x 1 - 0.3 x -1): the hazard of 30 days of one customer, over 40 samples of 150 others."""
    rng, held = np.random.default_rng(3), 0
    gradient, truth = np.array([[1.0, -1.0, 1.0]]), 1 - np.exp(-0.6 * np.exp(0.8))
    for _ in range(40):
        covariates, outcome, customer = sample(rng, 150)
        coefficients, level = fitted(covariates, outcome)
        of = covariance(covariates, coefficients, outcome, customer, 30.0, 0.0)
        low, high = interval(gradient[:, :2] @ coefficients + level, gradient, of)
        held += int(low[0] <= truth <= high[0])
    assert 34 <= held <= 40


def test_without_covariates_it_is_the_spread_of_the_nelson_aalen_estimate() -> None:
    """Of 100 customers 20 leave on day 1: log H0 has the variance of 20 of 100, 0.8 / 20."""
    outcome = np.r_[np.ones(20), np.full(80, 9.0)], np.r_[np.ones(20), np.zeros(80)], np.ones(100)
    told = covariance(np.zeros((100, 0)), np.zeros(0), outcome, np.arange(100), 5.0, 0.01)
    assert told == pytest.approx(np.array([[0.8 / 20]]))
    low, high = interval(np.log([0.2]), np.ones((1, 1)), told)
    assert [*low, *high] == pytest.approx(1 - np.exp(-0.2 * np.exp(np.array([-Z, Z]) * 0.2)))


def test_where_nobody_leaves_there_is_nothing_to_spread() -> None:
    outcome = np.ones(5), np.zeros(5), np.ones(5)
    assert (covariance(np.zeros((5, 0)), np.zeros(0), outcome, np.arange(5), 5.0, 0.0) == 0.0).all()
