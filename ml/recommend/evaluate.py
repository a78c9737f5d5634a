"""How good the ten are: what customers took up after a cut in time, predicted from what came before it.

Every method is asked for the same customers, among the same products: those that the serving rule does not withhold on
the day of the cut. Customers without interactions before the cut are left out (all methods would serve them alike).
Every second customer (in the order of ids) only chooses the method, the others only judge: what is reported of the
method that serves was not what it was chosen by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from ml.arrays import Flags, Floats, Ints, Texts
from ml.recommend.choice import UNTIL_TOLD, winner
from ml.recommend.features import History, Interactions
from ml.recommend.lists import Listing
from ml.recommend.methods.model import Model
from ml.recommend.metrics import average_precision, coverage, ndcg, novelty, recall, self_information
from ml.recommend.ranking import is_withheld, rows_at_once, top_k
from ml.registry import Metric

K = 10
MOST_CUSTOMERS = 10_000
"""Evaluation takes at most so many customers, evenly spaced in the order of their ids."""
FEWEST = 20
"""Of fewer customers no half is taken: all judge, and nothing is chosen."""
HELD_OUT = "held out by time"
BY_METHOD = "by method, held out by time"
SHOWN = ("ndcg_at_10", "recall_at_10", "map_at_10", "coverage_at_10", "novelty_at_10")

BY_CUSTOMER = ("ndcg_at_10", "recall_at_10", "map_at_10", "novelty_at_10")
"""Those of `SHOWN` that are means over customers."""

Figures = Mapping[str, float]


@dataclass(frozen=True)
class Judged:
    """What the methods reached.

    Args:
        serves: the method that was chosen.
        by_method: figures of each method, from the customers that judge.
        customers: how many these are.
        who: their ids.
        by_customer: of each method, customers x (nDCG, recall, average precision, novelty).
    """

    serves: str
    by_method: Mapping[str, Figures]
    customers: int
    who: Texts = field(default_factory=lambda: np.array([], dtype=object))
    by_customer: Mapping[str, Floats] = field(default_factory=dict)


def held_out(history: History) -> tuple[Interactions, Flags]:
    """What the model may see, and the pairs of `history.after` that it has to find.

    To find: products taken up after the cut that the customer had not taken up before it.
    """
    seen, after = history.before, history.after
    width = max(1, len(seen.products))
    taken_before = (seen.user * width + seen.item)[seen.is_taken]
    is_new = ~np.isin(after.user * width + after.item, taken_before)
    taken = after.purchase_count > 0 if seen.has_purchases else after.is_taken
    return seen, taken & is_new


def judge(models: Sequence[Model], history: History, tags: sparse.csr_matrix) -> Judged:
    """The figures of models that were fitted on `history.before`, simplest first, and which is to serve.

    Args:
        tags: products x tags, for those that nobody had touched before the cut.
    """
    seen, to_find = held_out(history)
    users = np.intersect1d(np.unique(history.after.user[to_find]), np.unique(seen.user))
    if history.cut is None or len(users) == 0 or len(seen.products) <= K:
        return Judged(UNTIL_TOLD, {}, 0)
    users = users[:: -(-len(users) // MOST_CUSTOMERS)]
    truth = history.after.matrix(to_find).tocsr()
    withheld = seen.matrix(is_withheld(seen, history.cut.toordinal())).tocsr()
    choose, decide = (users[::2], users[1::2]) if len(users) >= FEWEST else (users[:0], users)
    chosen: dict[str, Floats] = {}
    told: dict[str, Figures] = {}
    of_each: dict[str, Floats] = {}
    for model in models:
        best = best_of(Listing.of(model, seen, tags), users, withheld)
        if len(choose):
            place = np.searchsorted(users, choose)
            chosen[model.name] = gains(best[place], truth[choose])
        place = np.searchsorted(users, decide)
        of_each[model.name] = by_customer(best[place], truth[decide], self_information(seen))
        told[model.name] = _figures(of_each[model.name], best[place], truth.shape[1])
    who = seen.customers[decide]
    return Judged(winner(chosen) if chosen else UNTIL_TOLD, told, len(decide), who, of_each)


def best_of(listing: Listing, users: Ints, withheld: sparse.csr_matrix) -> Ints:
    """The ten of these customers, users x 10, without what is withheld from them."""
    products = withheld.shape[1]
    at_once = rows_at_once(products)
    parts = []
    for start in range(0, len(users), at_once):
        rows = users[start : start + at_once]
        scores = listing.scored(listing.own[rows]).scores
        scores[withheld[rows].nonzero()] = -np.inf
        parts.append(top_k(scores, K))
    return np.concatenate(parts)


def gains(best: Ints, truth: sparse.csr_matrix) -> Floats:
    """nDCG of each row; see `figures`."""
    at_once = rows_at_once(truth.shape[1])
    parts = [
        ndcg(best[start : start + at_once], truth[start : start + at_once].toarray() > 0)
        for start in range(0, len(best), at_once)
    ]
    return np.concatenate(parts)


def figures(best: Ints, truth: sparse.csr_matrix, information: Floats) -> dict[str, float]:
    """Means over the rows of each measure of `metrics`.

    Args:
        best: customers x k products, best first.
        truth: customers x products, an entry for each relevant one.
        information: self-information of each product.
    """
    return _figures(by_customer(best, truth, information), best, truth.shape[1])


def by_customer(best: Ints, truth: sparse.csr_matrix, information: Floats) -> Floats:
    """Rows x (nDCG, recall, average precision, novelty); the arguments of `figures`."""
    at_once = rows_at_once(truth.shape[1])
    parts: list[Floats] = []
    for start in range(0, len(best), at_once):
        shown, relevant = best[start : start + at_once], truth[start : start + at_once].toarray() > 0
        found = (measure(shown, relevant) for measure in (ndcg, recall, average_precision))
        parts.append(np.column_stack([*found, novelty(shown, information)]))
    return np.concatenate(parts)


def _figures(of_each: Floats, best: Ints, products: int) -> dict[str, float]:
    gain, found, precision, new = of_each.mean(axis=0)
    return {
        "ndcg_at_10": float(gain),
        "recall_at_10": float(found),
        "map_at_10": float(precision),
        "coverage_at_10": coverage(best, products),
        "novelty_at_10": float(new),
    }


def metrics(judged: Judged) -> list[Metric]:
    """The method that serves as `ndcg_at_10` and so on, each method as `<method>_ndcg_at_10`; all beside popularity.

    Every method is measured, popularity among them.
    """
    if not judged.by_method:
        return [Metric("evaluated_customers", 0.0, split="no held-out period")]
    popular = judged.by_method["popularity"]
    named = {"": judged.by_method[judged.serves]} | {f"{name}_": told for name, told in judged.by_method.items()}
    return [
        *[
            Metric(f"{prefix}{name}", told[name], "popularity", popular[name], BY_METHOD if prefix else HELD_OUT)
            for prefix, told in named.items()
            for name in SHOWN
        ],
        Metric("evaluated_customers", float(judged.customers)),
    ]
