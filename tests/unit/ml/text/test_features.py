from __future__ import annotations

import math
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lakehouse.settings import load_settings
from ml.text.features import read_tickets, vocabulary


def test_a_token_of_one_writer_is_not_remembered_however_often_they_use_it() -> None:
    texts = [["late", "zhang"], ["late", "zhang"], ["late"], ["kind"]]
    assert vocabulary(texts, ["a", "a", "b", "c"], least_writers=2).tokens == ("late",)
    assert vocabulary(texts, ["a", "d", "b", "c"], least_writers=2).tokens == ("late", "zhang")


def test_a_token_of_too_many_texts_is_left_out() -> None:
    texts = [["hello", "late"], ["hello"], ["hello", "late"], ["late"]]
    assert vocabulary(texts, list("abcd"), least_writers=1, most_share=0.75).tokens == ("hello", "late")
    assert vocabulary(texts, list("abcd"), least_writers=1, most_share=0.5).tokens == ()


def test_a_row_is_the_rarity_of_its_tokens_at_length_one() -> None:
    known = vocabulary([["a", "b"], ["a"], ["c"]], ["x", "y", "z"], least_writers=1)
    a, b = math.log(4 / 3), math.log(4 / 2)
    row = known.matrix([["b", "a", "a", "unheard"], []]).toarray()
    assert row[0] == pytest.approx(np.array([a, b, 0.0]) / math.hypot(a, b))
    assert row[1].tolist() == [0.0, 0.0, 0.0]


def test_nothing_to_learn_a_vocabulary_from() -> None:
    assert vocabulary([], [], 1).matrix([["a"]]).shape == (1, 0)
    assert vocabulary([[], []], ["a", "b"], 1).tokens == ()


def test_a_score_is_a_share_of_its_sources_scale(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    rows = [("s", "3", 5.0), ("s", "1", 1.0), ("s", "2", 2.0), ("s", "4", None), ("t", "1", 70.0), ("t", "2", 70.0)]
    table = pa.table(
        {
            "source": [row[0] for row in rows],
            "ticket_id": [row[1] for row in rows],
            "customer_id": ["ann", None, "ann", "bob", None, None],
            "subject": ["Late", None, None, None, "x", "x"],
            "body": ["Where is the parcel?", "的确太慢了", None, None, "y", "y"],
            "satisfaction": [row[2] for row in rows],
            "opened_at": pa.array([datetime(2024, 6, 1, tzinfo=timezone.utc)] * 6, pa.timestamp("us", tz="UTC")),
        }
    )
    write_deltalake(settings.table_path("gold", "feat_ticket_text"), table)

    told = read_tickets(settings)

    assert told["ticket_id"].tolist() == ["1", "2", "3", "4", "1", "2"]
    assert told["mood"].fillna(-1).tolist() == [0.0, 0.25, 1.0, -1, -1, -1]  # a source of one score has no scale
    assert told["text"].tolist()[:3] == ["的确太慢了", "", "Late\nWhere is the parcel?"]
    assert told["language"].tolist()[:3] == ["zh", "unknown", "en"]
    assert told["writer"].tolist()[:2] == ["ticket s 1", "ann"]


def test_a_home_without_tickets_has_none(tmp_path: Path) -> None:
    assert read_tickets(load_settings(home=tmp_path)).empty
