"""Exact top ten over the whole catalogue, and which products a customer is not shown again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.linalg.blas import sgemm  # at once: limits on threads do not hold for a BLAS that is loaded after them

if TYPE_CHECKING:
    from ml.arrays import Floats, Ints
    from ml.recommend.features import Interactions, Singles

CELLS_AT_ONCE = 1_000_000
"""Scores of a block: 4 MB of them, which stay in a processor's own cache while they are put in order."""
WIDEST_GROUP = 32
FEWEST_GROUPS = 4
"""At least so many groups for each product wanted: fewer let too many scores through."""
MOST_CANDIDATES = 8
"""A row with more than so many candidates for each product wanted has many equal scores, and is sorted by itself."""
PAUSE_DAYS = 90
"""A product is not recommended again for this long after it was bought ..."""
REPEAT_SHARE = 0.3
REPEAT_BUYERS = 5
"""... unless at least this share of its buyers (and at least so many buyers) bought it on two or more days."""


def rows_at_once(columns: int) -> int:
    """How many rows of so many columns are worked on at once."""
    return max(1, CELLS_AT_ONCE // max(1, columns))


def top_k(scores: Singles | Floats, k: int) -> Ints:
    """Column positions of the k best of each row, best first; equal scores in the order of the columns.

    A column's group are all columns at the same place of equally long strips, so that the best of each group is found
    by comparing whole strips. The k-th best of these is at most the k-th best of all: only scores that reach it are put
    in order, about k of them.
    """
    rows, columns = scores.shape
    k = min(k, columns)
    if k == 0 or rows == 0:
        return np.zeros((rows, k), dtype=np.int64)
    strips = max(1, min(WIDEST_GROUP, columns // (FEWEST_GROUPS * k)))
    groups = columns // strips
    bests = scores[:, : groups * strips].reshape(rows, strips, groups).max(axis=1)
    least = np.partition(bests, groups - k, axis=1)[:, groups - k]
    cells = np.flatnonzero(scores >= least[:, None])
    row = cells // columns
    column = cells - row * columns
    starts = np.searchsorted(row, np.arange(rows + 1))
    is_crowded = np.diff(starts) > MOST_CANDIDATES * k
    if not is_crowded.any():
        return _in_order(scores, row, column, starts, k)
    best = np.empty((rows, k), dtype=np.int64)
    for crowded in np.flatnonzero(is_crowded):
        some = column[starts[crowded] : starts[crowded + 1]]
        best[crowded] = some[np.argsort(-scores[crowded, some], kind="stable")[:k]]
    others = np.flatnonzero(~is_crowded)
    if len(others):
        best[others] = top_k(scores[others], k)
    return best


def _in_order(scores: Singles | Floats, row: Ints, column: Ints, starts: Ints, k: int) -> Ints:
    """The k best of these candidates, which are in the order of rows and columns, at least k in each row."""
    shape = (len(scores), int(np.diff(starts).max()))
    against = np.full(shape, np.inf, dtype=scores.dtype)  # what fills up comes after all that is there
    candidates = np.zeros(shape, dtype=np.int64)
    place = np.arange(len(row)) - starts[row]
    against[row, place] = -scores[row, column]
    candidates[row, place] = column
    order = np.argsort(against, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(candidates, order, axis=1)


def scores_of_factors(
    people: npt.NDArray[np.floating[Any]], factors: npt.NDArray[np.floating[Any]], out: Singles | None = None
) -> Singles:
    """people @ factors.T in 32-bit floats, by the BLAS of SciPy.

    NumPy below 2, which Spark 3.5 needs, brings a BLAS of 2023; it does not know newer processors and falls back to
    instructions of 2004, a quarter of the speed.

    Args:
        people: customers x rank.
        factors: products x rank.
        out: customers x products, contiguous, to be written over.
    """
    mine, theirs = (np.ascontiguousarray(each, dtype=np.float32) for each in (people, factors))
    into = np.empty((len(mine), len(theirs)), dtype=np.float32) if out is None else out
    if into.size == 0 or mine.shape[1] == 0:
        into[:] = 0.0
        return into
    # BLAS counts by columns: it is told of the transposes, so that nothing is copied
    found = sgemm(1.0, theirs.T, mine.T, trans_a=1, c=into.T, overwrite_c=1)
    return np.asarray(found.T)


def top_k_of_factors(people: Singles, factors: Singles, k: int) -> npt.NDArray[np.int32]:
    """The k products with the largest products of factors for each customer, block by block; see `top_k`.

    Args:
        people: customers x rank.
        factors: products x rank.
    """
    at_once = min(rows_at_once(len(factors)), max(1, len(people)))
    scores = np.empty(
        (at_once, len(factors)), dtype=np.float32
    )  # one for all blocks: fresh memory costs more than BLAS
    best = np.empty((len(people), min(k, len(factors))), dtype=np.int32)
    for start in range(0, len(people), at_once):
        rows = people[start : start + at_once]
        best[start : start + at_once] = top_k(scores_of_factors(rows, factors, scores[: len(rows)]), k)
    return best


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
