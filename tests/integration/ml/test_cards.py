"""Cards of trained models: written with the training, told of the model that serves, fair or not."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lakehouse.cli import main
from lakehouse.engine import frames
from lakehouse.engine.sail import close_sail
from lakehouse.settings import Settings, load_settings
from ml import cards, champions, registry, tables
from ml.card_shelf import shelved
from ml.tasks import TASKS
from tests.integration.ml.gold_tables import AS_OF, write_shop

SEED = 7
TRAINED = ("segment", "click", "budget", "churn", "value")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A shop of whose customers every second is a woman, with models of most tasks."""
    close_sail()
    settings = load_settings(home=tmp_path_factory.mktemp("cards") / "home", spark_master="local[2]")
    write_shop(settings)
    customers = [f"C{number:03d}" for number in range(200)]
    people = {
        "source": ["shop"] * 200,
        "customer_id": customers,
        "gender": ["female", "male"] * 100,
        "birth_year": pa.array([1960 + number % 45 for number in range(200)], pa.int32()),
        "is_birth_year_imputed": [False] * 200,
        "region": ["Everywhere"] * 200,
    }
    write_deltalake(settings.table_path("silver", "customers"), pa.table(people))
    for task in TRAINED:
        train(settings, task)
    return settings


def train(settings: Settings, task: str) -> registry.Summary:
    return TASKS[task].train(frames(settings), settings, AS_OF, SEED)


def rows(settings: Settings, table: str, task: str) -> list[dict[str, Any]]:
    return [row for row in tables.read(settings, table).to_pylist() if row["task"] == task]


@pytest.mark.parametrize("task", ["segment", "click", "churn", "value"])
def test_the_metric_that_is_asked_for_first_has_an_interval(shop: Settings, task: str) -> None:
    (main_one,) = [row for row in rows(shop, "model_metrics", task) if row["metric"] == TASKS[task].metric]
    assert main_one["interval_low"] < main_one["value"] < main_one["interval_high"]
    assert main_one["lead_low"] <= main_one["value"] - main_one["baseline_value"] <= main_one["lead_high"]


def test_the_card_tells_what_the_tables_tell(shop: Settings) -> None:
    found = shelved(shop, "click")
    assert found is not None
    assert found.version == "1"
    assert found.standing == ["Version 1, the champion, which serves: the first model of the task."]
    told = {one["name"]: one["value"] for one in found.card.metrics}
    assert told == {row["metric"]: row["value"] for row in rows(shop, "model_metrics", "click")}
    groups, gaps = found.card.fairness.as_rows("click", "1")
    assert {row["group_name"] for row in groups if row["attribute"] == "gender"} == {"female", "male"}
    for table, expected in (("model_fairness", groups), ("model_fairness_gaps", gaps)):
        assert sorted(map(str, rows(shop, table, "click"))) == sorted(map(str, expected))
    assert next(read for read in found.card.data if read.table == "gold.feat_impressions").rows == 3000


def test_a_card_is_found_by_version_and_printed(
    shop: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*arguments: str) -> str:
        monkeypatch.setenv("LAKEHOUSE_HOME", str(shop.home))
        monkeypatch.setattr(sys, "argv", ["lakehouse", "models", "card", *arguments])
        assert main() == 0
        return capsys.readouterr().out

    assert json.loads(said("click", "--version", "1", "--json"))["task"] == "click"
    assert said("click").startswith("# Model card: click\n\nVersion 1, the champion")
    page = said("budget")
    assert "No model is registered" in page
    assert "there are no groups to compare" in page


def test_the_card_lies_beside_the_model_in_mlflow(shop: Settings) -> None:
    from ml.store import open_store

    client = open_store(shop)
    root = client.get_run(client.get_model_version("churn", "1").run_id).info.artifact_uri.removeprefix("file://")
    assert (Path(root) / cards.AS_MARKDOWN).read_text().startswith("# Model card: churn")
    assert cards.Card.from_json((Path(root) / cards.AS_JSON).read_text()) == cards.read(shop, "churn", "1")


def test_curves_of_chances_reach_their_ends_and_click_has_a_table_of_its_own(shop: Settings) -> None:
    gains = sorted((row["x"], row["y"]) for row in rows(shop, "model_curves", "churn") if row["curve"] == "gains")
    assert gains[0] == (0.0, 0.0)
    assert gains[-1] == pytest.approx((1.0, 1.0))
    assert rows(shop, "model_curves", "click") == []


def test_fairness_is_that_of_the_model_that_serves_whoever_made_it_serve(shop: Settings) -> None:
    def told_of() -> set[str]:
        TASKS["value"].score(frames(shop), shop, AS_OF, SEED)
        about = ("model_metrics", "model_fairness")
        return {row["model_version"] for table in about for row in rows(shop, table, "value")}

    assert TASKS["value"].train(frames(shop), shop, AS_OF + timedelta(days=1), SEED).is_challenger
    assert told_of() == {"1"}
    champions.promote(shop, "value", None)
    assert told_of() == {"2"}
    champions.rollback(shop, "value")
    assert told_of() == {"1"}
