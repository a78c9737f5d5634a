"""What a gender rests on: sums worked out by hand, and people with a pattern to find."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.traits import sentences
from ml.traits.activity import Activity
from ml.traits.evaluate import gender_metrics, halves, judged_gender, reliability
from ml.traits.features import People
from ml.traits.gender import BEHAVIOUR, BOTH, GIVEN_NAME, NAME, NOTHING, Evidence, GenderModel, probability
from ml.traits.learn import LEAST_OF_EACH, learn_gender
from ml.traits.model import TraitsModel, load
from ml.traits.names import Names
from ml.traits.score import TOLD, UNKNOWN, of_gender

LN3 = math.log(3.0)
MODEL = GenderModel(
    tokens=("category_level_1=Beauty", "category_level_1=Tools"),
    coefficients=np.array([4.0, -2.0]),
    intercept=-0.5,
    usual=np.array([0.25, 0.25]),
    names=Names({"芳": 2.0, "伟": -2.0}),
    prior=LN3,
    prior_of_behaviour=0.5,
    slope=0.5,
    offset=0.25,
    name_slope=1.5,
    name_offset=-0.5,
    thresholds={BEHAVIOUR: 0.8, NAME: 0.7, BOTH: 0.75},
)


def evidence(shares: Sequence[Sequence[float]], names: Sequence[str | None]) -> Evidence:
    rows = np.array(shares, dtype=np.float64)
    return Evidence(rows, rows.sum(axis=1) > 0, np.array(names, dtype=object))


def test_log_odds_are_the_prior_and_what_either_part_is_worth() -> None:
    known = evidence([[0.5, 0.25], [0, 0], [0, 0], [0.5, 0.25]], [None, "芳", "外", "伟"])
    parts = MODEL.parts(MODEL.raw(known), known.has_behaviour)
    # Behaviour: .5 (-.5 + 2 - .5) + .25 - .5 = .25. Name: 1.5 x 2 - .5 = 2.5, and -3.5.
    assert parts.log_odds == pytest.approx([LN3 + 0.25, LN3 + 2.5, LN3, LN3 + 0.25 - 3.5])
    assert parts.kind.tolist() == [BEHAVIOUR, NAME, NOTHING, BOTH]
    assert probability(parts)[2] == pytest.approx(0.75)
    assert MODEL.needed(parts.kind)[:2].tolist() == [0.8, 0.7]


def test_contributions_add_up_to_the_log_odds_beside_the_usual_customer() -> None:
    known = evidence([[0.5, 0.25], [0.1, 0.7], [0.25, 0.25]], ["芳", None, None])
    parts = MODEL.parts(MODEL.raw(known), known.has_behaviour)
    names, told = MODEL.contributions(known, parts)
    assert names == ["category_level_1=Beauty", "category_level_1=Tools", GIVEN_NAME]
    assert told[0] == pytest.approx([0.5 * 4 * 0.25, 0.0, 2.5])
    assert told.sum(axis=1) == pytest.approx(parts.log_odds - parts.log_odds[2])


def test_it_rests_on_the_name_where_what_they_did_would_not_be_enough() -> None:
    flat = replace(MODEL, prior=0.0, prior_of_behaviour=0.0, offset=0.0, intercept=0.0)
    # Log-odds by behaviour 2 (share of Beauty): .8 needs ln 4 = 1.39, so .7 does it and .5 does not.
    known = evidence([[0.7, 0], [0.5, 0], [0.01, 0.6], [0.7, 0], [0, 0]], ["芳", "芳", "芳", None, "芳"])
    parts = flat.parts(flat.raw(known), known.has_behaviour)
    basis = flat.basis(parts, parts.kind, probability(parts) >= 0.5)
    assert basis.tolist() == [BOTH, NAME, NAME, BEHAVIOUR, NAME]
    # Neither is enough alone: .8 for the name now needs more than the 2.5 it has.
    strict = replace(flat, thresholds={BEHAVIOUR: 0.8, NAME: 0.99, BOTH: 0.75})
    assert strict.basis(parts, parts.kind, probability(parts) >= 0.5).tolist()[:2] == [BOTH, BOTH]
    # A name that speaks against it is no basis.
    against = evidence([[1.9, 0]], ["伟"])
    parts = flat.parts(flat.raw(against), against.has_behaviour)
    assert probability(parts)[0] > 0.5
    assert flat.basis(parts, parts.kind, np.array([True])).tolist() == [BEHAVIOUR]


def shop(customers: int = 600, seed: int = 3, told: float = 0.8, has_names: bool = True) -> tuple[Activity, People]:
    """Women look at Beauty in two of three looks, men at Tools; a tenth never looked; names tell two of three."""
    rng = np.random.default_rng(seed)
    is_female = rng.random(customers) < 0.5
    active = customers - customers // 10
    looks = rng.binomial(8, np.where(is_female[:active], 0.65, 0.35))
    user, token, count = [], [], []
    for number in range(active):
        for place, times in ((0, looks[number]), (1, 8 - looks[number])):
            if times:
                user.append(number)
                token.append(place)
                count.append(times)
    own = rng.random(customers) < 0.67
    given = np.where(own, np.where(is_female, "芳", "伟"), np.where(rng.random(customers) < 0.5, "安", "外"))
    ids = np.array([f"c{n:04d}" for n in range(customers)], dtype=object)
    none = np.zeros(0, dtype=np.int64)
    seen = Activity(
        ids[:active],
        ("category_level_1=Beauty", "category_level_1=Tools"),
        (100,),
        np.array(user),
        np.array(token),
        np.zeros(len(user), dtype=np.int64),
        np.array(count),
        *[none] * 6,
        1,
    )
    people = People(
        ids,
        np.where(rng.random(customers) < told, is_female.astype(np.float64), np.nan),
        given.astype(object) if has_names else np.full(customers, None, dtype=object),
        np.r_[np.arange(active), np.full(customers - active, -1)],
    )
    return seen, replace(people, gender=np.where(np.isnan(people.gender), np.nan, people.gender))


def truth(customers: int = 600, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).random(customers) < 0.5


def test_who_is_told_stays_as_told_and_others_are_right_or_unknown() -> None:
    seen, people = shop(2000)
    learnt = learn_gender(seen, people, 100, True)
    assert learnt is not None
    told = of_gender(learnt[0], seen, people, 100)
    known = people.is_told
    assert (told["value"][known] == np.where(people.gender[known] > 0, "female", "male")).all()
    assert set(told["basis"][known]) == {TOLD} == {"told"}
    assert set(told["probability"][known]) == {1.0}
    is_stated = ~known & (told["value"] != UNKNOWN)
    is_right = (told["value"] == "female") == truth(2000)
    assert is_right[is_stated].mean() >= 0.8
    assert 0.3 < is_stated.sum() / (~known).sum() < 1.0
    assert (told["reason_feature"] == None)[~is_stated].all()  # noqa: E711
    by_name = is_stated & (told["basis"] == NAME)
    assert by_name.sum() > 10
    assert {reason.startswith(sentences.BY_NAME_ALONE.en) for reason in told["reason"][by_name]} == {True}
    never_active = people.place < 0
    assert set(told["basis"][is_stated & never_active]) == {NAME}
    assert not any(name in reason for reason in told["reason"] for name in "芳伟安外")


def test_the_reason_is_the_feature_that_speaks_most_for_the_value() -> None:
    seen, people = shop(2000)
    learnt = learn_gender(seen, people, 100, False)
    assert learnt is not None
    told = of_gender(learnt[0], seen, people, 100, has_names=False)
    is_stated = ~people.is_told & (told["value"] != UNKNOWN)
    assert is_stated.sum() > 50
    shares = seen.counts(100, seen.tokens) / 11.0
    usual = shares[people.is_told[: len(shares)]].mean(axis=0)
    for number in np.flatnonzero(is_stated):
        sign = 1.0 if told["value"][number] == "female" else -1.0
        added = sign * learnt[0].coefficients * (shares[number] - usual)
        field, token = added.argmax(), seen.tokens[added.argmax()]
        assert told["reason_feature"][number] == token
        more = "more" if shares[number, field] > usual[field] else "less"
        assert told["reason"][number] == f"Looks at or buys {token.split('=')[1]} {more} than is usual"
    assert NAME not in set(told["basis"][is_stated])


def test_without_names_nothing_rests_on_one_whatever_the_model_has_learnt() -> None:
    seen, people = shop(2000)
    learnt = learn_gender(seen, people, 100, True)
    assert learnt is not None
    told = of_gender(learnt[0], seen, people, 100, has_names=False)
    assert set(told["basis"]) == {TOLD, BEHAVIOUR, NOTHING}
    assert set(told["value"][(people.place < 0) & ~people.is_told]) == {UNKNOWN}


def test_people_judged_had_no_part_in_what_is_said_of_them() -> None:
    """Labels dealt at random: fitted to its own rows a model would seem to know them."""
    seen, people = shop(600, told=1.0)
    rng = np.random.default_rng(1)
    noise = replace(people, gender=(rng.random(600) < 0.5).astype(np.float64))
    learnt = learn_gender(seen, noise, 100, True)
    assert learnt is not None
    judged, woman, label = judged_gender(halves(*learnt))
    assert len(woman) == len(label) == 600
    assert abs(judged.is_right.mean() - 0.5) < 0.07
    assert judged.unknown_share > 0.95


def test_measures_stand_beside_the_share_of_women_and_the_curve_counts_everybody() -> None:
    learnt = learn_gender(*shop(2000), 100, True)
    assert learnt is not None
    both = halves(*learnt)
    told = {one.name: one for one in gender_metrics(learnt[0], both)}
    assert told["gender_log_loss"].value < told["gender_by_behaviour_log_loss"].value
    assert told["gender_by_behaviour_log_loss"].value < told["gender_by_behaviour_log_loss"].baseline_value
    assert told["gender_right_share"].value >= 0.8
    assert told["gender_calibration_error"].value < 0.05
    curve = reliability(judged_gender(both)[0])
    assert sum(point[2] for point in curve) == told["gender_people"].value
    assert [point[0] for point in curve] == sorted(point[0] for point in curve)


def test_too_few_of_either_gender_teach_nothing_and_without_habits_the_name_is_all() -> None:
    seen, people = shop(600)
    few = people.gender.copy()
    few[np.flatnonzero(few == 1)[LEAST_OF_EACH - 1 :]] = np.nan
    assert learn_gender(seen, replace(people, gender=few), 100, True) is None
    unseen = replace(people, place=np.full(600, -1))
    learnt = learn_gender(seen, unseen, 100, True)
    assert learnt is not None
    told = of_gender(learnt[0], seen, unseen, 100)
    assert set(told["basis"]) == {TOLD, NAME}


def test_a_saved_model_says_the_same(tmp_path: Path) -> None:
    seen, people = shop()
    learnt = learn_gender(seen, people, 100, True)
    assert learnt is not None
    TraitsModel(learnt[0], None, {"gender": {"all": [[0.9, 1.0, 20.0]]}}).save(tmp_path)
    found = load(tmp_path)
    assert found.spending is None
    assert found.gender is not None
    assert found.reliability == {"gender": {"all": [[0.9, 1.0, 20.0]]}}
    before, after = (of_gender(model, seen, people, 100) for model in (learnt[0], found.gender))
    for name, values in before.items():
        assert values.tolist() == after[name].tolist()
