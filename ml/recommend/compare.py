"""Which of two recommenders finds more of what customers took up next: nDCG@10 of each customer, after both cuts."""

from __future__ import annotations

from datetime import date

import numpy as np

from ml.comparisons import Judge, Rivals, Twins
from ml.promotion import Judged
from ml.recommend.evaluate import BLOCK, MOST_CUSTOMERS, K, held_out, ndcg
from ml.recommend.factors import FactorModel, load, solve_customers
from ml.recommend.features import Floats, History, read_history
from ml.recommend.ranking import is_withheld, top_k


def measure(rivals: Rivals, twins: Twins) -> Judged | str:
    """nDCG@10 of every customer who took up something new since, both models told the same of each until then."""
    cut = max(date.fromisoformat(twins.champion_until), date.fromisoformat(twins.challenger_until))
    history = read_history(rivals.settings, rivals.as_of, cut)
    gains = [gains_of(model, history) for model in (twins.champion, twins.challenger)]
    if len(gains[0]) == 0:
        return "nobody has taken up anything new since the champion's measurement"
    return Judged("ndcg_at_10", "higher", "customers who took up something new", gains[0], gains[1])


def gains_of(model: FactorModel, history: History) -> Floats:
    """nDCG@10 of each customer with something to find and something known of them, in the order of their ids."""
    seen, to_find = held_out(history)
    users = np.intersect1d(np.unique(history.after.user[to_find]), np.unique(seen.user))
    if history.cut is None or len(users) == 0 or len(seen.products) <= K:
        return np.zeros(0)
    users = users[:: -(-len(users) // MOST_CUSTOMERS)]
    truth = history.after.matrix(to_find).tocsr()
    withheld = seen.matrix(is_withheld(seen, history.cut.toordinal())).tocsr()
    weights, factors = seen.matrix(seen.weight).tocsr(), model.aligned(seen.products)
    gains = []
    for start in range(0, len(users), BLOCK):
        rows = users[start : start + BLOCK]
        scores = solve_customers(weights[rows], factors, model.settled)[0] @ factors.T
        scores[withheld[rows].toarray()] = -np.inf
        gains.append(ndcg(top_k(scores, K), truth[rows].toarray()))
    return np.concatenate(gains)


JUDGE = Judge(load, measure)
