from __future__ import annotations

from datetime import date
from math import log2

import numpy as np
import pytest

from ml.recommend.compare import gains_of
from ml.recommend.evaluate import evaluate, held_out, ndcg, recall
from ml.recommend.factors import FactorModel, Settled
from ml.recommend.features import History
from tests.unit.ml.recommend.shop import history


def test_ndcg_of_hits_at_ranks_one_and_three_of_two_relevant() -> None:
    best = np.array([[4, 0, 2]])
    relevant = np.zeros((1, 5), dtype=bool)
    relevant[0, [2, 4]] = True
    assert ndcg(best, relevant)[0] == pytest.approx((1 + 1 / log2(4)) / (1 + 1 / log2(3)))


def test_ndcg_is_one_when_all_ten_are_right_even_if_more_are_relevant() -> None:
    relevant = np.ones((1, 30), dtype=bool)
    assert ndcg(np.arange(10)[None, :], relevant)[0] == pytest.approx(1.0)


def test_recall_is_the_share_of_the_relevant_that_was_found() -> None:
    relevant = np.array([[True, True, True, False]])
    assert recall(np.array([[0, 3]]), relevant)[0] == pytest.approx(1 / 3)


def test_only_products_newly_bought_after_the_cut_are_to_be_found() -> None:
    before = history([("a", "p", 5, 1, 10), ("a", "q", 1, 0, None)], ["a"], ["p", "q", "r"])
    after = history([("a", "p", 5, 1, 20), ("a", "q", 5, 1, 20), ("a", "r", 1, 0, None)], ["a"], ["p", "q", "r"])
    _, to_find = held_out(History(before, before, after, date(2025, 1, 1)))
    assert to_find.tolist() == [False, True, False]  # p was bought before, r was only looked at


def test_a_model_that_knows_two_tastes_beats_popularity() -> None:
    products = [f"{taste}{n:02d}" for taste in "xy" for n in range(12)]
    customers = [f"{taste}{n:02d}" for taste in "xy" for n in range(6)]
    # every customer of a taste bought four of its first ten products, and later buys the other six
    rows = [(who, f"{who[0]}{(int(who[1:]) + n) % 10:02d}", 5.0, 1, 1) for who in customers for n in range(4)]
    later = [(who, f"{who[0]}{(int(who[1:]) + n) % 10:02d}", 5.0, 1, 99) for who in customers for n in range(4, 10)]
    seen, after = history(rows, customers, products), history(later, customers, products)
    factors = np.repeat(np.eye(2), 12, axis=0)
    model = FactorModel(np.array(products, dtype=object), factors, Settled(2, 1, 0.1, 1.0))

    told = {metric.name: metric for metric in evaluate(model, History(seen, seen, after, date(1, 1, 5)))}

    assert told["recall_at_10"].value == 1.0
    assert told["recall_at_10"].baseline == "popularity"
    assert told["recall_at_10"].baseline_value is not None
    assert told["recall_at_10"].baseline_value < 0.8
    assert told["evaluated_customers"].value == 12
    gains = gains_of(model, History(seen, seen, after, date(1, 1, 5)))  # what a challenger is judged by
    assert len(gains) == 12
    assert gains.mean() == pytest.approx(told["ndcg_at_10"].value, abs=1e-12)


def test_without_a_cut_the_metrics_say_that_nothing_was_held_out() -> None:
    seen = history([("a", "p", 5, 1, 1)], ["a"], ["p"])
    model = FactorModel(np.array(["p"], dtype=object), np.ones((1, 1)), Settled(1, 1, 0.1, 1.0))
    assert [metric.split for metric in evaluate(model, History(seen, seen, seen, None))] == ["no held-out period"]
