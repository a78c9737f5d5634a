"""The same for everybody: what most customers took up. The measure that every other method has to beat."""

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
from ml.recommend.methods.model import METHOD_FILE, Scored, places_of
from ml.recommend.ranking import popularity


@dataclass(frozen=True)
class Popularity:
    """score(i) = share of customers who took i up, the same for all; no own product speaks for it."""

    products: Texts
    shares: Floats
    name: str = "popularity"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def affinity(self, seen: Interactions) -> Floats:
        """Any; it is not asked for."""
        return seen.weight

    def over(self, products: Texts) -> Popularity:
        """Shares of these products, 0 for unknown ones."""
        place = places_of(products, self.products)
        return Popularity(products, np.where(place >= 0, np.append(self.shares, 0.0)[place], 0.0))

    def scored(self, own: sparse.csr_matrix, out: Singles | None = None) -> Scored:
        """The shares, once per customer."""

        def terms(products: Ints) -> Floats:
            return np.zeros((own.nnz, products.shape[1]))

        return Scored(np.tile(self.shares.astype(np.float32), (own.shape[0], 1)), terms)

    def save(self, folder: Path) -> None:
        """Write `shares.npz` and `method.json`."""
        np.savez(folder / "shares.npz", products=self.products.astype(str), shares=self.shares)
        (folder / METHOD_FILE).write_text(json.dumps({"name": self.name}))


def fit_popularity(seen: Interactions, seed: int) -> Popularity:
    """Counted, see `ranking.popularity`."""
    touched = np.unique(seen.item)
    return Popularity(seen.products[touched], popularity(seen)[touched])


def load(folder: Path) -> Popularity:
    """The model that `save` wrote."""
    content = np.load(folder / "shares.npz")
    return Popularity(content["products"].astype(object), content["shares"])
