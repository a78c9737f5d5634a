"""Tickets that the model read before keep what was told of them, and only those whose words are as they were."""

from __future__ import annotations

from datetime import date, datetime, timezone
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from lakehouse.engine import frames
from lakehouse.settings import Settings, load_settings
from ml import tables
from ml.text import score as scoring
from ml.text.model import TextModel
from tests.unit.ml.text.test_model import small_model

AS_OF = date(2025, 6, 30)
FIRST = {"1": "It is good", "2": "Is the refund late?", "3": "It is bad", "4": ""}
LATER = {"1": "It is good", "2": "Is the parcel late?", "4": "", "5": "It is the refund"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    small_model().save(folder)
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that the model has read."""
    texts: list[str] = []
    told = TextModel.told

    def noted(self: TextModel, some: list[str], languages: list[str]) -> object:
        texts.extend(some)
        return told(self, some, languages)

    monkeypatch.setattr(TextModel, "told", noted)
    return texts


def write_tickets(settings: Settings, texts: dict[str, str]) -> None:
    """As features are made anew: the whole table replaced."""
    opened = datetime(2025, 6, 1, tzinfo=timezone.utc)
    table = pa.table(
        {
            "source": ["s"] * len(texts),
            "ticket_id": list(texts),
            "customer_id": pa.array(["ann"] * len(texts), pa.string()),
            "subject": pa.nulls(len(texts), pa.string()),
            "body": list(texts.values()),
            "satisfaction": pa.nulls(len(texts), pa.float64()),
            "opened_at": pa.array([opened] * len(texts), pa.timestamp("us", tz="UTC")),
        }
    )
    write_deltalake(settings.table_path("gold", "feat_ticket_text"), table, mode="overwrite")


def score(settings: Settings) -> pa.Table:
    done = scoring.score(frames(settings), settings, AS_OF, 7)
    told = tables.read(settings, "ticket_texts")
    assert done.rows == len(told)
    return told


def afresh(settings: Settings, tmp_path: Path, texts: dict[str, str]) -> pa.Table:
    """What a home that was never scored tells."""
    other = load_settings(home=tmp_path / "other")
    write_tickets(other, texts)
    return score(other)


def test_only_tickets_that_are_new_or_changed_are_read(settings: Settings, read: list[str], tmp_path: Path) -> None:
    write_tickets(settings, FIRST)
    score(settings)
    assert read == list(FIRST.values())
    read.clear()
    write_tickets(settings, {**FIRST, "6": "It is late"})  # a run that was killed before it scored
    write_tickets(settings, LATER)
    told = score(settings)
    assert read == ["Is the parcel late?", "It is the refund"]
    assert told["ticket_id"].to_pylist() == ["1", "2", "4", "5"]  # the third is gone for good
    assert told.equals(afresh(settings, tmp_path, LATER))
    assert told["topic"].to_pylist()[1] != "unknown"


def test_nothing_is_read_where_nothing_changed_even_after_the_tables_files_were_put_together(
    settings: Settings, read: list[str]
) -> None:
    write_tickets(settings, FIRST)
    before = score(settings)
    DeltaTable(settings.table_path("ml", "ticket_texts")).optimize.compact()
    read.clear()
    assert score(settings).equals(before)
    assert read == []


def test_all_are_read_by_another_model(settings: Settings, read: list[str], model: Path) -> None:
    write_tickets(settings, FIRST)
    score(settings)
    TextModel({}, small_model().topics).save(model)
    read.clear()
    assert score(settings)["sentiment"].null_count == len(FIRST)
    assert read == list(FIRST.values())


def test_all_are_read_where_the_words_of_then_were_erased(settings: Settings, read: list[str]) -> None:
    write_tickets(settings, FIRST)
    before = score(settings)
    write_tickets(settings, FIRST)
    DeltaTable(settings.table_path("gold", "feat_ticket_text")).vacuum(
        0, dry_run=False, enforce_retention_duration=False
    )
    read.clear()
    assert score(settings).equals(before)
    assert read == list(FIRST.values())


def test_all_are_read_where_somebody_else_changed_what_was_told(settings: Settings, read: list[str]) -> None:
    write_tickets(settings, FIRST)
    before = score(settings)
    DeltaTable(settings.table_path("ml", "ticket_texts")).update({"topic": "'another'"}, predicate="ticket_id = '1'")
    read.clear()
    assert score(settings).equals(before)
    assert read == list(FIRST.values())


def test_what_is_kept_for_it_holds_no_text(settings: Settings) -> None:
    write_tickets(settings, FIRST)
    score(settings)
    (commit,) = DeltaTable(settings.table_path("ml", "ticket_texts")).history(1)
    assert all("refund" not in str(value) and "good" not in str(value) for value in commit.values())
