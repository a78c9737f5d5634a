"""Two text models judged by the scores of the same later tickets."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from lakehouse.settings import load_settings
from ml.comparisons import Rivals, Twins
from ml.promotion import Judged
from ml.text import compare
from ml.text.features import Vocabulary
from ml.text.model import TextModel
from ml.text.mood import Mood

TODAY = date(2025, 3, 1)
DAYS = ("01-01", "01-02", "02-01", "02-02", "02-03")


def model(good: float) -> TextModel:
    """Log odds of praise: so many where `good` is said, the opposite where `bad` is."""
    known = Vocabulary(("bad", "good"), np.ones(2))
    return TextModel({"en": Mood(known, np.array([-good, good]), 0.0)}, {})


def judged(monkeypatch: pytest.MonkeyPatch, champion: TextModel, challenger: TextModel, until: str) -> Judged | str:
    tickets = pd.DataFrame(
        {
            "source": "crm",
            "ticket_id": ["1", "2", "3", "4", "5"],
            "text": ["good", "bad", "good", "bad", "buono"],
            "language": ["en", "en", "en", "en", "it"],
            "mood": [0.0, 1.0, 1.0, 0.0, 1.0],
            "opened_at": pd.to_datetime(
                ["2025-01-01", "2025-01-02", "2025-02-01", "2025-02-02", "2025-02-03"], utc=True
            ),
        }
    )
    monkeypatch.setattr(compare, "read_tickets", lambda settings: tickets)
    rivals = Rivals(None, load_settings(), TODAY, 7, "text", "2")  # type: ignore[arg-type]
    return compare.measure(rivals, Twins(champion, challenger, "2025-01-02T00:00:00+00:00", until))


def test_only_scored_tickets_after_both_cuts_in_a_known_language_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two of January speak for the other model, and are not asked; nobody knows Italian."""
    found = judged(monkeypatch, model(1.0), model(3.0), "2024-12-01T00:00:00+00:00")
    assert isinstance(found, Judged)
    assert found.champion == pytest.approx([np.log(1 + np.exp(-1))] * 2)
    assert found.challenger == pytest.approx([np.log(1 + np.exp(-3))] * 2)


def test_a_model_that_does_not_know_the_language_stands_for_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(monkeypatch, TextModel({}, {}), model(3.0), "2024-12-01T00:00:00+00:00")
    assert isinstance(found, Judged)
    assert found.champion == pytest.approx([np.log(2)] * 2)


def test_without_later_tickets_there_is_nothing_to_judge_by(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no scored ticket" in str(judged(monkeypatch, model(1.0), model(2.0), "2025-02-09T00:00:00+00:00"))
