"""The ten of a block of customers: one function, called in this process or in Spark's executors.

A block is all that is told of some customers; a `Serving` is what is the same for all of them. So what an executor
holds at a time is the serving and one block's scores.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ml.arrays import Floats, Ints
from ml.recommend.features import Interactions, Singles
from ml.recommend.lists import TIER, Listing
from ml.recommend.methods.model import Terms, strongest
from ml.recommend.ranking import is_withheld, popularity, rows_at_once, top_k

BY_MODEL, CONTENT, SEGMENT, POPULARITY = range(4)


@dataclass(frozen=True)
class Block:
    """Some customers.

    Args:
        customers: their positions.
        own: customers x products, the affinities that the model counts.
        withheld: customers x products, an entry for each product that is not recommended.
        segment: row of `Serving.by_segment` of each customer.
    """

    customers: Ints
    own: sparse.csr_matrix
    withheld: sparse.csr_matrix
    segment: Ints

    def __len__(self) -> int:
        return len(self.customers)


@dataclass(frozen=True)
class Serving:
    """What every block needs.

    Args:
        listing: the model over the catalogue, without customers.
        by_segment: segments x products, popularity among the segment's customers.
    """

    listing: Listing
    by_segment: Floats

    @property
    def k(self) -> int:
        return self.listing.shown


@dataclass(frozen=True)
class Ranked:
    """The best of a block, customers x k, and what they were found by.

    Args:
        scores: as the model, or the segment, gave them; below -TIER / 2 where nothing speaks for a product.
        terms: the summands of a score of the model's.
    """

    best: Ints
    scores: Singles
    terms: Terms


@dataclass(frozen=True)
class Tens:
    """Recommendations, one element per customer and rank, in that order.

    Args:
        user, item: positions.
        strategy: `BY_MODEL`, `CONTENT`, `SEGMENT` or `POPULARITY`.
        evidence: position of the own product that speaks most for it; -1 for none.
    """

    user: Ints
    item: Ints
    score: Floats
    strategy: npt.NDArray[np.int8]
    evidence: Ints


def blocks(
    listing: Listing, seen: Interactions, segment: Ints, today: int, customers: Ints | None = None
) -> tuple[Serving, Iterator[Block]]:
    """What all need, and these customers of `seen` in blocks of about as many scores.

    Args:
        segment: segment id of each customer, -1 for none.
        today: ordinal of the day for which is recommended.
        customers: positions, in order; all without them.
    """
    customers = np.arange(len(seen.customers)) if customers is None else customers
    names = np.unique(np.append(segment[segment >= 0], -1))
    by_segment = np.stack([popularity(seen, segment == n) if n >= 0 else 0.0 * listing.everybody for n in names])
    serving = Serving(listing.without_customers(), by_segment)
    withheld = seen.matrix(is_withheld(seen, today)).tocsr()
    withheld.eliminate_zeros()
    place = np.searchsorted(names, segment)
    at_once = rows_at_once(len(seen.products))

    def each() -> Iterator[Block]:
        for start in range(0, len(customers), at_once):
            rows = customers[start : start + at_once]
            yield Block(rows, listing.own[rows], withheld[rows], place[rows])

    return serving, each()


def scratch(serving: Serving, rows: int) -> Singles:
    """Memory for the scores of blocks of up to so many customers, one after the other."""
    return np.empty((rows, len(serving.listing.everybody)), dtype=np.float32)


def ranked(serving: Serving, block: Block, out: Singles) -> Ranked:
    """The k best of each customer, without what is withheld while there is anything else.

    Args:
        out: memory, at least customers x products; see `scratch`.
    """
    scored = serving.listing.scored(block.own, out[: len(block)])
    scores = scored.scores
    cold = np.flatnonzero(np.diff(block.own.indptr) == 0)
    if len(cold):
        local = np.where(serving.by_segment > 0, serving.by_segment, serving.listing.last).astype(np.float32)
        scores[cold] = local[block.segment[cold]]
    row, column = block.withheld.nonzero()
    before = scores[row, column]
    scores[row, column] = -np.inf
    best = top_k(scores, serving.k)
    is_short = np.isneginf(np.take_along_axis(scores, best, axis=1)).any(axis=1)
    scores[row, column] = before
    for short in np.flatnonzero(is_short):  # withheld products at the very end
        is_paused = np.isin(np.arange(scores.shape[1]), column[row == short])
        best[short] = np.lexsort((-scores[short], is_paused))[: serving.k]
    return Ranked(best, np.take_along_axis(scores, best, axis=1), scored.terms)


def tens(serving: Serving, block: Block, out: Singles) -> Tens:
    """The recommendations of a block, with the own product that speaks most for each."""
    found = ranked(serving, block, out)
    return _told(serving, block, found, strongest(block.own, found.terms, found.best))


def without_reasons(serving: Serving, block: Block, out: Singles) -> Tens:
    """The same with no evidence: what the ten alone cost."""
    found = ranked(serving, block, out)
    return _told(serving, block, found, np.full(found.best.shape, -1, dtype=np.int64))


def _told(serving: Serving, block: Block, found: Ranked, evidence: Ints) -> Tens:
    best, everybody = found.best, serving.listing.everybody
    is_warm = (np.diff(block.own.indptr) > 0)[:, None]
    is_tier = found.scores > -TIER / 2
    local = np.take_along_axis(serving.by_segment[block.segment], best, axis=1)
    evidence[~(is_tier & is_warm)] = -1
    by_model = np.where(serving.listing.is_known[best], BY_MODEL, CONTENT)
    return Tens(
        user=np.repeat(block.customers, serving.k),
        item=best.ravel(),
        score=np.where(is_tier, np.where(is_warm, found.scores.astype(np.float64), local), everybody[best]).ravel(),
        strategy=np.where(is_tier, np.where(is_warm, by_model, SEGMENT), POPULARITY).ravel().astype(np.int8),
        evidence=evidence.ravel(),
    )


def joined(parts: list[Tens]) -> Tens:
    """Those of all blocks in the order of customers."""
    parts = sorted((part for part in parts if len(part.user)), key=lambda part: int(part.user[0]))
    if not parts:
        nothing = np.zeros(0, dtype=np.int64)
        return Tens(nothing, nothing, np.zeros(0), np.zeros(0, dtype=np.int8), nothing)
    return Tens(**{name: np.concatenate([vars(part)[name] for part in parts]) for name in vars(parts[0])})
