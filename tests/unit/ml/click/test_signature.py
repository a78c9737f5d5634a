"""The registered click model says which columns it takes, and answers with them as without MLflow."""

from __future__ import annotations

from pathlib import Path

import mlflow.pyfunc
import pandas as pd
import pytest

from lakehouse.settings import load_settings
from ml import registry
from ml.click.model import SIGNATURE, ClickModel
from ml.click.tokens import words
from ml.store import open_store

MODEL = ClickModel(
    {"creative_id=A": 1.0, "attributes.topic=tea": 2.0, "prior_click_count=1": 0.5, "hour_of_day=21": 0.25},
    -3.0,
    1.0,
    0.0,
    0.05,
)
IMPRESSIONS = pd.DataFrame(
    {
        "customer_id": ["ann", None],
        "creative_id": ["A", "B"],
        "hour_of_day": [21.0, None],
        "prior_click_count": [1.0, None],
        "attributes": [{"topic": "tea"}, None],
    }
)


def test_a_registered_model_has_a_signature_and_takes_any_of_its_columns(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    version = registry.register(
        settings,
        registry.Training("click", "ml.click.model", MODEL.save, SIGNATURE, {}, {}, []),
    )
    found = mlflow.pyfunc.load_model(open_store(settings).get_model_version("click", version).source)
    told = found.metadata.signature.inputs
    assert told.input_names() == list(SIGNATURE)
    assert not any(column.required for column in told.inputs)
    answer = found.predict(IMPRESSIONS)["click_probability"]
    assert answer.tolist() == pytest.approx(MODEL.predict(IMPRESSIONS)["click_probability"].tolist())
    assert answer[0] == pytest.approx(1 / (1 + 2.718281828459045 ** -(-3.0 + 1.0 + 2.0 + 0.5 + 0.25)))
    assert found.predict(IMPRESSIONS[["creative_id"]])["click_probability"][0] == pytest.approx(0.1192, abs=1e-4)


def test_every_column_that_becomes_a_word_is_in_the_signature() -> None:
    row = {name: ("x" if kind == "string" else 1.0) for name, kind in SIGNATURE.items()}
    columns = {word.split("=")[0] for word in words({**row, "attributes": {"topic": "tea"}})}
    made_of_taste = {"category_match", "prior_top_category_x_creative"}
    of_words = set(SIGNATURE) - {"customer_id", "attributes", "prior_top_category", "prior_top_category_rate"}
    assert columns == of_words | made_of_taste | {"attributes.topic"}
