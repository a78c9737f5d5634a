"""Which of two recommenders finds more of what customers took up next: nDCG@10 of each customer, after both cuts."""

from __future__ import annotations

from datetime import date

import numpy as np
from scipy import sparse

from ml.arrays import Floats
from ml.comparisons import Judge, Rivals, Twins
from ml.promotion import Judged
from ml.recommend.content import read_tags
from ml.recommend.evaluate import MOST_CUSTOMERS, K, best_of, gains, held_out
from ml.recommend.features import History, read_history
from ml.recommend.lists import Listing
from ml.recommend.methods.model import Model
from ml.recommend.ranking import is_withheld
from ml.recommend.served import load


def measure(rivals: Rivals, twins: Twins) -> Judged | str:
    """nDCG@10 of every customer who took up something new since, both models told the same of each until then."""
    cut = max(date.fromisoformat(twins.champion_until), date.fromisoformat(twins.challenger_until))
    history = read_history(rivals.settings, rivals.as_of, cut)
    tags = read_tags(rivals.settings, history.whole.products)
    found = [gains_of(model, history, tags) for model in (twins.champion, twins.challenger)]
    if len(found[0]) == 0:
        return "nobody has taken up anything new since the champion's measurement"
    return Judged("ndcg_at_10", "higher", "customers who took up something new", found[0], found[1])


def gains_of(model: Model, history: History, tags: sparse.csr_matrix) -> Floats:
    """nDCG@10 of each customer with something to find and something known of them, in the order of their ids.

    Args:
        tags: products x tags, for those that nobody had touched before the cut.
    """
    seen, to_find = held_out(history)
    users = np.intersect1d(np.unique(history.after.user[to_find]), np.unique(seen.user))
    if history.cut is None or len(users) == 0 or len(seen.products) <= K:
        return np.zeros(0)
    users = users[:: -(-len(users) // MOST_CUSTOMERS)]
    withheld = seen.matrix(is_withheld(seen, history.cut.toordinal())).tocsr()
    best = best_of(Listing.of(model, seen, tags), users, withheld)
    return gains(best, history.after.matrix(to_find).tocsr()[users])


JUDGE = Judge(load, measure)
