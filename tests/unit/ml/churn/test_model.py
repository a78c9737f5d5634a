from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml.churn.features import COVARIATES, HORIZON, LOGGED, Landmark
from ml.churn.model import ChurnModel, load, median_days, peak_day
from ml.churn.score import contact_days, reasons
from ml.churn.spread import Z
from ml.churn.train import fit_family

DAYS = np.arange(HORIZON + 1.0)
FOREVER = date.max.toordinal()


def model() -> ChurnModel:
    """H0 = day / 100; 8 days more of silence double the hazard, a membership halves it."""
    return ChurnModel(
        "cox", 60, ["recency_days", "is_member"], np.array([7.0, 0.0]), np.array([8.0, 1.0]),
        np.array([np.log(2.0), -np.log(2.0)]), DAYS / 100, np.exp(-DAYS / 100), np.diag([0.0, 0.0, 0.04]),
    )  # fmt: skip


ROWS = pd.DataFrame({"recency_days": [7.0, 15.0, 15.0], "is_member": [0.0, 0.0, 1.0]})


def test_each_covariate_multiplies_the_hazard() -> None:
    told = model().predict(ROWS)
    assert told["churn_probability"].to_numpy() == pytest.approx(1 - np.exp([-0.9, -1.8, -0.9]))
    # Half are gone at H = log 2 = 0.693: on the 70th day, on the 35th at twice the hazard.
    assert told["median_days_to_churn"].tolist() == [70, 35, 70]


def test_the_interval_holds_the_probability_and_comes_of_the_covariance() -> None:
    """The log hazard has a deviation of 0.2: exp(+-1.96 x 0.2) times the hazards 0.9, 1.8 and 0.9."""
    told, factor = model().predict(ROWS), np.exp(Z * 0.2)
    for name, times in (("low", 1 / factor), ("high", factor)):
        assert told[f"churn_probability_{name}"].to_numpy() == pytest.approx(
            1 - np.exp(-np.array([0.9, 1.8, 0.9]) * times)
        )


def test_a_median_beyond_the_last_day_is_not_told() -> None:
    assert np.isnan(median_days(np.array([[1.0, 0.9, 0.51]]))).all()
    assert median_days(np.array([[1.0, 0.5, 0.2]])).tolist() == [1]


def test_a_saved_model_predicts_as_before(tmp_path: Path) -> None:
    model().save(tmp_path)
    assert load(tmp_path).predict(ROWS).equals(model().predict(ROWS))


def test_the_reason_is_the_largest_contribution_of_either_sign() -> None:
    rows = pd.DataFrame({"recency_days": [23.0, -17.0, 11.0], "is_member": [1.0, 1.0, 1.0]})
    given = model().contributions(rows)
    # In doublings: 16 days more are 2, 24 fewer are -3, 4 more are a half; a membership is -1.
    assert given / np.log(2.0) == pytest.approx(np.array([[2.0, -1.0], [-3.0, -1.0], [0.5, -1.0]]))
    feature, effect, value = reasons(given, model().names, rows[model().names].to_numpy())
    assert feature.tolist() == ["recency_days", "recency_days", "is_member"]
    assert effect.tolist() == ["raises", "lowers", "lowers"]
    assert value.tolist() == [23.0, -17.0, 1.0]


def test_the_hazard_peaks_where_most_of_those_still_there_go() -> None:
    # Hazards 0.1, 1/9, 0.5, 0.25.
    assert peak_day(np.array([[1.0, 0.9, 0.8, 0.4, 0.3]])).tolist() == [3]
    assert peak_day(np.array([[1.0, 0.9, 0.81, 0.729]])).tolist() == [1]  # the same every day


def test_contact_is_15_days_before_a_membership_ends_or_the_hazard_peaks_and_never_in_the_past() -> None:
    late = np.exp(-((DAYS / 50) ** 2))  # the hazard rises to the last day, 90
    survival = np.vstack([late] * 4)
    expires = np.array([FOREVER, 1040, 1010, 1091])
    # No membership: 1090 - 15. Ends in 40 days: 1025. In 10 days: at once. In 91 days: too far off, as without.
    assert contact_days(survival, expires, 1000).tolist() == [1075, 1025, 1000, 1075]


def rows_of(count: int, leavers: int) -> Landmark:
    covariates = pd.DataFrame(0.0, index=range(count), columns=list(COVARIATES))
    covariates["recency_days"] = np.where(np.arange(count) % 3 == 0, 40.0, 2.0)
    event = (np.arange(count) < leavers).astype(float)
    return Landmark(
        np.arange(count), covariates, np.where(event > 0, 1.0 + np.arange(count) % 30, 100.0), event, np.ones(count)
    )


def test_too_few_events_give_everybody_the_kaplan_meier_curve() -> None:
    fitted = fit_family("cox", rows_of(100, 5), 60)
    assert (fitted.family, fitted.names) == ("kaplan_meier", [])
    survival = fitted.survival(rows_of(3, 0).covariates)
    assert survival[:, -1] == pytest.approx([0.95] * 3)
    assert reasons(fitted.contributions(ROWS), [], ROWS[[]].to_numpy())[0].tolist() == [None] * 3


@pytest.mark.parametrize("family", ["cox", "weibull"])
def test_only_covariates_that_vary_are_in_a_fit_and_mean_predictions_are_what_was_observed(family: str) -> None:
    rows = rows_of(300, 60)
    fitted = fit_family(family, rows, 60)
    assert (fitted.family, fitted.names) == (family, ["recency_days"])
    assert fitted.survival(rows.covariates)[:, -1].mean() == pytest.approx(0.8, abs=0.02)


def test_who_is_average_in_everything_has_no_reason() -> None:
    rows = pd.DataFrame({"recency_days": [7.0], "is_member": [0.0]})
    feature, effect, value = reasons(model().contributions(rows), model().names, rows.to_numpy())
    assert (feature[0], effect[0]) == (None, None)
    assert np.isnan(value[0])


@pytest.mark.parametrize("seed", range(5))
def test_without_its_reason_a_customer_differs_most_from_what_they_are(seed: int) -> None:
    """The covariate named is the one that moves the log hazard most when it alone is set to the average."""
    rng = np.random.default_rng(seed)
    count = len(COVARIATES)
    fitted = ChurnModel(
        "weibull", 60, list(COVARIATES), rng.random(count), rng.random(count) + 0.5, rng.normal(0, 0.2, count),
        DAYS / 100, np.exp(-DAYS / 100), np.zeros((count + 1, count + 1)),
    )  # fmt: skip
    rows = pd.DataFrame(rng.random((50, count)) * 2, columns=list(COVARIATES))
    told = rows.to_numpy()

    def log_hazard(values: pd.DataFrame) -> np.ndarray:
        return np.log(-np.log(fitted.survival(values)[:, 50]))

    average = [np.expm1(mean) if name in LOGGED else mean for name, mean in zip(COVARIATES, fitted.mean)]
    moved = np.column_stack(
        [log_hazard(rows) - log_hazard(rows.assign(**{name: average[n]})) for n, name in enumerate(COVARIATES)]
    )
    feature, effect, value = reasons(fitted.contributions(rows), fitted.names, told)
    largest = np.abs(moved).argmax(axis=1)
    assert feature.tolist() == [COVARIATES[place] for place in largest]
    assert effect.tolist() == ["raises" if moved[n, place] > 0 else "lowers" for n, place in enumerate(largest)]
    assert value.tolist() == told[np.arange(50), largest].tolist()
