"""Bands by sums worked out by hand, and buyers with a pattern to find."""

from __future__ import annotations

import math
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lakehouse.settings import Settings, load_settings
from ml.traits.activity import read_activity
from ml.traits.certainty import NEVER
from ml.traits.evaluate import judged_spending, reliability, spending_metrics
from ml.traits.features import SALES, Cuts, Sales, read_both
from ml.traits.fits import fit_spending, inverse_temperature
from ml.traits.learn import is_learnable, learn_spending
from ml.traits.model import TraitsModel, load
from ml.traits.score import UNKNOWN, of_spending
from ml.traits.spending import BANDS, NO_SALES, SpendingModel, columns_of, softmax
from tests.unit.ml.traits.shop import AS_OF, Row, look, sale, write

DAYS = 360
BUYERS = 200


def model() -> SpendingModel:
    """One column of meaning: the amount so far, of which an e-fold is one deviation."""
    width = len(SALES) + 1
    coefficients = np.zeros((width, len(BANDS)))
    coefficients[SALES.index("amount")] = [-1.0, 0.0, 1.0]
    return SpendingModel(
        (), np.full(width, math.log(101.0)), np.ones(width), coefficients, np.zeros(3), 180, 90, slope=2.0
    )


def test_a_band_is_as_likely_as_its_score_and_no_sale_counts_as_the_usual_one() -> None:
    values = np.full((2, len(SALES)), np.nan)
    values[0] = 0.0
    values[0, SALES.index("amount")] = 101.0 * math.e - 1.0
    columns = columns_of(Sales(values), np.zeros((2, 0)))
    assert columns[0, SALES.index("amount")] == pytest.approx(math.log(101.0) + 1.0)
    assert columns[:, -1].tolist() == [0.0, 1.0]
    scores = model().scores(columns)
    assert scores[0] == pytest.approx([-1.0, 0.0, 1.0])
    assert scores[1] == pytest.approx([0.0, 0.0, 0.0])
    assert softmax(2.0 * scores)[0, 2] == pytest.approx(math.exp(2) / (math.exp(-2) + 1 + math.exp(2)))


def test_contributions_are_what_is_added_beside_the_other_bands() -> None:
    rng = np.random.default_rng(2)
    columns, band = rng.normal(size=(300, len(SALES) + 2)), rng.integers(0, 3, 300)
    fitted = fit_spending(columns, band, ("category_level_1=Beauty",), 90, 90)
    told = fitted.contributions(columns, band)
    scores, flat = fitted.scores(columns), fitted.intercepts
    for number in range(300):
        own, others = band[number], [b for b in range(3) if b != band[number]]
        ahead = scores[number, own] - scores[number, others].mean() - (flat[own] - flat[others].mean())
        assert told[number].sum() == pytest.approx(ahead)


def test_the_slope_shrinks_scores_that_are_too_sure_and_keeps_those_that_are_not() -> None:
    rng = np.random.default_rng(4)
    scores = rng.normal(size=(4000, 3))
    drawn = softmax(scores).cumsum(axis=1)
    band = (rng.random((4000, 1)) > drawn).sum(axis=1)
    assert inverse_temperature(scores, band) == pytest.approx(1.0, abs=0.06)
    assert inverse_temperature(3.0 * scores, band) == pytest.approx(1 / 3, abs=0.03)


def rows(until: int = DAYS) -> list[Row]:
    """Buyers of three kinds, who pay about 20, 60 and 180 every twelfth day; a newcomer who only looked."""
    rng = np.random.default_rng(9)
    start = AS_OF - timedelta(days=DAYS - 1)
    told = [look("newcomer", AS_OF.isoformat(), "Beauty")]
    for buyer in range(BUYERS):
        pays = 20.0 * 3 ** (buyer % 3)
        for day in range(buyer % 12, until, 12):
            if rng.random() < 0.8:
                net = f"{pays * math.exp(rng.normal(0.0, 0.3)):.2f}"
                told.append(sale(f"b{buyer:03d}", (start + timedelta(days=day)).isoformat(), net))
    return told


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = load_settings(home=tmp_path_factory.mktemp("spending") / "home")
    write(settings, rows())
    return settings


def test_bands_of_those_who_pay_the_same_each_time_are_found_and_a_newcomer_is_unknown(settings: Settings) -> None:
    seen, people, days = read_both(settings, AS_OF)
    last = AS_OF.toordinal()
    assert days == Cuts(last - 180, last - 90, last)
    assert is_learnable(seen, people, days)
    learnt = learn_spending(seen, days)
    assert learnt is not None
    assert learnt[0].lookback == DAYS - 180
    told = pd.DataFrame(of_spending(learnt[0], seen, people, last)).set_index("customer_id")
    kind = [BANDS[int(buyer[1:]) % 3] for buyer in told.index if buyer != "newcomer"]
    buyers = told.drop(index="newcomer")
    stated = buyers["value"] != UNKNOWN
    assert stated.mean() > 0.7
    assert (buyers["value"] == kind)[stated].mean() > 0.9
    assert buyers["probability"].between(1 / 3, 1).all()
    assert set(buyers["basis"]) == {"behaviour"}
    assert not told["is_known"].any()
    high = buyers[buyers["value"] == "high"]
    assert set(high["reason_feature"]) <= set(SALES)
    assert high["reason"].str.startswith("Spent more than is usual").mean() > 0.9
    # Nobody to learn from had only looked: nothing is said of who has.
    assert told.loc["newcomer", ["value", "basis"]].tolist() == [UNKNOWN, "none"]


def test_measures_stand_beside_the_third_so_far_and_no_buyer_judged_themselves(settings: Settings) -> None:
    seen, _, days = read_both(settings, AS_OF)
    assert days is not None
    learnt = learn_spending(seen, days)
    assert learnt is not None
    told = {one.name: one for one in spending_metrics(*learnt)}
    assert told["spending_log_loss"].value < 0.5
    assert told["spending_log_loss"].baseline_value == pytest.approx(math.log(3), abs=1e-3)
    assert told["spending_accuracy"].baseline == "same third as so far"
    assert told["spending_right_share"].value > 0.9
    judged, probabilities, band = judged_spending(*learnt)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(BUYERS))
    assert sum(point[2] for point in reliability(judged)) == BUYERS == len(band)
    # The amounts at which the thirds begin are those of the second period.
    spent = np.sort(learnt[1].edges)
    assert 20 < spent[0] < spent[1]


def test_what_happens_after_the_day_changes_nothing_that_is_learnt(settings: Settings, tmp_path: Path) -> None:
    later = load_settings(home=tmp_path / "home")
    rng = np.random.default_rng(1)
    future = [
        sale(f"b{buyer:03d}", (AS_OF + timedelta(days=int(rng.integers(1, 99)))).isoformat(), "9999")
        for buyer in range(BUYERS)
    ]
    write(later, future + rows()[::-1])
    learnt = []
    for home in (settings, later):
        seen, _, days = read_both(home, AS_OF)
        assert days is not None
        learnt.append(learn_spending(seen, days))
    before, after = learnt
    assert before is not None
    assert after is not None
    for name in ("mean", "deviation", "coefficients", "intercepts"):
        np.testing.assert_array_equal(getattr(before[0], name), getattr(after[0], name))
    assert (before[0].slope, before[0].threshold) == (after[0].slope, after[0].threshold)


def test_features_to_learn_from_know_nothing_of_the_days_that_they_foretell(settings: Settings, tmp_path: Path) -> None:
    """Who pays what is dealt anew after the first cut: what is known on it stays, and teaches nothing."""
    mixed = load_settings(home=tmp_path / "home")
    cut = AS_OF.toordinal() - 180
    rng = np.random.default_rng(8)
    told, later = [], []
    for row in rows():
        (told if row["occurred_on"].toordinal() <= cut else later).append(row)
    names = rng.permutation(BUYERS)
    for row in later:
        if row["customer_id"] != "newcomer":
            row["customer_id"] = f"b{names[int(row['customer_id'][1:])]:03d}"
    write(mixed, told + later)
    edges = [cut, cut + 90, cut + 180]
    before, after = read_activity(settings, edges), read_activity(mixed, edges)
    first = before.day <= cut
    assert before.net_cents[first].sum() == after.net_cents[after.day <= cut].sum()
    learnt = learn_spending(after, Cuts(*edges))
    assert learnt is not None
    # The first slice sees bands that have nothing to do with what was paid before.
    assert np.abs(learnt[0].coefficients[SALES.index("amount_per_sale_day")]).max() < 0.25


def test_too_few_buyers_teach_nothing(tmp_path: Path) -> None:
    few = load_settings(home=tmp_path / "home")
    write(few, [row for row in rows() if row["customer_id"] < "b080"])
    seen, people, days = read_both(few, AS_OF)
    assert days is not None
    assert learn_spending(seen, days) is None
    assert not is_learnable(seen, people, days)
    write(few, [row for row in rows() if row["occurred_on"] > AS_OF - timedelta(days=100)])
    assert read_both(few, AS_OF)[2] is None


def test_a_saved_model_says_the_same_and_answers_for_rows_of_a_notebook(settings: Settings, tmp_path: Path) -> None:
    seen, people, days = read_both(settings, AS_OF)
    assert days is not None
    learnt = learn_spending(seen, days)
    assert learnt is not None
    TraitsModel(None, learnt[0]).save(tmp_path)
    found = load(tmp_path)
    assert found.gender is None
    assert found.spending is not None
    last = AS_OF.toordinal()
    before, after = (of_spending(one, seen, people, last) for one in (learnt[0], found.spending))
    assert all(values.tolist() == after[name].tolist() for name, values in before.items())
    rich = {"amount": 5000.0, "amount_per_buying_month": 900.0, "amount_per_sale_day": 180.0, "sale_days": 14.0,
            "largest_day_amount": 300.0, "units_per_line": 1.0, "discount_rate": 0.0}  # fmt: skip
    told = found.predict(pd.DataFrame([rich, {"amount": None}]))
    assert told.columns.tolist() == list(BANDS)
    assert told.sum(axis=1).tolist() == pytest.approx([1.0, 1.0])
    assert told.loc[0, "high"] > 0.8
    assert told.loc[1, "high"] < told.loc[0, "high"]


def test_nothing_is_stated_by_a_model_that_was_never_right_enough(settings: Settings) -> None:
    seen, people, _ = read_both(settings, AS_OF)
    assert model().threshold == NEVER
    told = of_spending(model(), seen, people, AS_OF.toordinal())
    assert set(told["value"]) == {UNKNOWN}
    assert told["reason"][0].endswith("by what they do nothing can be stated")
    assert NO_SALES in model().names
    assert date.fromisoformat("2025-06-30") == AS_OF
