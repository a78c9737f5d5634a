"""Exact top ten over the whole catalogue, and which products a customer is not shown again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.recommend.features import Floats, Interactions, Ints

PAUSE_DAYS = 90
"""A product is not recommended again for this long after it was bought ..."""
REPEAT_SHARE = 0.3
REPEAT_BUYERS = 5
"""... unless at least this share of its buyers (and at least so many buyers) bought it on two or more days."""


def top_k(scores: Floats, k: int) -> Ints:
    """Column positions of the k best of each row, best first; equal scores in the order of the columns.

    Args:
        scores: rows x columns, at least k columns.
    """
    rows, columns = scores.shape
    if k >= columns:
        return np.argsort(-scores, axis=1, kind="stable")[:, :k].astype(np.int64)
    best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    last = np.take_along_axis(scores, best, axis=1).min(axis=1)
    for row in np.flatnonzero((scores >= last[:, None]).sum(axis=1) > k):
        better = np.flatnonzero(scores[row] > last[row])
        best[row, : len(better)] = better
        best[row, len(better) :] = np.flatnonzero(scores[row] == last[row])[: k - len(better)]
    best = np.sort(best, axis=1)
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1).astype(np.int64)


def repeat_products(seen: Interactions) -> npt.NDArray[np.bool_]:
    """Products that people buy again and again, one flag per product of the catalogue."""
    products = len(seen.products)
    buyers = np.bincount(seen.item[seen.bought_days > 0], minlength=products)
    repeaters = np.bincount(seen.item[seen.bought_days > 1], minlength=products)
    return (buyers >= REPEAT_BUYERS) & (repeaters >= REPEAT_SHARE * np.maximum(buyers, 1))


def is_withheld(seen: Interactions, today: int) -> npt.NDArray[np.bool_]:
    """Pairs that are not recommended: bought within the pause and no repeat product; rated, in a source of ratings.

    Args:
        today: ordinal of the day for which is recommended.
    """
    if not seen.has_purchases:
        return seen.is_rated
    is_recent = today - seen.last_bought_day < PAUSE_DAYS
    return is_recent & ~repeat_products(seen)[seen.item]


def popularity(seen: Interactions, member: npt.NDArray[np.bool_] | None = None) -> Floats:
    """Share of customers (of those that `member` flags) who took a product up, one per product; zeros if none did.

    Taken up means bought; in a source without purchases, rated or touched; in a group where nobody has bought
    anything, looked at.
    """
    touched = np.ones(len(seen.user), dtype=np.bool_) if member is None else member[seen.user]
    counted = touched & seen.is_taken
    counted = counted if counted.any() else touched
    people = len(np.unique(seen.user[counted]))
    return np.bincount(seen.item[counted], minlength=len(seen.products)) / max(1, people)
