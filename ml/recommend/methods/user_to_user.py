"""What the nearest customers touched: cosine between customers, summed over the nearest of them.

With r_v the weights of customer v and r^ a row scaled to length one,

    score(u, i) = sum over v near u of cos(u, v) r^_vi,    cos(u, v) = sum_j r^_uj r^_vj

(Resnick et al., "GroupLens", CSCW 1994; cosine as in Breese, Heckerman, Kadie, UAI 1998). Put the second into the
first, and each own product j has its term: r^_uj sum_v r^_vj r^_vi. Whoever has exactly the customer's own basket, and
so the customer as they were in training, knows nothing new and is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from ml.arrays import Floats, Ints, Texts
from ml.recommend.features import Interactions, Singles
from ml.recommend.methods.model import METHOD_FILE, Scored, places_of, row_of, touched_part
from ml.recommend.ranking import rows_at_once, top_k

MOST_CUSTOMERS = 20_000
"""Every customer is compared with every other: 4e8 cosines at most."""
NEIGHBOURS = 50
SAME = 1.0 - 1e-9
"""A cosine from here on is the same basket."""


@dataclass(frozen=True)
class UserToUser:
    """The training customers, as rows to be near to.

    Args:
        rows: customers x products, each row of length one.
    """

    products: Texts
    rows: sparse.csr_matrix
    name: str = "user_to_user"
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"neighbours": NEIGHBOURS})

    def affinity(self, seen: Interactions) -> Floats:
        """The log weights."""
        return seen.weight

    def over(self, products: Texts) -> UserToUser:
        """The columns of these products."""
        place = places_of(products, self.products)
        new = np.flatnonzero(place >= 0)
        if len(new) == len(self.products) == len(products):
            return self
        pick = sparse.csr_matrix((np.ones(len(new)), (place[new], new)), (len(self.products), len(products)))
        return UserToUser(products, sparse.csr_matrix(self.rows @ pick))

    def scored(self, own: sparse.csr_matrix, out: Singles | None = None) -> Scored:
        """The nearest of each customer, then what they touched."""
        scaled = of_length_one(own)
        near = self._nearest(scaled)

        def terms(products: Ints) -> Floats:
            parts = [np.zeros((0, products.shape[1]))]
            for row, asked in enumerate(products):
                mine, affinity = row_of(scaled, row)
                people = self.rows[near.indices[near.indptr[row] : near.indptr[row + 1]]]
                parts.append((people[:, mine].T @ people[:, asked]).toarray() * affinity[:, None])
            return np.concatenate(parts)

        return Scored((near @ self.rows).astype(np.float32).toarray(out=out), terms)

    def _nearest(self, scaled: sparse.csr_matrix) -> sparse.csr_matrix:
        """Customers x training customers: the cosines of the nearest."""
        blocks = []
        k = min(NEIGHBOURS, self.rows.shape[0])
        at_once = rows_at_once(self.rows.shape[0])
        for start in range(0, scaled.shape[0], at_once):
            cosine = (scaled[start : start + at_once] @ self.rows.T).toarray()
            cosine[cosine >= SAME] = 0.0
            best = top_k(cosine, k)
            value = np.take_along_axis(cosine, best, axis=1)
            ends = np.arange(len(cosine) + 1) * k
            blocks.append(sparse.csr_matrix((value.ravel(), best.ravel(), ends), shape=cosine.shape))
        near = sparse.csr_matrix(sparse.vstack(blocks)) if blocks else sparse.csr_matrix((0, self.rows.shape[0]))
        near.eliminate_zeros()
        return near

    def save(self, folder: Path) -> None:
        """Write `rows.npz` (no customer is named in it) and `method.json`."""
        parts = {"data": self.rows.data, "indices": self.rows.indices, "indptr": self.rows.indptr}
        np.savez(folder / "rows.npz", products=self.products.astype(str), **parts)
        (folder / METHOD_FILE).write_text(json.dumps({"name": self.name}))


def suits_user_to_user(seen: Interactions) -> bool:
    """Not more than `MOST_CUSTOMERS` who touched anything."""
    return len(np.unique(seen.user)) <= MOST_CUSTOMERS


def fit_user_to_user(seen: Interactions, seed: int) -> UserToUser:
    """Nothing is learned but the lengths of the rows."""
    products, weights = touched_part(seen, seen.weight)
    people = np.unique(seen.user)
    return UserToUser(products, of_length_one(weights[people]))


def of_length_one(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    """Each row divided by its Euclidean length; rows of zeros stay."""
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    scale = np.divide(1.0, lengths, out=np.zeros(len(lengths)), where=lengths > 0)
    return sparse.csr_matrix(sparse.diags(scale) @ rows)


def load(folder: Path) -> UserToUser:
    """The model that `save` wrote."""
    content = np.load(folder / "rows.npz")
    products = content["products"].astype(object)
    parts = (content["data"], content["indices"], content["indptr"])
    return UserToUser(products, sparse.csr_matrix(parts, shape=(len(content["indptr"]) - 1, len(products))))
