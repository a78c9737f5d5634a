"""Two value models judged by the purchases of the same customers."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lakehouse.settings import load_settings
from ml.comparisons import Rivals, Twins
from ml.promotion import Judged
from ml.value import compare
from ml.value.bgnbd import BgNbd
from ml.value.model import ValueModel

TODAY = date(2025, 1, 1)
NOTHING = np.zeros((4, 4))


def model(alpha: float) -> ValueModel:
    """Everybody buys at (2 + x) / (alpha + T) a day and nobody leaves."""
    return ValueModel(BgNbd(2.0, alpha, 1e-9, 1.0), None, 10.0, NOTHING, None)


def judged(monkeypatch: pytest.MonkeyPatch, champion: ValueModel, challenger: ValueModel, until: str) -> Any:
    asked: list[date] = []
    split = pd.DataFrame(
        {
            "order_day_count": [5.0, 1.0],
            "tenure_days": [100.0, 50.0],
            "recency_days": [10.0, 50.0],
            "repeat_net_amount": [40.0, 0.0],
            "later_day_count": [3.0, 1.0],
        }
    )

    def read(spark: object, cut: date) -> pd.DataFrame:
        asked.append(cut)
        return split

    monkeypatch.setattr(compare, "read_split", read)
    monkeypatch.setattr(compare, "read_repeat_days", lambda settings, until: np.zeros(0, dtype=np.int64))
    rivals = Rivals(None, load_settings(), TODAY, 7, "value", "2")  # type: ignore[arg-type]
    found = compare.measure(rivals, Twins(champion, challenger, "2024-09-01", until))
    return found, asked


def test_the_error_is_that_of_the_days_after_the_later_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """61 days: at (2 + 4) / (20 + 100) a day 3.05, at 2 / (20 + 50) 1.74; with alpha 50 at 6 / 150 and 2 / 100."""
    found, asked = judged(monkeypatch, model(20.0), model(50.0), "2024-11-01")
    assert asked == [date(2024, 11, 1)]
    assert isinstance(found, Judged)
    assert (found.metric, found.direction) == ("orders_squared_error", "lower")
    assert found.champion == pytest.approx([(61 * 6 / 120 - 3) ** 2, (61 * 2 / 70 - 1) ** 2], rel=1e-4)
    assert found.challenger == pytest.approx([(61 * 6 / 150 - 3) ** 2, (61 * 2 / 100 - 1) ** 2], rel=1e-4)


def test_without_a_later_day_there_is_nothing_to_judge_by(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(monkeypatch, model(20.0), model(30.0), "2025-01-01")[0].startswith("no day is later")
