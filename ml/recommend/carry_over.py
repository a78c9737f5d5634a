"""Customers who keep their ten: all that these depend on is as it was.

Where the model chose all ten, they depend on the customer's own products (how much each counts, what was done with it,
whether it is withheld) and on what is the same for all: the model, the catalogue, and what new products are like. What
segments or everybody take up moves each day, so a ten with any of that is worked out anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.settings import Settings
from ml import tables
from ml.arrays import Ints, Texts
from ml.carry_over import MADE_OF, mixed, summed, told_before
from ml.recommend.features import Interactions
from ml.recommend.lists import Listing
from ml.recommend.ranking import is_withheld


def strategies(listing: Listing) -> list[str]:
    """The names of `blocks.BY_MODEL` and so on."""
    return [listing.model.name, "content", "segment", "popularity"]


def deeds(seen: Interactions) -> Ints:
    """The strongest thing that was done, of each pair: bought (0), carted, rated or viewed (3)."""
    return np.asarray(np.select([seen.purchase_count > 0, seen.cart_count > 0, seen.is_rated], [0, 1, 2], 3))


def of_all(listing: Listing, seen: Interactions) -> str:
    """A digest of what is the same for all customers, besides the model."""
    parts = (listing.like.data, listing.like.indices, listing.like.indptr)
    return hashlib.sha256("\n".join(seen.products).encode() + b"".join(part.tobytes() for part in parts)).hexdigest()


def made_of(listing: Listing, seen: Interactions, today: int) -> Ints:
    """Of each customer a number of all that is their own; the same only where that is the same.

    Args:
        today: ordinal of the day for which is recommended.
    """
    own = listing.own
    counted = summed(mixed(own.indices, own.data), own.indptr)
    of_pairs = mixed(seen.item, deeds(seen), is_withheld(seen, today))
    return mixed(counted, summed(of_pairs, np.searchsorted(seen.user, np.arange(len(seen.customers) + 1))))


def recommended_before(
    settings: Settings, note: Mapping[str, str], listing: Listing, customers: Texts, own: Ints
) -> tuple[Ints, pa.Table]:
    """For each customer which of the tens in `ml.recommendations` is theirs still, -1 for none; and the table.

    Args:
        note: of what is being recommended now.
        own: `made_of` of each customer.
    """
    found, k = told_before(settings, "recommendations", note), listing.shown
    nobody, nothing = np.full(len(customers), -1), tables.ML_SCHEMAS["recommendations"].empty_table()
    if found is None:
        return nobody, nothing
    before = found[0].to_pyarrow_table(columns=nothing.schema.names).combine_chunks()
    first = before.take(np.arange(0, len(before), k))
    whose = first["customer_id"].take(np.repeat(np.arange(len(first)), k))
    is_in_order = np.array_equal(before["rank"].to_numpy(), np.tile(np.arange(1, k + 1), len(first)))
    if not is_in_order or not before["customer_id"].equals(whose):
        return nobody, nothing
    place = pd.Index(first["customer_id"].to_numpy()).get_indexer(pd.Index(customers))
    moves = pc.is_in(before["strategy"], pa.array(strategies(listing)[2:]))
    is_by_model = ~moves.to_numpy().reshape(-1, k).any(axis=1)
    is_kept = (place >= 0) & is_by_model[place] & (first[MADE_OF].to_numpy()[place] == own)
    return np.where(is_kept, place, -1), before
