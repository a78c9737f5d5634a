"""Why a click is as likely as it is: the column of the model with the largest contribution, exactly.

The model is linear in its words. What column f adds to a row beside the mean of all rows scored with it is

    slope (e_f(row) - mean e_f),    e_f the sum of the coefficients of the row's words of f

and these sum over the columns to the difference between the row's log-odds and their mean: the SHAP values of a linear
model against the scored rows (Lundberg and Lee, "A Unified Approach to Interpreting Model Predictions", 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ml.arrays import Floats, Ints, Texts
from ml.click import tokens as T
from ml.click.features import SEPARATOR
from ml.click.model import ClickModel

NOTHING = 1e-9
"""A contribution nearer to 0 is what rounding makes of none."""


@dataclass(frozen=True)
class Terms:
    """What columns add to the log-odds of some rows.

    Args:
        columns: their names.
        effects: rows x columns, sums of coefficients, or the means of such sums over a row's impressions.
        level: rows x columns, the place in `levels` of what the row has in the column; -1 where it has several or none.
        levels: their names, None the last.
    """

    columns: Texts
    effects: Floats
    level: Ints
    levels: Texts


class Tastes(NamedTuple):
    """What the taste of a customer says about a creative.

    Args:
        effects: kinds of taste x creatives x (`tokens.MATCH`, `tokens.PAIR`).
        levels: names, in the same shape.
        kind: of each customer.
    """

    effects: Floats
    levels: Texts
    kind: Ints


class Largest(NamedTuple):
    """The largest contribution of each row, by which column, and what the row has in it."""

    effect: Floats
    feature: Texts
    value: Texts

    def columns(self) -> dict[str, Any]:
        """As `ml.click_predictions` has them; no reason where nothing is contributed."""
        effect, feature, value = (part.ravel().copy() for part in (self.effect, self.feature, self.value))
        is_nothing = np.abs(effect) < NOTHING
        effect[is_nothing], feature[is_nothing], value[is_nothing] = 0.0, None, None
        return {"reason_feature": feature, "reason_value": value, "reason_effect": effect}


def person_terms(model: ClickModel, words: pd.Series, slot: pd.Series) -> Terms:
    """Of customers, given a list of words each, with their slot as a column of its own."""
    rows = np.repeat(np.arange(len(words)), words.map(len).to_numpy(dtype=np.int64))
    slots = np.array([f"slot_id{SEPARATOR}{name}" for name in slot], dtype=object)
    all_words = np.concatenate([*words, slots]) if len(words) else slots
    return _terms(model, len(words), np.concatenate([rows, np.arange(len(slots))]), all_words)


def context_terms(model: ClickModel, words: pd.DataFrame, keys: pd.DataFrame, key: Sequence[str]) -> Terms:
    """Of creatives, or of creatives by slot and region: means over their impressions.

    Args:
        words: `key`, `word`, `count`, as `audience.recent_contexts` gives them.
        keys: a row per row wanted: `key`, `impressions`.
    """
    places = keys[[*key, "impressions"]].assign(place=np.arange(len(keys)))
    placed = words.merge(places, on=list(key))
    share = placed["count"].to_numpy(np.float64) / placed["impressions"].clip(lower=1).to_numpy(np.float64)
    return _terms(model, len(keys), placed["place"].to_numpy(np.int64), placed["word"].to_numpy(object), share)


def largest(model: ClickModel, terms: Terms) -> Largest:
    """Of each row of terms that are all there is to it."""
    contributions = model.slope * (terms.effects - (terms.effects.mean(axis=0) if len(terms.effects) else 0.0))
    rows = np.arange(len(contributions))
    if contributions.size == 0:
        nothing = np.full(len(rows), None, dtype=object)
        return Largest(np.zeros(len(rows)), nothing, nothing.copy())
    best = np.abs(contributions).argmax(axis=1)
    return Largest(contributions[rows, best], terms.columns[best], terms.levels[terms.level[rows, best]])


def largest_of_pairs(model: ClickModel, person: Terms, context: Terms, tastes: Tastes) -> Largest:
    """Of each customer (rows) and creative (columns): by what the customer is, the creative is, or both are."""
    by_person, by_context = largest(model, person), largest(model, context)
    shape = len(person.effects), len(context.effects)
    effect, feature, value = (np.repeat(part[:, None], shape[1], axis=1) for part in by_person)

    def take(others: Floats, features: Texts, values: Texts) -> None:
        is_larger = np.abs(others) > np.abs(effect)
        effect[is_larger] = np.broadcast_to(others, shape)[is_larger]
        feature[is_larger] = np.broadcast_to(features, shape)[is_larger]
        value[is_larger] = np.broadcast_to(values, shape)[is_larger]

    take(by_context.effect[None, :], by_context.feature[None, :], by_context.value[None, :])
    share = np.bincount(tastes.kind, minlength=len(tastes.effects)) / max(1, shape[0])
    for place, name in enumerate((T.MATCH, T.PAIR)):
        own = tastes.effects[:, :, place]
        mean = (share @ own).mean() if own.size else 0.0
        contributions = model.slope * (own - mean)[tastes.kind]
        take(contributions, np.array([[name]], dtype=object), tastes.levels[:, :, place][tastes.kind])
    return Largest(effect, feature, value)


def _terms(model: ClickModel, rows: int, row: Ints, words: Texts, share: Floats | None = None) -> Terms:
    """Of words that stand in rows, each in that share of a row's impressions (1 unless told); looked up once each."""
    code, known = pd.factorize(words)
    column_of, level_of = _parted(known)
    place, columns = pd.factorize(column_of)
    share = np.ones(len(code)) if share is None else share
    effect = np.array([model.effect(word) for word in known], dtype=np.float64)
    width, cell = len(columns), row * len(columns) + place[code]
    effects = np.bincount(cell, effect[code] * share, minlength=rows * width).astype(np.float64)
    is_only = (np.bincount(cell, minlength=rows * width)[cell] == 1) & (share == 1.0)
    level = np.full(rows * width, -1, dtype=np.int64)
    level[cell[is_only]] = code[is_only]
    names = np.array([*level_of, None], dtype=object)
    return Terms(columns.astype(object), effects.reshape(rows, width), level.reshape(rows, width), names)


def _parted(words: Sequence[str]) -> tuple[Texts, list[str]]:
    """Columns and levels of words."""
    parts = [word.partition(SEPARATOR) for word in words]
    columns = np.empty(len(parts), dtype=object)
    columns[:] = [column for column, _, _ in parts]
    return columns, [level for _, _, level in parts]
