"""The methods that compete, from the simplest to the most involved, and which of them serves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ml.arrays import Floats
from ml.recommend.features import Interactions
from ml.recommend.fits import Fit
from ml.recommend.methods.als_explicit import fit_als_explicit, suits_als_explicit
from ml.recommend.methods.bpr import fit_bpr, suits_bpr
from ml.recommend.methods.ease import fit_ease, suits_ease
from ml.recommend.methods.item_to_item import fit_cosine, fit_pearson
from ml.recommend.methods.model import Method
from ml.recommend.methods.popularity import fit_popularity
from ml.recommend.methods.sar import fit_sar
from ml.recommend.methods.user_to_user import fit_user_to_user, suits_user_to_user

UNTIL_TOLD = "als"
"""Serves where nothing can be held out, or too little to choose by."""
MARGIN = 0.02
"""A method serves in place of a simpler one only where it gains more than this share of its nDCG@10."""


def methods(fit_als: Fit) -> list[Method]:
    """All of them, simplest first: by what they keep, and by what a score costs.

    Args:
        fit_als: the fit of implicit feedback that the session calls for.
    """
    return [
        Method("popularity", _always, fit_popularity),
        Method("item_to_item", _always, fit_cosine),
        Method("item_to_item_pearson", _always, fit_pearson),
        Method("sar", _always, fit_sar),
        Method("als", _always, fit_als),
        Method("als_explicit", suits_als_explicit, fit_als_explicit),
        Method("ease", suits_ease, fit_ease),
        Method("bpr", suits_bpr, fit_bpr),  # drawn, and of five settings: a tie with a closed form goes against it
        Method("user_to_user", suits_user_to_user, fit_user_to_user),
    ]


def suited(fit_als: Fit, seen: Interactions) -> list[Method]:
    """Those that these interactions allow."""
    return [method for method in methods(fit_als) if method.suits(seen)]


def winner(gains: Mapping[str, Floats]) -> str:
    """The simplest that is as good as the best: behind it by no more than `MARGIN` or by no more than chance.

    Chance is one standard error of the mean difference of the same customers (the one-standard-error rule of Breiman,
    Friedman, Olshen, Stone, "Classification and Regression Trees", 1984, section 3.4.3, on paired differences).

    Args:
        gains: nDCG@10 of the same customers by method, simplest first.
    """
    best = max(gains.values(), key=lambda values: float(values.mean()))
    for name, values in gains.items():
        behind = best - values
        chance = behind.std(ddof=1) / np.sqrt(len(behind)) if len(behind) > 1 else 0.0
        if behind.mean() <= max(MARGIN * best.mean(), chance):
            return name
    raise AssertionError("the best is not behind itself")


def _always(seen: Interactions) -> bool:
    return True
