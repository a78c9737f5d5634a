"""Two purchase models judged by what the same customers did after both cuts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from lakehouse.settings import load_settings
from ml.comparisons import Rivals, Twins
from ml.promotion import Judged
from ml.purchase import compare
from ml.purchase.features import PLAIN, Customers, names_of
from ml.purchase.fits import by_scikit_learn
from ml.purchase.model import PurchaseModel

TODAY = date(2025, 3, 1)
CUT = TODAY - timedelta(days=30)
LOOKBACK = 365
WHO = 400


def customers() -> tuple[Customers, np.ndarray]:
    """Those with a recent view buy, nine times in ten."""
    rng = np.random.default_rng(6)
    plain = np.round(rng.random((WHO, len(PLAIN))), 2).astype(np.float32).astype(np.float64)
    place = PLAIN.index("view_count_7d")
    bought = np.where(rng.random(WHO) < 0.9, plain[:, place] > 0.5, plain[:, place] <= 0.5).astype(np.float64)
    ids = np.array([f"C{number:03d}" for number in range(WHO)], dtype=object)
    return Customers(ids, plain, np.full(WHO, None, dtype=object)), bought


def judged(monkeypatch: pytest.MonkeyPatch, until: date) -> Any:
    """A champion that learnt from noise beside one that learnt what matters."""
    known, bought = customers()
    rows = known.matrix([], LOOKBACK)
    assert rows.shape[1] == len(names_of([], LOOKBACK))
    noise = np.random.default_rng(8).permutation(bought)
    twins = [PurchaseModel(by_scikit_learn(rows, label, 1), [], LOOKBACK) for label in (noise, bought)]
    monkeypatch.setattr(compare, "read_happenings", lambda settings: None)
    monkeypatch.setattr(compare, "outcomes", lambda activity, as_of, cut: [bought > 0])
    monkeypatch.setattr(compare, "customers_at", lambda activity, cut, lookback: known)
    rivals = Rivals(None, load_settings(), TODAY, 7, "purchase", "2")  # type: ignore[arg-type]
    return compare.measure(rivals, Twins(*twins, str(CUT - timedelta(days=40)), str(until)))


def test_the_forest_that_learnt_what_matters_says_more(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(monkeypatch, CUT)
    assert isinstance(found, Judged)
    assert (found.metric, found.direction, len(found.champion)) == ("log_loss", "lower", WHO)
    assert found.challenger.mean() < 0.5 < found.champion.mean() < np.log(2) + 0.05


def test_with_fewer_than_thirty_days_after_the_cuts_there_is_nothing_to_judge_by(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "too few" in judged(monkeypatch, CUT + timedelta(days=1))
