"""Ten products with a reason for every customer: `ml.recommendations`, and `ml.item_similarity` beside it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import sparse

from lakehouse.settings import Settings
from ml import registry, tables
from ml.arrays import Ints, Texts
from ml.carry_over import MADE_OF, note_of, with_new
from ml.frames import is_connected
from ml.recommend.blocks import Block, Serving, Tens, blocks, joined, scratch, tens
from ml.recommend.carry_over import deeds, made_of, of_all, recommended_before, strategies
from ml.recommend.content import read_tags
from ml.recommend.executors import in_executors
from ml.recommend.features import Interactions, Singles, read_seen
from ml.recommend.lists import K, Listing
from ml.recommend.methods.model import Model
from ml.recommend.neighbours import nearest
from ml.recommend.served import load

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOT_BOUGHT_YET = 0


def score(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Write the recommendations of the champion for every known customer.

    Who is as they were keeps what they were recommended (`ml.recommend.carry_over`).
    """
    seen = read_seen(settings, as_of)
    if len(seen.user) == 0 or len(seen.products) == 0:
        tables.write_empty(spark, settings, "recommendations", "item_similarity")
        return registry.Summary("recommend", registry.NO_MODEL, [])
    version, folder = registry.champion(settings, "recommend")
    segments, tags = _segments(settings, seen.customers), read_tags(settings, seen.products)
    session = None if is_connected(spark) else spark
    model, today = load(folder), as_of.toordinal()
    listing = Listing.of(model, seen, tags)
    own = made_of(listing, seen, today)
    note = note_of("recommend", folder, of_all(listing, seen))
    place, before = recommended_before(settings, note, listing, seen.customers, own)
    is_new = place < 0
    told = _recommended(listing, seen, segments, today, session, np.flatnonzero(is_new))
    k = listing.shown
    new = tables.content("recommendations", {**told, MADE_OF: np.repeat(own[is_new], k), "model_version": version})
    content = with_new(before, np.where(is_new[:, None], -1, place[:, None] * k + np.arange(k)).ravel(), new)
    content = content.set_column(content.num_columns - 1, "model_version", pa.repeat(version, len(content)))
    tables.write_table(spark, settings, "recommendations", content, note)
    tables.write(spark, settings, "item_similarity", {**similar_products(seen), "model_version": version})
    return registry.Summary("recommend", version, [], len(content))


def recommend(
    model: Model,
    seen: Interactions,
    segment: Ints,
    today: int,
    tags: sparse.csr_matrix | None = None,
    session: SparkSession | None = None,
) -> dict[str, Any]:
    """Ten rows per customer (fewer only where the catalogue has fewer), in the order (customer, rank).

    A customer with interactions gets the products that the model scores highest (the model's name is the strategy),
    among them those that nobody has touched yet, by what they are like (`content`). One without gets what their
    segment takes up (`segment`), then what everybody does (`popularity`). Where nothing speaks for a product, or
    withheld products leave fewer than ten, the list is filled by popularity, and only at the very end by withheld
    products. Customers who have not bought yet are a segment of their own: they get what their like look at.

    Args:
        segment: segment id of each customer, -1 for none.
        today: ordinal of the day for which is recommended.
        tags: products x tags, what is told of the products; none for nothing.
        session: one of Spark's own, whose executors do it; none for this process.
    """
    listing = Listing.of(model, seen, sparse.csr_matrix((len(seen.products), 0)) if tags is None else tags)
    return _recommended(listing, seen, segment, today, session, np.arange(len(seen.customers)))


def _recommended(
    listing: Listing, seen: Interactions, segment: Ints, today: int, session: SparkSession | None, customers: Ints
) -> dict[str, Any]:
    """`recommend` for customers at these positions, in order."""
    serving, parts = blocks(listing, seen, segment, today, customers)
    found = joined(here(serving, parts) if session is None else in_executors(session, serving, parts))
    return _columns(seen, found, tables.taken(strategies(listing), found.strategy), listing.shown)


def here(serving: Serving, parts: Iterable[Block]) -> list[Tens]:
    """`tens` of each block, in this process."""
    out: Singles = scratch(serving, 0)
    told = []
    for block in parts:
        out = out if len(out) >= len(block) else scratch(serving, len(block))
        told.append(tens(serving, block, out))
    return told


def similar_products(seen: Interactions) -> dict[str, Any]:
    """The ten products most often touched by the same customers, for each product; pairs without one are left out."""
    places, values = nearest(seen, K)
    products, k = places.shape
    kept = (values > 0).ravel()
    return {
        "product_id": np.repeat(seen.products, k)[kept],
        "similar_product_id": seen.products[places].ravel()[kept],
        "rank": np.tile(np.arange(1, k + 1), products)[kept],
        "similarity": values.ravel()[kept],
    }


def evidence_types(seen: Interactions, user: Ints, evidence: Ints) -> pa.Array:
    """The strongest thing that a customer did with their evidence product: bought, carted, rated or viewed."""
    named = deeds(seen)
    if len(named) == 0:
        return pa.nulls(len(user), pa.string())
    width = len(seen.products)
    place = np.searchsorted(seen.user * width + seen.item, user * width + np.maximum(evidence, 0))
    found = named[np.minimum(place, len(named) - 1)]
    return tables.taken(["bought", "carted", "rated", "viewed"], np.where(evidence < 0, -1, found))


def _columns(seen: Interactions, found: Tens, strategy: pa.Array, k: int) -> dict[str, Any]:
    return {
        "customer_id": tables.taken(seen.customers, found.user),
        "rank": np.tile(np.arange(1, k + 1), len(found.user) // max(1, k)),
        "product_id": tables.taken(seen.products, found.item),
        "score": found.score,
        "strategy": strategy,
        "evidence_product_id": tables.taken(seen.products, found.evidence),
        "evidence_type": evidence_types(seen, found.user, found.evidence),
    }


def _segments(settings: Settings, customers: Texts) -> Ints:
    """The segment of each customer; 0, a group of its own, for those who have not bought yet; -1 for all of a home
    that has no segments.
    """
    table = tables.read(settings, "customer_segments").to_pandas()
    of = pd.Series(table["segment_id"].to_numpy(), index=table["customer_id"].to_numpy())
    absent = NOT_BOUGHT_YET if len(table) else -1
    return np.asarray(of.reindex(customers).fillna(absent).to_numpy(), dtype=np.int64)
