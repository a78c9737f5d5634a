"""What a list of ten is worth, one definition each; all take products by position, best first."""

from __future__ import annotations

import numpy as np

from ml.arrays import Flags, Floats, Ints
from ml.recommend.features import Interactions


def ndcg(best: Ints, relevant: Flags) -> Floats:
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


def recall(best: Ints, relevant: Flags) -> Floats:
    """Share of each row's relevant products among its `best`."""
    hits = np.take_along_axis(relevant, best, axis=1)
    return hits.sum(axis=1) / np.maximum(1, relevant.sum(axis=1))


def average_precision(best: Ints, relevant: Flags) -> Floats:
    """Sum over hits at rank r of (hits up to r) / r, divided by the number of all relevant products of the row.

    Its mean over customers is MAP@k as Microsoft's recommenders count it: the divisor is not cut at k.
    """
    hits = np.take_along_axis(relevant, best, axis=1)
    precision = np.cumsum(hits, axis=1) / np.arange(1, best.shape[1] + 1)
    return np.asarray((precision * hits).sum(axis=1) / np.maximum(1, relevant.sum(axis=1)))


def coverage(shown: Ints, products: int) -> float:
    """Share of the catalogue that is in anybody's list (Ge, Delgado-Battenfeld, Jannach, RecSys 2010)."""
    return len(np.unique(shown)) / max(1, products)


def self_information(seen: Interactions) -> Floats:
    """-log2 of the share of customers who touched a product before, in bits, one per product of the catalogue.

    A product that nobody touched counts as touched by one. Its mean over a list is the list's novelty (Zhou et al.,
    PNAS 2010).
    """
    customers = max(1, len(np.unique(seen.user)))
    touched = np.bincount(seen.item, minlength=len(seen.products))
    return np.asarray(-np.log2(np.clip(touched, 1, customers) / customers))


def novelty(best: Ints, information: Floats) -> Floats:
    """Mean self-information of each row's products, in bits."""
    return np.asarray(information[best].mean(axis=1))
