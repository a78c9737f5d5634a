from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from scipy import sparse

from ml.recommend.choice import winner
from ml.recommend.compare import gains_of
from ml.recommend.evaluate import held_out, judge, metrics
from ml.recommend.factors import FactorModel, Settled
from ml.recommend.features import History
from ml.recommend.methods.popularity import fit_popularity
from tests.unit.ml.recommend.shop import history


def test_only_products_newly_bought_after_the_cut_are_to_be_found() -> None:
    before = history([("a", "p", 5, 1, 10), ("a", "q", 1, 0, None)], ["a"], ["p", "q", "r"])
    after = history([("a", "p", 5, 1, 20), ("a", "q", 5, 1, 20), ("a", "r", 1, 0, None)], ["a"], ["p", "q", "r"])
    _, to_find = held_out(History(before, before, after, date(2025, 1, 1)))
    assert to_find.tolist() == [False, True, False]  # p was bought before, r was only looked at


def two_tastes(of_each: int) -> tuple[History, FactorModel]:
    """Every customer of a taste bought four of its first ten products, and later buys the other six."""
    products = [f"{taste}{n:02d}" for taste in "xy" for n in range(12)]
    customers = [f"{taste}{n:02d}" for taste in "xy" for n in range(of_each)]
    rows = [(who, f"{who[0]}{(int(who[1:]) + n) % 10:02d}", 5.0, 1, 1) for who in customers for n in range(4)]
    later = [(who, f"{who[0]}{(int(who[1:]) + n) % 10:02d}", 5.0, 1, 99) for who in customers for n in range(4, 10)]
    seen, after = history(rows, customers, products), history(later, customers, products)
    model = FactorModel(np.array(products, dtype=object), np.repeat(np.eye(2), 12, axis=0), Settled(2, 1, 0.1, 1.0))
    return History(seen, seen, after, date(1, 1, 5)), model


def test_a_model_that_knows_two_tastes_is_chosen_by_half_and_judged_by_the_other() -> None:
    known, model = two_tastes(of_each=10)
    judged = judge([fit_popularity(known.before, 7), model], known, sparse.csr_matrix((24, 0)))
    assert judged.serves == "als"
    assert judged.customers == 10
    told = {metric.name: metric for metric in metrics(judged)}
    assert told["recall_at_10"].value == 1.0
    assert told["recall_at_10"].baseline == "popularity"
    assert told["recall_at_10"].baseline_value == told["popularity_recall_at_10"].value
    assert told["popularity_recall_at_10"].value < 0.8
    assert told["als_ndcg_at_10"].value == told["ndcg_at_10"].value
    assert told["als_ndcg_at_10"].split == "by method, held out by time"


def test_too_few_customers_judge_and_do_not_choose() -> None:
    known, model = two_tastes(of_each=6)
    judged = judge([fit_popularity(known.before, 7), model], known, sparse.csr_matrix((24, 0)))
    assert (judged.serves, judged.customers) == ("als", 12)
    gained = gains_of(model, known, sparse.csr_matrix((24, 0)))  # what a challenger is judged by
    assert len(gained) == 12
    assert gained.mean() == pytest.approx(judged.by_method["als"]["ndcg_at_10"], abs=1e-12)


def test_without_a_cut_the_metrics_say_that_nothing_was_held_out() -> None:
    seen = history([("a", "p", 5, 1, 1)], ["a"], ["p"])
    judged = judge([], History(seen, seen, seen, None), sparse.csr_matrix((1, 0)))
    assert judged.serves == "als"
    assert [metric.split for metric in metrics(judged)] == ["no held-out period"]


# By hand, of 100 customers: where all differ alike chance is 0 and the 2 % count; where every second customer differs
# by twice as much, the standard error of a mean difference d is d sqrt(100 / 99) / 10, a tenth of it; where one alone
# differs it is the whole of it.
ALL, HALF, ONE = np.ones(100), np.tile([0.0, 2.0], 50), np.append(np.zeros(99), 100.0)


@pytest.mark.parametrize(
    ("behind", "spread", "serves"),
    [
        (0.015, ALL, "sar"),  # 1.5 % of 1 behind, and simpler
        (0.025, ALL, "als"),
        (0.025, HALF, "als"),  # ten standard errors
        (0.025, ONE, "sar"),  # one customer is chance
        (-0.025, ALL, "sar"),
    ],
)
def test_a_simpler_method_serves_unless_another_passes_it_by_two_percent_and_by_more_than_chance(
    behind: float, spread: np.ndarray, serves: str
) -> None:
    assert winner({"popularity": 0.5 * ALL, "sar": ALL - behind * spread, "als": ALL}) == serves


def test_where_nothing_finds_anything_popularity_serves() -> None:
    assert winner({"popularity": np.zeros(3), "als": np.zeros(3)}) == "popularity"
