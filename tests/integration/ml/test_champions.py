"""Challengers and champions of a home: who is promoted, what a kill leaves, promotion and rollback by hand."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from lakehouse.engine import frames
from lakehouse.engine.sail import close_sail
from lakehouse.errors import InputError
from lakehouse.settings import Settings, load_settings
from ml import champions, registry, tables
from ml.registry import Summary
from ml.store import open_store
from ml.tasks import TASKS
from tests.integration.ml.gold_tables import AS_OF, TEXTS, write_gold, write_shop

SEED = 7
LATER = AS_OF + timedelta(days=40)


@pytest.fixture
def shop(tmp_path: Path) -> Settings:
    """A shop whose click model has been trained once."""
    close_sail()
    settings = load_settings(home=tmp_path / "home", spark_master="local[2]")
    write_shop(settings)
    assert not train(settings, "click").is_challenger
    return settings


def train(settings: Settings, task: str, as_of: date = AS_OF) -> Summary:
    return TASKS[task].train(frames(settings), settings, as_of, SEED)


def impressions(settings: Settings) -> pa.Table:
    return DeltaTable(settings.table_path("gold", "feat_impressions")).to_pyarrow_table()


def turn_tastes(settings: Settings) -> None:
    """Forty days on, people click on what is not their taste."""
    shown = impressions(settings)
    taste, topics = shown["prior_top_category"].to_pylist(), shown["attributes"].to_pylist()
    is_match = np.array([dict(topic)["topic"] == own for topic, own in zip(topics, taste)])
    clicked = np.random.default_rng(5).random(len(is_match)) < np.where(is_match, 0.02, 0.30)
    at = pc.add(shown["shown_at"], pa.scalar(timedelta(days=40)))
    turned = shown.set_column(shown.column_names.index("is_clicked"), "is_clicked", pa.array(clicked))
    write_gold(settings, "feat_impressions", turned.set_column(shown.column_names.index("shown_at"), "shown_at", at))


def comparisons(settings: Settings, *without: str) -> list[dict[str, Any]]:
    rows = tables.read(settings, "model_comparisons").to_pylist()
    return [{name: value for name, value in row.items() if name not in without} for row in rows]


def who(settings: Settings, task: str = "click") -> tuple[str | None, str | None]:
    of = champions.throne(settings, task)
    return tuple(None if one is None else one.version for one in (of.champion, of.challenger))  # type: ignore[return-value]


def told_version(settings: Settings) -> set[str]:
    return set(tables.read(settings, "model_metrics")["model_version"].to_pylist())


def test_a_model_that_is_not_better_stays_a_challenger_and_is_not_trained_again(shop: Settings) -> None:
    summary = train(shop, "click")  # the same rows again
    assert summary.is_challenger
    assert who(shop) == ("1", "2")
    (row,) = comparisons(shop)
    assert (row["champion_version"], row["challenger_version"], row["is_promoted"]) == ("1", "2", False)
    assert (row["difference"], row["interval_low"], row["interval_high"], row["unit_count"]) == (0.0, 0.0, 0.0, 600)
    assert "does not exceed the margin" in row["why"]
    assert TASKS["click"].refresh_reason(shop, AS_OF, SEED) == ""
    TASKS["click"].score(frames(shop), shop, AS_OF, SEED)
    assert told_version(shop) == {"1"}
    assert set(tables.read(shop, "click_coefficients")["model_version"].to_pylist()) == {"1"}


def test_a_model_that_is_better_on_later_rows_is_promoted_and_can_be_rolled_back(shop: Settings) -> None:
    turn_tastes(shop)
    summary = train(shop, "click", LATER)
    assert not summary.is_challenger
    assert who(shop) == ("2", None)
    assert told_version(shop) == {"2"}
    row = comparisons(shop)[-1]
    assert row["metric"] == "log_loss"
    assert row["challenger_value"] < row["champion_value"]
    assert row["margin"] < row["interval_low"] < row["difference"] < row["interval_high"]
    assert [(one["as_of_on"], one["is_promoted"]) for one in comparisons(shop)] == [(AS_OF, True), (LATER, True)]

    said: list[str] = []
    assert champions.rollback(shop, "click", lambda: said.append("before")) == "1"
    assert said == ["before"]
    assert who(shop) == ("1", "2")
    TASKS["click"].score(frames(shop), shop, LATER, SEED)
    assert set(tables.read(shop, "click_predictions")["model_version"].to_pylist()) == {"1"}
    assert told_version(shop) == {"1"}
    with pytest.raises(InputError, match="nothing to go back to"):
        champions.rollback(shop, "click", lambda: said.append("never"))

    assert champions.promote(shop, "click", None) == "2"
    assert who(shop) == ("2", None)
    with pytest.raises(InputError, match="is the champion already"):
        champions.promote(shop, "click", "2")
    with pytest.raises(InputError, match="no model version '9'"):
        champions.promote(shop, "click", "9", lambda: said.append("never"))
    assert said == ["before"]
    assert champions.throne(shop, "click").history == ("1", "2")


def test_a_killed_training_leads_to_the_champion_of_an_undisturbed_one(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*given: object) -> None:
        raise KeyboardInterrupt

    turn_tastes(shop)
    with monkeypatch.context() as killed:
        killed.setattr(champions, "mark_trained", die)
        with pytest.raises(KeyboardInterrupt):
            train(shop, "click", LATER)
    assert who(shop) == ("1", None)
    assert TASKS["click"].refresh_reason(shop, LATER, SEED) != ""  # the training was not finished
    half = comparisons(shop, "challenger_version")
    train(shop, "click", LATER)
    assert who(shop) == ("3", None)
    assert comparisons(shop, "challenger_version") == half
    assert champions.throne(shop, "click").history == ("1", "3")


def test_a_kill_between_the_mark_and_the_alias_is_made_good(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    turn_tastes(shop)
    with monkeypatch.context() as killed:
        killed.setattr(champions, "settle", lambda settings, task: None)
        train(shop, "click", LATER)
    assert who(shop) == ("1", None)
    assert TASKS["click"].refresh_reason(shop, LATER, SEED) == ""
    assert who(shop) == ("2", None)
    assert champions.throne(shop, "click").history == ("1", "2")


def test_a_champion_whose_columns_are_gone_is_replaced_with_that_reason(shop: Settings) -> None:
    write_gold(shop, "feat_impressions", impressions(shop).drop_columns(["region", "age_years"]))
    summary = train(shop, "click")
    assert not summary.is_challenger
    assert summary.why == (
        "features of the champion are gone or have another type: gold.feat_impressions.age_years, "
        "gold.feat_impressions.region"
    )


def test_a_champion_that_cannot_be_loaded_is_replaced_with_that_reason(shop: Settings) -> None:
    twin = registry.evidence(shop, "click", "1").twin
    assert twin is not None
    (twin / "click.json").write_text('{"weights": []}')  # what other code had written
    summary = train(shop, "click")
    assert not summary.is_challenger
    assert summary.why.startswith("the champion cannot be loaded any more (TypeError")
    assert who(shop) == ("2", None)


def test_segments_and_recommendations_are_compared_too(shop: Settings) -> None:
    for task in ("segment", "recommend"):
        assert not train(shop, task).is_challenger
        assert train(shop, task).is_challenger  # the same model again
    told = {one["task"]: one for one in comparisons(shop)}
    assert {task: one["metric"] for task, one in told.items()} == {
        "click": None,
        "segment": "cost",
        "recommend": "ndcg_at_10",
    }
    assert told["segment"]["why"] == "too few to judge by: 12 held-out customers, 30 are needed"
    assert told["recommend"]["difference"] == 0.0
    measured = {metric.name: metric.value for metric in registry.evidence(shop, "recommend", "1").metrics}
    # Every second customer judged the methods, the others chose; a challenger is judged by all.
    assert told["recommend"]["champion_value"] == pytest.approx(measured["ndcg_at_10"], abs=0.1)
    assert told["recommend"]["unit_count"] // 2 == measured["evaluated_customers"]


def test_value_churn_and_text_are_compared_too(shop: Settings) -> None:
    told = {}
    for task in ("value", "churn", "text"):
        first = train(shop, task)
        if first.model_version == registry.NO_MODEL:
            continue
        assert not first.is_challenger
        again = train(shop, task)  # the same model again
        assert again.is_challenger
        told[task] = {one["task"]: one for one in comparisons(shop)}[task]
    assert {task: one["metric"] for task, one in told.items()}.items() >= {
        "value": "orders_squared_error",
        "text": "mood_log_loss",
    }.items()
    assert {one["difference"] for one in told.values()} <= {0.0, None}


def test_a_planted_leaking_column_is_left_out_by_name(shop: Settings) -> None:
    shown = impressions(shop)
    honest = shown["attributes"].to_pylist()
    leaking = [
        [*pairs, ("landed", "yes" if is_clicked else "no")]
        for pairs, is_clicked in zip(honest, shown["is_clicked"].to_pylist())
    ]
    place = shown.column_names.index("attributes")
    write_gold(shop, "feat_impressions", shown.set_column(place, "attributes", pa.array(leaking, TEXTS)))
    summary = train(shop, "click")
    told = {metric.name: metric for metric in summary.metrics}
    assert summary.remark == "click: left out, as it alone tells who clicked: attributes.landed"
    assert told["leak_auc"].value == 1.0
    assert "attributes.landed" in told["leak_auc"].split
    assert told["auc"].value < 0.95  # with the column it would be 1
    client = open_store(shop)
    run = client.get_run(client.get_model_version("click", summary.model_version).run_id)
    assert run.data.params["left_out_columns"] == "attributes.landed"
    twin = registry.evidence(shop, "click", summary.model_version).twin
    assert twin is not None
    assert "landed" not in (twin / "click.json").read_text()
