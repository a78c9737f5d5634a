"""A saved model of any method: how it is loaded, and what MLflow gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.arrays import Floats
from ml.recommend import factors
from ml.recommend.features import NEVER, Interactions
from ml.recommend.methods import als_explicit, bpr, item_weights, popularity, user_to_user
from ml.recommend.methods.model import METHOD_FILE, Model, own_products
from ml.recommend.ranking import top_k

LOADERS: dict[str, Callable[[Path], Model]] = {
    "als": factors.load,
    "als_explicit": als_explicit.load,
    "bpr": bpr.load,
    "popularity": popularity.load,
    "user_to_user": user_to_user.load,
}
"""By method; all others are matrices of item weights."""


def load(folder: Path) -> Model:
    """The model that its `save` wrote."""
    return LOADERS.get(json.loads((folder / METHOD_FILE).read_text())["name"], item_weights.load)(folder)


class Recommender:
    """What `mlflow.pyfunc.load_model("models:/recommend@champion")` gives: products for any basket."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, history: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Ten products that the customer has not touched, best first.

        Args:
            history: a row per `customer_id`, `product_id` with the sum of its `weight` (as in gold.feat_interactions)
                and, for a method of ratings, its `rating`.

        Returns:
            `customer_id`, `rank`, `product_id`, `score`; customers whose products are all unknown are left out.
        """
        products = self.model.products
        seen = _interactions(history[np.isin(history["product_id"], products)], self.model)
        own = own_products(self.model, seen)
        scores = self.model.scored(own).scores
        scores[seen.user, seen.item] = -np.inf
        k = min(10, len(products))
        best = top_k(scores, k)
        frame = pd.DataFrame(
            {
                "customer_id": np.repeat(seen.customers, k),
                "rank": np.tile(np.arange(1, k + 1), len(seen.customers)),
                "product_id": products[best].ravel(),
                "score": np.take_along_axis(scores, best, axis=1).ravel().astype(np.float64),
            }
        )
        return frame[np.isfinite(frame["score"])].reset_index(drop=True)


def _interactions(history: pd.DataFrame, model: Model) -> Interactions:
    """The rows of a basket, of which no more is told than weights and ratings."""
    customers, user = np.unique(history["customer_id"].to_numpy(dtype=str), return_inverse=True)
    weight = history["weight"].to_numpy(dtype=np.float64)
    rating: Floats = (
        history["rating"].to_numpy(dtype=np.float64) if "rating" in history else np.full(len(history), np.nan)
    )
    untold = np.zeros(len(history))
    return Interactions(
        customers=customers.astype(object),
        products=model.products,
        user=user.astype(np.int64),
        item=pd.Index(model.products).get_indexer(pd.Index(history["product_id"])).astype(np.int64),
        weight=np.log1p(weight),
        view_count=untold,
        cart_count=untold,
        purchase_count=untold,
        bought_days=untold,
        last_bought_day=np.full(len(history), float(NEVER)),
        is_rated=~np.isnan(rating),
        rating=rating,
        recent_weight=weight,
    )


def _load_pyfunc(path: str) -> Recommender:
    """MLflow's entry point."""
    return Recommender(load(Path(path)))
