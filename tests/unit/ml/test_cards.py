"""Model cards: what is declared of every task, and what a card tells of a training."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lakehouse.errors import LakehouseError
from lakehouse.settings import Settings, load_settings
from ml import cards
from ml.card_page import group_table, markdown
from ml.cards import Card, Facts, card_of, facts
from ml.curves import Point
from ml.fairness import Fairness, Gap, GroupMeasure
from ml.registry import Metric
from ml.tasks import TASKS

FAIRNESS = Fairness(
    [
        GroupMeasure("gender", "female", "base rate", 60, 70, 0.25, 0.2, 0.3),
        GroupMeasure("gender", "female", "auc", 60, 70),
        GroupMeasure("gender", "male", "base rate", 10, 11),
        GroupMeasure("gender", "male", "auc", 10, 11),
    ],
    [Gap("gender", "base rate", "female", "male", 0.1, 0.05, 0.15, 0.001)],
)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """A home whose one table was written twice."""
    settings = load_settings(home=tmp_path / "home")
    rows = pa.table(
        {
            "customer_id": ["a", "b", "a", None],
            "occurred_on": [date(2025, 1, 3), date(2025, 1, 1), date(2025, 2, 1), None],
            "gender": ["f", "m", "f", None],
        }
    )
    path = settings.table_path("gold", "feat_activity")
    write_deltalake(path, rows)
    write_deltalake(path, rows, mode="append")
    return settings


@pytest.mark.parametrize("name", TASKS)
def test_every_task_declares_its_use_and_its_limits(name: str) -> None:
    told = facts(name)
    assert told is not None, f"ml/{name}/card.yml is missing"
    for one in fields(Facts):
        if one.name != "limits":
            assert len(getattr(told, one.name)) > 30, f"{name}: {one.name}"
    assert len(told.limits) >= 3
    assert all(isinstance(limit, str) and limit.endswith(".") for limit in told.limits)


def test_a_card_tells_of_the_version_that_was_read(home: Settings) -> None:
    told = card_of(home, "churn", {"as_of": date(2025, 2, 1), "rows": 4}, {"gold.feat_activity": 0}, [], Fairness())
    assert told is not None
    (read,) = told.data
    assert (read.table, read.version, read.rows, read.customers) == ("gold.feat_activity", 0, 4, 2)
    assert (read.first_on, read.last_on, list(read.group_columns)) == ("2025-01-01", "2025-02-01", ["gender"])
    assert (told.as_of, told.settings) == ("2025-02-01", {"rows": "4"})
    later = card_of(home, "churn", {}, {"gold.feat_activity": 1}, [], Fairness())
    assert later is not None
    assert later.data[0].rows == 8


def test_a_card_reads_as_it_was_written(home: Settings) -> None:
    metrics = [Metric("auc", 0.7, "recency", 0.6, "later", 0.6, 0.8, 0.05, 0.15)]
    told = card_of(home, "churn", {}, {"gold.feat_activity": 0}, metrics, FAIRNESS, [Point("gains", 0.1, 0.3, 8)])
    assert told is not None
    again = Card.from_json(told.as_json())
    assert again.as_json() == told.as_json()
    assert again.fairness == FAIRNESS
    assert again.curves == [Point("gains", 0.1, 0.3, 8)]


def test_a_page_has_everything_that_its_card_has(home: Settings) -> None:
    metrics = [Metric("auc", 0.7, "recency", 0.6, "later", 0.6, 0.8, 0.05, 0.15), Metric("rows", 12.0, split="all")]
    told = card_of(home, "churn", {"penalty": 0.01}, {"gold.feat_activity": 0}, metrics, FAIRNESS)
    declared = facts("churn")
    assert told is not None
    assert declared is not None
    page = markdown(told, ["Version 3, the champion."])
    assert "Version 3, the champion." in page
    assert all(limit in page for limit in declared.limits)
    assert "| auc | 0.7 | 0.6 to 0.8 | recency | 0.6 | 0.05 to 0.15 | later |" in page
    assert "| rows | 12 |  |  |  |  | all |" in page
    assert "| penalty | 0.01 |" in page
    assert "tell gender, age or region: gold.feat_activity.gender." in page
    assert "| gender | base rate | female | male | 0.1 | 0.05 to 0.15 | 0.001 |" in page


def test_groups_that_are_too_few_say_so() -> None:
    names, rows = group_table(FAIRNESS)
    assert names == ("attribute", "group", "customers", "rows", "base rate", "auc")
    assert rows == [
        ("gender", "female", 60, 70, "0.25 (0.2 to 0.3)", "too few of an outcome"),
        ("gender", "male", 10, 11, "too few", "too few"),
    ]


def test_a_declaration_with_a_slip_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "ROOM", tmp_path)
    assert facts("churn") is None
    (tmp_path / "churn").mkdir()
    (tmp_path / "churn" / "card.yml").write_text("purpose: x\nlimit: y\n")
    with pytest.raises(LakehouseError, match=r"card\.yml: not a card"):
        facts("churn")


def test_a_group_that_was_measured_on_different_rows_has_a_row_for_each() -> None:
    measured = [
        GroupMeasure("region", "north", "women: auc", 60, 60, 0.75, 0.5, 1.0),
        GroupMeasure("region", "north", "women: base rate", 60, 60, 0.5, 0.25, 0.75),
        GroupMeasure("region", "north", "high spending: auc", 9, 9),
    ]
    names, told = group_table(Fairness(measured))
    assert names[4:] == ("women: auc", "women: base rate", "high spending: auc")
    assert told == [
        ("region", "north", 60, 60, "0.75 (0.5 to 1)", "0.5 (0.25 to 0.75)", ""),
        ("region", "north", 9, 9, "", "", "too few"),
    ]
