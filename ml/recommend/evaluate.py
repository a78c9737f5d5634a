"""How good the ten are: what customers took up after a cut in time, predicted from what came before it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ml.recommend.factors import FactorModel, solve_customers
from ml.recommend.features import Floats, History, Interactions, Ints
from ml.recommend.neighbours import similarity_matrix
from ml.recommend.ranking import is_withheld, popularity, top_k
from ml.registry import Metric

K = 10
BLOCK = 1000
MOST_CUSTOMERS = 10_000
"""Evaluation takes at most so many customers, evenly spaced in the order of their ids."""

Score = Callable[[Ints], Floats]


def ndcg(best: Ints, relevant: npt.NDArray[np.bool_]) -> Floats:
    """Normalised discounted cumulative gain of each row, binary gains.

    DCG = sum over hits at rank r of 1 / log2(r + 1), divided by the DCG of all relevant first (Jaervelin, Kekaelaeinen,
    TOIS 2002).

    Args:
        best: customers x k product positions, best first.
        relevant: customers x products.
    """
    discount = 1.0 / np.log2(np.arange(2, best.shape[1] + 2))
    hits = np.take_along_axis(relevant, best, axis=1)
    ideal = np.concatenate([[0.0], np.cumsum(discount)])
    return (hits @ discount) / ideal[np.clip(relevant.sum(axis=1), 1, best.shape[1])]


def recall(best: Ints, relevant: npt.NDArray[np.bool_]) -> Floats:
    """Share of each row's relevant products among its `best`."""
    hits = np.take_along_axis(relevant, best, axis=1)
    return hits.sum(axis=1) / np.maximum(1, relevant.sum(axis=1))


def held_out(history: History) -> tuple[Interactions, npt.NDArray[np.bool_]]:
    """What the model may see, and the pairs of `history.after` that it has to find.

    To find: products taken up after the cut that the customer had not taken up before it.
    """
    seen, after = history.before, history.after
    width = max(1, len(seen.products))
    taken_before = (seen.user * width + seen.item)[seen.is_taken]
    is_new = ~np.isin(after.user * width + after.item, taken_before)
    taken = after.purchase_count > 0 if seen.has_purchases else after.is_taken
    return seen, taken & is_new


def evaluate(model: FactorModel, history: History) -> list[Metric]:
    """nDCG@10, recall@10 and coverage of the model, beside popularity and item-to-item, on the same customers.

    All three choose among the same products: those that the serving rule does not withhold on the day of the cut.
    Customers without interactions before the cut are left out (all methods would serve them alike).
    """
    seen, to_find = held_out(history)
    users = np.intersect1d(np.unique(history.after.user[to_find]), np.unique(seen.user))
    if history.cut is None or len(users) == 0 or len(seen.products) <= K:
        return [Metric("evaluated_customers", 0.0, split="no held-out period")]
    users = users[:: -(-len(users) // MOST_CUSTOMERS)]
    truth = history.after.matrix(to_find).tocsr()
    withheld = seen.matrix(is_withheld(seen, history.cut.toordinal())).tocsr()
    measured = {name: _measure(score, users, truth, withheld) for name, score in _methods(model, seen).items()}
    metrics = [
        Metric(name, measured["als"][name], "popularity", measured["popularity"][name])
        for name in ("ndcg_at_10", "recall_at_10", "coverage_at_10")
    ]
    metrics += [
        Metric(f"item_to_item_{name}", measured["item_to_item"][name], "popularity", measured["popularity"][name])
        for name in ("ndcg_at_10", "recall_at_10", "coverage_at_10")
    ]
    return [*metrics, Metric("evaluated_customers", float(len(users)))]


def _methods(model: FactorModel, seen: Interactions) -> dict[str, Score]:
    weights = seen.matrix(seen.weight).tocsr()
    factors = model.aligned(seen.products)
    popular = popularity(seen)
    similar = similarity_matrix(seen, 50)
    return {
        "als": lambda rows: solve_customers(weights[rows], factors, model.settled)[0] @ factors.T,
        "popularity": lambda rows: np.tile(popular, (len(rows), 1)),
        "item_to_item": lambda rows: np.asarray((weights[rows] @ similar).todense()),
    }


def _measure(score: Score, users: Ints, truth: object, withheld: object) -> dict[str, float]:
    gains, found, shown = [], [], set()
    for start in range(0, len(users), BLOCK):
        rows = users[start : start + BLOCK]
        scores = np.array(score(rows), dtype=np.float64)
        scores[withheld[rows].toarray()] = -np.inf  # type: ignore[index]
        best = top_k(scores, K)
        relevant = truth[rows].toarray()  # type: ignore[index]
        gains.append(ndcg(best, relevant))
        found.append(recall(best, relevant))
        shown.update(np.unique(best).tolist())
    products = truth.shape[1]  # type: ignore[attr-defined]
    return {
        "ndcg_at_10": float(np.concatenate(gains).mean()),
        "recall_at_10": float(np.concatenate(found).mean()),
        "coverage_at_10": len(shown) / products,
    }
