"""The reason of a click is the column with the largest contribution, found again by adding up words row by row."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml.click import tokens as T
from ml.click.model import ClickModel, base_rate_model
from ml.click.score import contexts, pairs

CREATIVES = {"A": "Beauty", "B": "Food", "C": "Food"}
PERSON = {"gender": ("female", "male"), "city": ("X", "Y", "unknown"), "prior_click_count": ("0", "1", "2", "3-5")}
CONTEXT = {"hour_of_day": ("9", "21"), "channel": ("push", "display")}
KEY = ("creative_id", "slot_id", "region")


def a_model(rng: np.random.Generator) -> ClickModel:
    words = [f"{column}={level}" for column, levels in {**PERSON, **CONTEXT}.items() for level in levels]
    words += [f"creative_id={name}" for name in CREATIVES] + ["slot_id=top", "slot_id=end", "region=N", "region=S"]
    words += [f"attributes.topic={topic}" for topic in ("Beauty", "Food")]
    words += ["category_match=no", *(f"category_match=yes, {level} of views" for level in T.RATE_LEVELS)]
    words += [f"{T.PAIR}={taste} x {name}" for taste in ("Beauty", "Food") for name in CREATIVES]
    return ClickModel(dict(zip(words, rng.normal(0, 0.5, len(words)))), -3.0, 0.8, 0.1, 0.05)


def some_customers(rng: np.random.Generator, count: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": [f"c{n:02d}" for n in range(count)],
            "words": [[f"{name}={rng.choice(levels)}" for name, levels in PERSON.items()] for _ in range(count)],
            "slot_id": rng.choice(np.array(["top", "end"], dtype=object), count),
            "taste": rng.choice(np.array(["Beauty", "Food", None], dtype=object), count),
            "taste_rate": rng.random(count),
        }
    )


def shown(rng: np.random.Generator, creative: str) -> dict[str, int]:
    """The words of ten impressions; the hours differ, the channel does not."""
    early = int(rng.integers(1, 10))
    words = {f"creative_id={creative}": 10, f"attributes.topic={CREATIVES[creative]}": 10}
    return {
        **words,
        "hour_of_day=9": early,
        "hour_of_day=21": 10 - early,
        f"channel={rng.choice(CONTEXT['channel'])}": 10,
    }


def contributions(model: ClickModel, rows: list[dict[str, float]]) -> pd.DataFrame:
    """Rows x columns of the model, from each row's words and how much each counts."""
    told = []
    for row in rows:
        sums: dict[str, float] = defaultdict(float)
        for word, count in row.items():
            sums[word.split("=")[0]] += model.effect(word) * count
        told.append(sums)
    effects = pd.DataFrame(told).fillna(0.0)
    return model.slope * (effects - effects.mean())


def assert_reasons_are_the_largest(told: dict[str, Any], expected: pd.DataFrame, rows: list[dict[str, float]]) -> None:
    assert len(expected) == len(told["reason_feature"])
    for number, row in enumerate(rows):
        own = expected.iloc[number]
        feature = told["reason_feature"][number]
        assert abs(own[feature]) == pytest.approx(own.abs().max(), abs=1e-12)
        assert told["reason_effect"][number] == pytest.approx(own[feature], abs=1e-12)
        levels = [word.split("=", 1)[1] for word in row if word.split("=")[0] == feature]
        taste = levels[0].split(" x ")[0] if feature == T.PAIR else levels[0]
        assert told["reason_value"][number] == (taste if len(levels) == 1 else None)


def of_creatives(counts: dict[str, dict[str, int]]) -> pd.DataFrame:
    """As `audience.recent_contexts` gives them."""
    rows = [(name, word, count) for name, own in counts.items() for word, count in own.items()]
    return pd.DataFrame(rows, columns=["creative_id", "word", "count"])


def test_of_a_customer_and_a_creative() -> None:
    named = set()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        model, customers = a_model(rng), some_customers(rng, 12)
        counts = {name: shown(rng, name) for name in CREATIVES}

        told = pairs(model, customers, of_creatives(counts))

        rows: list[dict[str, float]] = []
        for person in customers.to_dict("records"):
            for name, own in counts.items():
                taste = T.taste_words(person["taste"], person["taste_rate"], name, [CREATIVES[name]])
                mine = [*person["words"], f"slot_id={person['slot_id']}", *taste]
                rows.append({**dict.fromkeys(mine, 1.0), **{word: count / 10 for word, count in own.items()}})
        expected = contributions(model, rows)
        assert_reasons_are_the_largest(told, expected, rows)
        log_odds = np.log(told["click_probability"] / (1 - told["click_probability"]))
        assert expected.sum(axis=1).to_numpy() == pytest.approx(log_odds - log_odds.mean())
        named |= set(told["reason_feature"])
    assert {*PERSON, "slot_id", "creative_id", "attributes.topic", T.MATCH, T.PAIR} <= named


@pytest.mark.parametrize("seed", range(4))
def test_of_strangers_by_creative_slot_and_region(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = a_model(rng)
    places = [(name, slot, region) for name in CREATIVES for slot in ("top", None) for region in ("N", "S")]
    counts = {place: {**shown(rng, place[0]), f"slot_id={place[1]}": 10, f"region={place[2]}": 10} for place in places}
    words = pd.DataFrame(
        [(*place, word, count) for place, own in counts.items() for word, count in own.items()],
        columns=[*KEY, "word", "count"],
    )

    told = contexts(model, words)

    keys = zip(told["creative_id"], told["slot_id"], told["region"], strict=True)
    rows = [{word: count / 10 for word, count in counts[key].items()} for key in keys]
    assert_reasons_are_the_largest(told, contributions(model, rows), rows)


def test_a_model_that_tells_nobody_apart_gives_no_reason() -> None:
    rng = np.random.default_rng(1)
    customers = some_customers(rng, 3)
    words = of_creatives({"A": shown(rng, "A")})

    told = pairs(base_rate_model(5, 100), customers, words)

    assert told["reason_feature"].tolist() == told["reason_value"].tolist() == [None] * 3
    assert told["reason_effect"].tolist() == [0.0] * 3
