"""Traits of every customer, told, inferred or unknown: `ml.customer_traits`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lakehouse.settings import Language, Settings
from ml import registry, tables
from ml.arrays import Flags, Floats, Ints, Texts
from ml.traits import reasons, sentences
from ml.traits.activity import Activity
from ml.traits.features import FEMALE, MALE, People, read_both
from ml.traits.gender import BEHAVIOUR, GIVEN_NAME, NAME, NOTHING, GenderModel, probability
from ml.traits.learn import evidence_of, is_learnable, known_by
from ml.traits.model import load
from ml.traits.spending import BANDS, SpendingModel, softmax

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

UNKNOWN = "unknown"
TOLD = "told"
GENDER, SPENDING = "gender", "spending_power"


def score(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Write `ml.customer_traits` and `ml.trait_reliability` by the champion; a trait that it lacks has no rows."""
    seen, people, days = read_both(settings, as_of)
    if not is_learnable(seen, people, days):
        tables.write_empty(spark, settings, "customer_traits", "trait_reliability")
        return registry.Summary("traits", registry.NO_MODEL, [])
    version, folder = registry.champion(settings, "traits")
    model = load(folder)
    on, parts = as_of.toordinal(), []
    if model.gender is not None:
        parts.append(of_gender(model.gender, seen, people, on, settings.gender_from_names, settings.language))
    if model.spending is not None:
        parts.append(of_spending(model.spending, seen, people, on, settings.language))
    told = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    rows = tables.write(spark, settings, "customer_traits", {**told, "model_version": version})
    _write_reliability(spark, settings, model.reliability, version)
    return registry.Summary("traits", version, [], rows)


def of_gender(
    model: GenderModel,
    seen: Activity,
    people: People,
    on: int,
    has_names: bool = True,
    language: Language = "en",
) -> dict[str, npt.NDArray[Any]]:
    """Columns of one row per person: what a source tells, else what is inferred, else `unknown`.

    The reason names the feature with the largest contribution to the log-odds of the stated value, by the name alone
    the name, and what most customers are where no contribution is above 0; there is none where nothing is stated.
    """
    evidence = evidence_of(seen, people, on, model.tokens, has_names)
    parts = model.parts(model.raw(evidence), evidence.has_behaviour)
    woman, kind = probability(parts), parts.kind
    is_female = woman >= 0.5
    likeliest, needed = np.maximum(woman, 1 - woman), model.needed(kind)
    is_stated = (likeliest >= needed) & (kind != NOTHING)
    basis = np.where(is_stated, model.basis(parts, kind, is_female), kind)
    features, contributions = model.contributions(evidence, parts)
    names = np.array([*features, reasons.INTERCEPT], dtype=object)
    nothing = np.full(len(kind), None, dtype=object)
    strongest = _strongest(contributions * np.where(is_female, 1.0, -1.0)[:, None])
    strongest = np.where(basis == NAME, features.index(GIVEN_NAME), strongest)
    usual = np.r_[model.usual, 0.0, 0.0]
    value = np.column_stack([evidence.shares, parts.name, np.zeros(len(kind))])
    is_more = value[np.arange(len(value)), strongest] > usual[strongest]
    guess = np.where(is_female, FEMALE, MALE)
    why = _said(
        is_stated,
        (names[strongest], is_more, basis),
        lambda feature, more, by: reasons.of_gender(feature, more, by, language),
        (guess, percents(likeliest), needed, basis),
        lambda one, percent, enough, by: reasons.of_doubt(one, percent, enough, by, language),
    )
    is_told = people.is_told
    return {
        "customer_id": people.ids,
        "trait": np.full(len(guess), GENDER, dtype=object),
        "value": np.select([is_told, is_stated], [np.where(people.gender > 0, FEMALE, MALE), guess], UNKNOWN).astype(
            object
        ),
        "probability": np.where(is_told, 1.0, likeliest),
        "is_known": is_told,
        "basis": np.where(is_told, TOLD, basis).astype(object),
        "reason_feature": np.where(is_stated & ~is_told, names[strongest], nothing),
        "reason": np.where(is_told, sentences.TOLD.told(language), why),
    }


def of_spending(
    model: SpendingModel, seen: Activity, people: People, on: int, language: Language = "en"
) -> dict[str, npt.NDArray[Any]]:
    """Columns of one row per person; of whom nothing is known each band is as likely as the others.

    The reason names the feature with the largest contribution to the score of the stated band beside the others,
    and what most customers are where no contribution is above 0.
    """
    columns, is_seen = known_by(seen, on, model.lookback, model.tokens)
    is_known = is_seen & model.can_tell(columns)
    told = softmax(model.slope * model.scores(columns))
    band = told.argmax(axis=1)
    one = np.arange(len(band))
    names = np.array([*model.names, reasons.INTERCEPT], dtype=object)
    strongest = _strongest(model.contributions(columns, band))
    is_more = np.column_stack([model.scaled(columns), np.zeros(len(band))])[one, strongest] > 0
    is_stated = is_known & (told[one, band] >= model.threshold)
    value = np.where(is_stated, np.array(BANDS, dtype=object)[band], UNKNOWN)
    basis = np.where(is_known, BEHAVIOUR, NOTHING).astype(object)
    sure = np.where(is_known, told[one, band], 1.0 / len(BANDS))
    why = _said(
        is_stated,
        (names[strongest], is_more),
        lambda feature, more: reasons.of_feature(feature, more, language),
        (np.array(BANDS, dtype=object)[band], percents(sure), basis),
        lambda likeliest, percent, by: reasons.of_doubt(likeliest, percent, model.threshold, by, language),
    )
    nothing = np.full(len(band), None, dtype=object)
    feature = np.where(is_stated, names[strongest], nothing)

    def of_people(values: npt.NDArray[Any], otherwise: object) -> npt.NDArray[Any]:
        """One per person; those who were not seen at all come last among `values`."""
        return np.r_[values, np.array([otherwise], dtype=values.dtype)][people.place]

    return {
        "customer_id": people.ids,
        "trait": np.full(len(people.ids), SPENDING, dtype=object),
        "value": of_people(value, UNKNOWN),
        "probability": of_people(sure, 1.0 / len(BANDS)),
        "is_known": np.zeros(len(people.ids), dtype=np.bool_),
        "basis": of_people(basis, NOTHING),
        "reason_feature": of_people(feature, None),
        "reason": of_people(why, sentences.NOTHING_KNOWN.told(language)),
    }


def _said(
    is_stated: Flags,
    facts: Sequence[npt.NDArray[Any]],
    of_fact: Callable[..., str],
    doubts: Sequence[npt.NDArray[Any]],
    of_doubt: Callable[..., str],
) -> Texts:
    """A sentence per row, by its facts where a value is stated, by its doubts where none is; each is made once."""
    said = np.empty(len(is_stated), dtype=object)
    for rows, told, sentence in ((is_stated, facts, of_fact), (~is_stated, doubts, of_doubt)):
        some = pd.DataFrame({place: column[rows] for place, column in enumerate(told)})
        groups = some.groupby(list(some.columns), sort=False)
        sentences_ = [sentence(*values) for values in some.loc[~some.duplicated()].itertuples(index=False, name=None)]
        said[rows] = np.array([*sentences_, None], dtype=object)[groups.ngroup().to_numpy()]
    return said


def percents(probability: Floats) -> Ints:
    """Whole percents that it is at least."""
    return np.floor(100 * probability).astype(np.int64)


def _strongest(contributions: Floats) -> Ints:
    """Per row the column that speaks most for the value; one past the last where none does."""
    return np.where((contributions > 0).any(axis=1), contributions.argmax(axis=1), contributions.shape[1])


def _write_reliability(
    spark: SparkSession,
    settings: Settings,
    told: Mapping[str, Mapping[str, Sequence[Sequence[float]]]],
    version: str,
) -> None:
    """One row per trait, kind of evidence, and tenth of those whom the model was judged by."""
    rows = [
        (trait, evidence, tenth, point)
        for trait, curves in told.items()
        for evidence, points in curves.items()
        for tenth, point in enumerate(points, 1)
    ]
    columns = {
        "trait": [row[0] for row in rows],
        "evidence": [row[1] for row in rows],
        "tenth": [row[2] for row in rows],
        "mean_probability": [row[3][0] for row in rows],
        "right_share": [row[3][1] for row in rows],
        "customer_count": [round(row[3][2]) for row in rows],
    }
    tables.write(spark, settings, "trait_reliability", {**columns, "model_version": version})
