from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml.calibration import sigmoid
from ml.click.model import ClickModel, base_rate_model, load
from ml.click.score import contexts, pairs

MODEL = ClickModel(
    coefficients={
        "creative_id=A": 0.5,
        "creative_id=B": -0.5,
        "slot_id=top": 0.2,
        "slot_id=(rare)": -0.1,
        "hour_of_day=9": 0.4,
        "hour_of_day=21": 0.8,
        "gender=female": 0.3,
        "category_match=no": -0.2,
        "category_match=yes, 50-74% of views": 1.0,
    },
    intercept=-3.0,
    slope=0.9,
    offset=0.1,
    base_rate=0.05,
)
WORDS = pd.DataFrame(
    [
        ("A", "creative_id=A", 4),
        ("A", "hour_of_day=9", 1),
        ("A", "hour_of_day=21", 3),
        ("A", "attributes.topic=Beauty", 4),
        ("B", "creative_id=B", 2),
        ("B", "hour_of_day=9", 2),
        ("B", "attributes.topic=Food", 2),
    ],
    columns=["creative_id", "word", "count"],
)


def test_a_customer_and_a_creative_add_up_to_the_probability_worked_out_by_hand() -> None:
    customers = pd.DataFrame(
        {
            "customer_id": ["c1", "c2"],
            "words": [["gender=female"], ["gender=unknown"]],
            "slot_id": ["top", None],
            "taste": ["Beauty", None],
            "taste_rate": [0.6, np.nan],
        }
    )
    told = pd.DataFrame(pairs(MODEL, customers, WORDS))

    hours_of_a = (0.4 + 3 * 0.8) / 4
    logits = [
        -3 + 0.3 + 0.2 + 0.5 + hours_of_a + 1.0,  # c1 looks at Beauty in 60 % of views: A matches
        -3 + 0.3 + 0.2 - 0.5 + 0.4 - 0.2,  # B is about food
        -3 + 0.0 + 0.2 + 0.5 + hours_of_a,  # c2's taste and slot are unknown: the usual slot is taken
        -3 + 0.0 + 0.2 - 0.5 + 0.4,
    ]
    assert told["click_probability"].to_numpy() == pytest.approx(sigmoid(0.9 * np.array(logits) + 0.1))
    assert told[["customer_id", "creative_id", "slot_id"]].to_numpy().tolist() == [
        ["c1", "A", "top"],
        ["c1", "B", "top"],
        ["c2", "A", "top"],
        ["c2", "B", "top"],
    ]


def test_a_log_without_customers_is_scored_by_creative_slot_and_region() -> None:
    words = pd.DataFrame(
        [
            ("A", "top", "r1", "creative_id=A", 2),
            ("A", "top", "r1", "slot_id=top", 2),
            ("A", None, "r1", "creative_id=A", 1),
        ],
        columns=["creative_id", "slot_id", "region", "word", "count"],
    )
    told = pd.DataFrame(contexts(MODEL, words))
    assert told["customer_id"].tolist() == [None, None]
    assert told["slot_id"].tolist() == ["top", None]
    assert told["click_probability"].to_numpy() == pytest.approx(sigmoid(0.9 * np.array([-2.3, -2.5]) + 0.1))


def test_a_level_never_seen_takes_the_effect_of_its_columns_rare_ones() -> None:
    assert (MODEL.effect("slot_id=new"), MODEL.effect("weather=rain")) == (-0.1, 0.0)


def test_a_saved_model_predicts_plain_rows(tmp_path: Path) -> None:
    MODEL.save(tmp_path)
    told = load(tmp_path).predict(pd.DataFrame({"creative_id": ["A"], "slot_id": ["top"], "hour_of_day": [9]}))
    assert told["click_probability"][0] == pytest.approx(float(sigmoid(np.array(0.9 * (-3 + 0.5 + 0.2 + 0.4) + 0.1))))


def test_too_few_clicks_give_everybody_the_smoothed_base_rate() -> None:
    model = base_rate_model(3, 99)
    assert model.probability(model.log_odds([[], ["creative_id=A"]])) == pytest.approx([0.035, 0.035])
