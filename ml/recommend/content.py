"""Products that nobody has touched yet: scored as the products most like them are, by brand and category.

Each product is a vector of its brand and of each level of its category, a tag weighing ln(N / N_t) where N_t of N
products carry it (TF-IDF with a count of one); likeness is the cosine. A new product's score is the mean of the scores
of the `NEAREST` known products most like it. The scores are sums over the customer's own products, so the mean is one
too, and a new product has its evidence like any other (Lops, de Gemmis, Semeraro, "Content-based Recommender Systems",
Recommender Systems Handbook, 2011).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy import sparse

from lakehouse.settings import Settings
from ml import tables
from ml.arrays import Floats, Ints, Texts
from ml.recommend.methods.model import Scored, rows_of
from ml.recommend.methods.user_to_user import of_length_one
from ml.recommend.ranking import rows_at_once, top_k

TAGS = ("brand", "category_level_1", "category_level_2", "category_level_3")
NEAREST = 5


def read_tags(settings: Settings, products: Texts) -> sparse.csr_matrix:
    """Products x tags of `gold.feat_product`; no tags for a product (or in a home) without."""
    columns = {name: pa.string() for name in ("product_id", *TAGS)}
    table = pa.Table.from_batches(list(tables.gold_rows(settings, "feat_product", columns))).to_pandas()
    table = table.drop_duplicates("product_id").set_index("product_id").reindex(products)
    return weighed_tags([table[name].to_numpy(dtype=object) for name in TAGS])


def weighed_tags(columns: list[Texts]) -> sparse.csr_matrix:
    """Rows x tags, a value of a column being one tag: the weights above, each row of length one.

    Args:
        columns: one array per kind of tag, None or NaN where a product has none.
    """
    parts = []
    for column in columns:
        place, names = pd.factorize(column, sort=True)
        told = np.flatnonzero(place >= 0)
        count = np.bincount(place[told], minlength=len(names))
        weight = np.log(len(column) / np.maximum(count, 1))
        entries = (weight[place[told]], (told, place[told]))
        parts.append(sparse.csr_matrix(entries, shape=(len(column), len(names))))
    rows = sparse.csr_matrix(sparse.hstack(parts))
    rows.eliminate_zeros()
    return of_length_one(rows)


def likenesses(tags: sparse.csr_matrix, is_known: npt.NDArray[np.bool_]) -> sparse.csr_matrix:
    """Products x products: in the column of each unknown product, equal shares of its nearest known ones.

    Fewer than `NEAREST` where fewer share a tag; an empty column where none does.
    """
    known, new = np.flatnonzero(is_known), np.flatnonzero(~is_known)
    k = min(NEAREST, len(known))
    near: list[Ints] = [np.zeros(0, dtype=np.int64)]
    far: list[Ints] = [np.zeros(0, dtype=np.int64)]
    share: list[Floats] = [np.zeros(0)]
    at_once = rows_at_once(len(known))
    for start in range(0, len(new) if k else 0, at_once):
        rows = new[start : start + at_once]
        cosine = (tags[rows] @ tags[known].T).toarray()
        best = top_k(cosine, k)
        is_like = np.take_along_axis(cosine, best, axis=1) > 0
        near.append(known[best[is_like]])
        far.append(np.repeat(rows, is_like.sum(axis=1)))
        share.append(np.repeat(1.0 / np.maximum(is_like.sum(axis=1), 1), is_like.sum(axis=1)))
    entries = (np.concatenate(share), (np.concatenate(near), np.concatenate(far)))
    return sparse.csr_matrix(entries, shape=(len(is_known), len(is_known)))


def with_new_products(scored: Scored, like: sparse.csc_matrix, own: sparse.csr_matrix) -> Scored:
    """The scores and terms of known products as they are, and those of new ones as the means of their likes.

    Args:
        own: the block that was scored.
    """
    likes = np.diff(like.indptr)
    new = np.flatnonzero(likes)
    if len(new) == 0:
        return scored
    scored.scores[:, new] = (like[:, new].T @ scored.scores.T).T

    def terms(products: Ints) -> Floats:
        out = np.array(scored.terms(products), dtype=np.float64)
        most = int(likes[products].max(initial=0))
        if most == 0:
            return out
        mean = np.zeros_like(out)
        for place in range(most):  # the place-th like of each new product
            there = likes > place
            entry = np.where(there, like.indptr[:-1] + place, 0)
            stand_in = np.where(there, like.indices[entry], np.arange(len(likes)))
            share = np.where(there, like.data[entry], 0.0)
            mean += share[products][rows_of(own)] * scored.terms(stand_in[products])
        return np.where((likes > 0)[products][rows_of(own)], mean, out)

    return Scored(scored.scores, terms)
