"""Click probabilities of every customer for every current creative: `ml.click_predictions`.

The model is a sum, so its parts are added up where they belong: what is known of the customer today, what went with
the creative lately (the mean effect of its hours, days and attributes over its impressions of the last 30 days), the
slot where the customer is shown most, and how the customer's taste fits the creative.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lakehouse.settings import Settings
from ml import registry, tables
from ml.arrays import Floats
from ml.click import tokens as T
from ml.click.audience import customers_today, recent_contexts
from ml.click.features import SEPARATOR, last_second, read_impressions
from ml.click.model import ClickModel, load
from ml.click.reasons import Tastes, context_terms, largest, largest_of_pairs, person_terms

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MOST_PAIRS = 5_000_000
"""Customers x creatives at most; beyond it only the creatives shown most lately are scored."""
MOST_CONTEXTS = 20_000


def score(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Write the champion's coefficients and predictions: customers x recent creatives, and, for impressions of people
    without an id, each (creative, slot, region) that was shown lately, with a null customer.
    """
    impressions = read_impressions(spark, as_of)
    if impressions is None or (last := last_second(impressions)) is None:
        tables.write_empty(spark, settings, "click_predictions", "click_coefficients", "click_curves")
        return registry.Summary("click", registry.NO_MODEL, [])
    version, folder = registry.champion(settings, "click")
    model = load(folder)
    of_customers, of_strangers = recent_contexts(impressions, last)
    parts = [contexts(model, of_strangers)]
    if len(of_customers):
        parts.append(pairs(model, customers_today(spark, settings, impressions, as_of), of_customers))
    told = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    rows = tables.write(spark, settings, "click_predictions", {**told, "model_version": version})
    summed = {
        "(intercept)": model.intercept,
        "(calibration slope)": model.slope,
        "(calibration offset)": model.offset,
        **model.coefficients,
    }
    tables.write(
        spark,
        settings,
        "click_coefficients",
        {"feature": list(summed), "coefficient": list(summed.values()), "model_version": version},
    )
    points = [(curve, x, y, int(count)) for curve, told in model.curves.items() for x, y, count in told]
    names = ("curve", "x", "y", "impression_count")
    curves = {name: [point[place] for point in points] for place, name in enumerate(names)}
    tables.write(spark, settings, "click_curves", {**curves, "model_version": version})
    return registry.Summary("click", version, [], rows)


def pairs(model: ClickModel, customers: pd.DataFrame, words: pd.DataFrame) -> dict[str, Any]:
    """Columns of one row per customer and creative, in that order.

    Args:
        customers: as `customers_today` returns it.
        words: `creative_id`, `word`, `count` over recent impressions.
    """
    shown = words[words["word"].str.startswith(f"creative_id{SEPARATOR}")].groupby("creative_id", dropna=False)
    impressions = shown["count"].sum().sort_values(ascending=False, kind="stable")
    most = max(1, MOST_PAIRS // max(1, len(customers)))
    kept = words[words["creative_id"].isin(impressions.index[:most])]
    context = mean_effect(model, kept, ["creative_id"])
    creatives = context["creative_id"].tolist()
    values = _attribute_values(kept)
    slot = customers["slot_id"].fillna(customers["slot_id"].mode().iloc[0] if customers["slot_id"].any() else "")
    person = _effect_of_words(model, customers["words"])
    person += slot.map(lambda name: model.effect(f"slot_id{SEPARATOR}{name}")).to_numpy(dtype=np.float64)
    log_odds = model.intercept + person[:, None] + context["effect"].to_numpy()[None, :]
    tastes = _tastes(model, customers, creatives, values)
    log_odds += tastes.effects.sum(axis=2)[tastes.kind]
    terms = person_terms(model, customers["words"], slot), context_terms(model, kept, context, ["creative_id"])
    return {
        "customer_id": np.repeat(customers["customer_id"].to_numpy(dtype=object), len(creatives)),
        "creative_id": np.tile(np.asarray(creatives, dtype=object), len(customers)),
        "slot_id": np.repeat(slot.where(slot != "", None).to_numpy(dtype=object), len(creatives)),
        "region": np.full(log_odds.size, None, dtype=object),
        "click_probability": model.probability(log_odds).ravel(),
        **largest_of_pairs(model, *terms, tastes).columns(),
    }


def contexts(model: ClickModel, words: pd.DataFrame) -> dict[str, Any]:
    """Columns of one row per creative, slot and region, the most shown ones where there are too many."""
    key = ["creative_id", "slot_id", "region"]
    told = mean_effect(model, words, key).sort_values("impressions", ascending=False, kind="stable")
    told = told.head(MOST_CONTEXTS).sort_values(key, ignore_index=True)
    probability = model.probability(model.intercept + told["effect"].to_numpy(dtype=np.float64))
    names = {name: told[name].astype(object).where(told[name].notna(), None).to_numpy() for name in key}
    reasons = largest(model, context_terms(model, words, told, key)).columns()
    return {"customer_id": np.full(len(told), None, dtype=object), **names, "click_probability": probability, **reasons}


def mean_effect(model: ClickModel, words: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """One row per key, sorted: `impressions`, and `effect`, the mean over them of the sum of coefficients."""
    effect = words["word"].map(model.effect).astype(np.float64) * words["count"]
    is_creative = words["word"].str.startswith(f"creative_id{SEPARATOR}")
    told = words[list(key)].assign(effect=effect, impressions=words["count"].where(is_creative, 0))
    told = told.groupby(list(key), dropna=False, as_index=False).sum()
    return told.assign(effect=told["effect"] / told["impressions"].clip(lower=1))


def _effect_of_words(model: ClickModel, words: pd.Series) -> Floats:
    """The sum of the coefficients of each row's list of words; each word is looked up once."""
    counts = words.map(len).to_numpy()
    codes, known = pd.factorize(np.concatenate([*words, np.array([], dtype=object)]))
    effect = np.array([model.effect(word) for word in known], dtype=np.float64)
    row = np.repeat(np.arange(len(words)), counts)
    return np.bincount(row, effect[codes] if len(codes) else None, minlength=len(words)).astype(np.float64)


def _tastes(
    model: ClickModel, customers: pd.DataFrame, creatives: Sequence[str], values: dict[str, list[str]]
) -> Tastes:
    """Computed once per taste and strength."""
    rate = customers["taste_rate"].fillna(0.0).astype(np.float64)
    level = np.searchsorted(np.asarray(T.RATE_EDGES), rate.to_numpy(), side="right")
    taste = customers["taste"].astype(object).where(customers["taste"].notna(), None)
    kinds = {kind: place for place, kind in enumerate(dict.fromkeys(zip(taste, level, strict=True)))}
    edges = (0.0, *T.RATE_EDGES)
    words = [
        [T.taste_words(name, edges[place], creative, values[creative]) for creative in creatives]
        for name, place in kinds
    ]
    shape = (len(kinds), len(creatives), 2)
    effects = [[[model.effect(word) for word in pair] for pair in row] for row in words]
    levels = np.full(shape, None, dtype=object)
    for row, (name, _) in enumerate(kinds):
        levels[row, :, 0] = [match.split(SEPARATOR, 1)[1] for match, _ in words[row]]
        levels[row, :, 1] = T.UNKNOWN if name is None else name
    kind = np.array([kinds[own] for own in zip(taste, level, strict=True)], dtype=np.int64)
    return Tastes(np.array(effects, dtype=np.float64).reshape(shape), levels, kind)


def _attribute_values(words: pd.DataFrame) -> dict[str, list[str]]:
    """The attribute values that most of a creative's impressions have, by creative."""
    prefix = f"{T.ATTRIBUTES}."
    told: dict[str, list[str]] = {}
    for creative, rows in words.groupby("creative_id", dropna=False):
        shown = rows.loc[rows["word"].str.startswith(f"creative_id{SEPARATOR}"), "count"].sum()
        common = rows[rows["word"].str.startswith(prefix) & (rows["count"] * 2 > shown)]
        told[creative] = [word.split(SEPARATOR, 1)[1] for word in common["word"]]
    return told
