"""A reason names what speaks most for the value, in both languages: models made up at random, sentences read back.

What a feature adds is taken from the model's answer with and without it (set to what is usual).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import pytest

from lakehouse.settings import Language
from ml.arrays import Floats
from ml.sentences import Said
from ml.traits import sentences
from ml.traits.activity import DAY_PARTS, FIELDS, Activity
from ml.traits.features import SALES, People
from ml.traits.gender import BEHAVIOUR, BOTH, GIVEN_NAME, NAME, Evidence, GenderModel
from ml.traits.learn import evidence_of, known_by
from ml.traits.names import Names
from ml.traits.reasons import INTERCEPT, of_doubt
from ml.traits.score import UNKNOWN, of_gender, of_spending, percents
from ml.traits.spending import BANDS, NO_SALES, SpendingModel

LANGUAGES: tuple[Language, ...] = get_args(Language)
TOKENS = (
    "brand=Acme",
    "category=Serum",
    "category_level_1=Beauty",
    "category_level_1=Tools",
    "day_part=evening",
    "day_part=night",
    "device_type=ios",
)
PEOPLE, EDGE = 400, 300
NOTHING = np.full(PEOPLE, np.nan)


@dataclass(frozen=True)
class Shop:
    seen: Activity
    people: People


@pytest.fixture(scope="module")
def shop() -> Shop:
    """Everybody looked at something, and two of three bought on up to four days; a name is known of half of them."""
    rng = np.random.default_rng(5)
    counts = rng.integers(0, 6, (PEOPLE, len(TOKENS)))
    user, token = np.nonzero(counts)
    buyer, day = np.nonzero((rng.random((PEOPLE, 4)) < 0.5) & (rng.random((PEOPLE, 1)) < 0.67))
    size = len(buyer)
    paid = rng.integers(500, 50_000, size)
    ids = np.array([f"c{n:04d}" for n in range(PEOPLE)], dtype=object)
    seen = Activity(
        ids, TOKENS, (EDGE,), user, token, np.zeros(len(user), dtype=np.int64), counts[user, token], buyer,
        60 * day + 60, paid, rng.integers(0, 3000, size), rng.integers(1, 9, size), rng.integers(1, 4, size), 1,
    )  # fmt: skip
    names = np.array(["芳", "伟", None], dtype=object)[rng.choice(3, PEOPLE, p=[0.25, 0.25, 0.5])]
    return Shop(seen, People(ids, NOTHING, names, np.arange(PEOPLE)))


def read_back(said: str, language: Language) -> set[tuple[str, bool]]:
    """(feature, whether there is more of it) of every way in which the sentence can have come about."""
    fact = said.removesuffix(sentences.NAME_AGREES.told(language, fact=""))
    found = set()
    for is_more, told in ((True, sentences.MORE), (False, sentences.LESS)):
        for field, one in told.items():
            match = re.fullmatch(re.escape(one.told(language, value="\0")).replace("\0", "(.+)"), fact)
            if match:
                value = match[1] if match.groups() else ""
                value = {part.told(language): name for name, part in sentences.DAY_PARTS.items()}.get(value, value)
                found.add((f"{field}={value}" if value else field, is_more))
    if fact == sentences.NAME_MOST.told(language):
        found.add((GIVEN_NAME, True))
    if fact == sentences.LIKE_MOST.told(language):
        found.add((INTERCEPT, False))
    return found


def gender_models() -> Iterator[GenderModel]:
    """Of a prior that is even, and of one so high that what speaks against it is not enough to turn it."""
    rng = np.random.default_rng(6)
    for number in range(8):
        model = GenderModel(
            TOKENS, rng.normal(size=len(TOKENS)) * 4, 0.1, rng.random(len(TOKENS)) * 0.3,
            Names({"芳": 2.0, "伟": -2.0}),
            prior_of_behaviour=0.05, slope=0.8, thresholds=dict.fromkeys((BEHAVIOUR, NAME, BOTH), 0.6),
        )  # fmt: skip
        yield replace(model, prior=4.0, coefficients=model.coefficients / 4) if number % 2 else model


def added_by_each(model: GenderModel, evidence: Evidence) -> dict[str, Floats]:
    """Log-odds of a woman less those with a token's share as usual, or with no name."""

    def log_odds(known: Evidence) -> Floats:
        return model.parts(model.raw(known), evidence.has_behaviour).log_odds

    whole, found = log_odds(evidence), {}
    for place, token in enumerate(TOKENS):
        shares = evidence.shares.copy()
        shares[:, place] = model.usual[place]
        found[token] = whole - log_odds(replace(evidence, shares=shares))
    nameless = np.full(PEOPLE, None, dtype=object)
    return {**found, GIVEN_NAME: whole - log_odds(replace(evidence, given_name=nameless))}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_gender_is_told_of_by_what_adds_most_to_its_odds(shop: Shop, language: Language) -> None:
    named = set()
    for model in gender_models():
        told = of_gender(model, shop.seen, shop.people, EDGE, language=language)
        evidence = evidence_of(shop.seen, shop.people, EDGE, TOKENS, True)
        added = added_by_each(model, evidence)
        for row in np.flatnonzero((told["value"] != UNKNOWN) & (told["basis"] != NAME)):
            sign = 1.0 if told["value"][row] == "female" else -1.0
            own = {feature: sign * values[row] for feature, values in added.items()}
            most = max(own, key=lambda feature: own[feature])
            most = most if own[most] > 1e-12 else INTERCEPT
            is_more = most == GIVEN_NAME
            if most in TOKENS:
                place = TOKENS.index(most)
                is_more = bool(evidence.shares[row, place] > model.usual[place])
            assert told["reason_feature"][row] == most
            assert (most, is_more) in read_back(told["reason"][row], language)
            assert {feature for feature, _ in read_back(told["reason"][row], language)} & set(own) <= {most}
            named.add((most, is_more))
    assert {GIVEN_NAME, INTERCEPT, *TOKENS} == {feature for feature, _ in named}
    assert len(named) > len(TOKENS) + 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_band_is_told_of_by_what_puts_it_ahead_of_the_others_most(shop: Shop, language: Language) -> None:
    rng = np.random.default_rng(7)
    topics = TOKENS[2:4]
    columns, _ = known_by(shop.seen, EDGE, 365, topics)
    named = set()
    for number in range(6):
        coefficients = rng.normal(size=(columns.shape[1], len(BANDS))) / (10 if number % 2 else 1)
        intercepts = np.array([0.0, 0.0, 9.0]) if number % 2 else np.zeros(3)
        model = SpendingModel(
            topics, np.nanmean(columns, axis=0), np.nanstd(columns, axis=0), coefficients, intercepts, 365, 90, 0.9, 0.4
        )
        told = of_spending(model, shop.seen, shop.people, EDGE, language)
        scores, scaled = model.scores(columns), model.scaled(columns)
        for row in np.flatnonzero(told["value"] != UNKNOWN):
            band = BANDS.index(told["value"][row])

            def ahead(of: Floats, band: int = band) -> float:
                return float(of[band] - np.delete(of, band).mean())

            own = {}
            for place, feature in enumerate(model.names):
                usual = columns[row].copy()
                usual[place] = model.mean[place]
                own[feature] = ahead(scores[row]) - ahead(model.scores(usual[None])[0])
            most = max(own, key=lambda feature: own[feature])
            most = most if own[most] > 1e-12 else INTERCEPT
            is_more = most != INTERCEPT and bool(scaled[row, model.names.index(most)] > 0)
            assert told["reason_feature"][row] == most
            assert (most, is_more) in read_back(told["reason"][row], language)
            assert {feature for feature, _ in read_back(told["reason"][row], language)} & set(own) <= {most}
            named.add(most)
    assert named >= {*SALES, NO_SALES, *topics}


def test_every_feature_has_a_sentence_for_more_and_for_less() -> None:
    assert set(sentences.MORE) == set(sentences.LESS) == {*FIELDS, *SALES, NO_SALES}
    assert set(sentences.DAY_PARTS) == set(DAY_PARTS)
    assert set(sentences.VALUES) == {"female", "male", *BANDS}
    for language in LANGUAGES:
        told: list[Said] = [*sentences.MORE.values(), *sentences.LESS.values()]
        of_products = {"category_level_1", "category", "brand"}
        different = len(set(told))
        assert different == 2 * (len(sentences.MORE) - len(of_products) + 1)
        assert len({one.told(language, value="x") for one in told}) == different


def test_a_doubt_rounds_against_what_is_not_stated() -> None:
    assert percents(np.array([0.799, 0.8, 0.39])).tolist() == [79, 80, 39]
    assert of_doubt("female", 79, 0.801, BEHAVIOUR, "en") == (
        "Not certain: female at 79 %; by what they do it is stated from 81 % on"
    )
    assert of_doubt("female", 79, 0.801, BEHAVIOUR, "zh") == "不确定：女性的可能性为79%；凭其行为须达到81%才判定"
    assert of_doubt("high", 39, 2.0, BEHAVIOUR, "zh") == "不确定：高档的可能性为39%；仅凭其行为无法判定"
    assert of_doubt("male", 60, 2.0, BOTH, "zh") == "不确定：男性的可能性为60%；仅凭名字和其行为无法判定"
