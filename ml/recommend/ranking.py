"""Exact top ten over the whole catalogue, and which products a customer is not shown again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.recommend.features import Floats, Interactions, Ints

CELLS_AT_ONCE = 4_000_000
WIDEST_GROUP = 16
PAUSE_DAYS = 90
"""A product is not recommended again for this long after it was bought ..."""
REPEAT_SHARE = 0.3
REPEAT_BUYERS = 5
"""... unless at least this share of its buyers (and at least so many buyers) bought it on two or more days."""


def rows_at_once(columns: int) -> int:
    """How many rows of so many columns are worked on at once: about 32 MB of them."""
    return max(1, CELLS_AT_ONCE // max(1, columns))


def top_k(scores: Floats, k: int) -> Ints:
    """Column positions of the k best of each row, best first; equal scores in the order of the columns.

    Only scores that reach the k-th best of the row's groups of columns, by the best of each group, are put in order.
    """
    rows, columns = scores.shape
    k = min(k, columns)
    if k == 0:
        return np.zeros((rows, 0), dtype=np.int64)
    group = min(WIDEST_GROUP, columns // k)
    groups = columns // group
    bests = scores[:, : groups * group].reshape(rows, groups, group).max(axis=2)
    least = np.partition(bests, groups - k, axis=1)[:, groups - k]
    row, column = np.nonzero(scores >= least[:, None])
    order = np.lexsort((column, -scores[row, column], row))
    row, column = row[order], column[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    return column[place < k].reshape(rows, k).astype(np.int64)


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
