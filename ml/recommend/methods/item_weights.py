"""A matrix of weights from own product to product, learned by any of the item-to-item methods."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from ml.arrays import Floats, Ints, Texts
from ml.recommend.features import Interactions, Singles
from ml.recommend.methods.model import METHOD_FILE, Scored, places_of, rows_of

DENSE_FROM = 0.05
"""From this share of entries on a matrix is multiplied whole. An entry of a sparse product costs about 50 times one of
a whole row in 32-bit floats, so 2 % would do for speed; below 5 % the memory is not worth it."""

Matrix = Any
"""A scipy.sparse.csr_matrix, or the whole as an array of floats."""


@dataclass(frozen=True)
class ItemWeights:
    """score(i) = sum over own products j of affinity(j) x matrix[j, i].

    Args:
        weighs: which affinity counts: `weight` (log of the summed weight), `touched` (1) or `recent` (decayed sum).
        matrix: products x products, with a diagonal of zeros: a product adds nothing to itself.
    """

    name: str
    products: Texts
    weighs: str
    matrix: Matrix
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def affinity(self, seen: Interactions) -> Floats:
        """As `weighs` says."""
        if self.weighs == "touched":
            return np.ones(len(seen.user))
        return seen.weight if self.weighs == "weight" else relative(seen)

    def over(self, products: Texts) -> ItemWeights:
        """The rows and columns of these products."""
        place = places_of(products, self.products)
        new = np.flatnonzero(place >= 0)
        if len(new) == len(self.products) == len(products):
            return self
        if sparse.issparse(self.matrix):
            pick = sparse.csr_matrix((np.ones(len(new)), (new, place[new])), (len(products), len(self.products)))
            matrix: Matrix = sparse.csr_matrix(pick @ self.matrix @ pick.T)
        else:
            matrix = np.zeros((len(products), len(products)))
            matrix[np.ix_(new, new)] = self.matrix[np.ix_(place[new], place[new])]
        return ItemWeights(self.name, products, self.weighs, matrix, self.parameters)

    @cached_property
    def single(self) -> Matrix:
        """The matrix in 32-bit floats: half of the memory that a score has to be fetched from."""
        return self.matrix.astype(np.float32)

    def scored(self, own: sparse.csr_matrix, out: Singles | None = None) -> Scored:
        """One product of matrices."""
        found = own.astype(np.float32) @ self.single

        def terms(products: Ints) -> Floats:
            asked = products[rows_of(own)]
            weights = self.matrix[np.repeat(own.indices, asked.shape[1]), asked.ravel()]
            return np.asarray(np.asarray(weights).reshape(asked.shape) * own.data[:, None])

        return Scored(found.toarray(out=out) if sparse.issparse(found) else np.asarray(found), terms)

    def save(self, folder: Path) -> None:
        """Write `weights.npz`, the matrix by its entries where it has few, and `method.json`."""
        parts = (
            {"data": self.matrix.data, "indices": self.matrix.indices, "indptr": self.matrix.indptr}
            if sparse.issparse(self.matrix)
            else {"whole": self.matrix}
        )
        np.savez(folder / "weights.npz", products=self.products.astype(str), **parts)
        told = {"name": self.name, "weighs": self.weighs, "parameters": dict(self.parameters)}
        (folder / METHOD_FILE).write_text(json.dumps(told))


def load(folder: Path) -> ItemWeights:
    """The model that `save` wrote."""
    told = json.loads((folder / METHOD_FILE).read_text())
    content = np.load(folder / "weights.npz")
    products = content["products"].astype(object)
    shape = (len(products), len(products))
    matrix = (
        content["whole"]
        if "whole" in content
        else sparse.csr_matrix((content["data"], content["indices"], content["indptr"]), shape=shape)
    )
    return ItemWeights(told["name"], products, told["weighs"], matrix, told["parameters"])


def packed(matrix: sparse.csr_matrix) -> Matrix:
    """Whole where most of it is entries."""
    return matrix.toarray() if matrix.nnz > DENSE_FROM * matrix.shape[0] * matrix.shape[1] else matrix


def relative(seen: Interactions) -> Floats:
    """The decayed weights of each customer, as shares of their largest: it orders products alike, and stays small."""
    largest = np.zeros(len(seen.customers))
    np.maximum.at(largest, seen.user, seen.recent_weight)
    return np.asarray(seen.recent_weight / np.maximum(largest, np.finfo(float).tiny)[seen.user])
