"""A column that alone tells the label is found by name."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ml.leakage import TELLS_ALL, Level, area, leaks, metrics


def levels_of(column: np.ndarray, label: np.ndarray, is_later: np.ndarray) -> list[Level]:
    def count(level: object, value: int, later: bool) -> float:
        return float(((column == level) & (label == value) & (is_later == later)).sum())

    return [
        Level(*[count(level, value, later) for later in (False, True) for value in (1, 0)])
        for level in np.unique(column)
    ]


@pytest.fixture
def rows() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(6)
    label = (draw.random(4000) < 0.1).astype(int)
    good = np.where(draw.random(4000) < 0.3, label + 5, draw.integers(0, 5, 4000))
    return {
        "label": label,
        "is_later": np.arange(4000) >= 3000,
        "chance": draw.integers(0, 9, 4000),
        "good": good,
        "leak": np.where(draw.random(4000) < 0.0005, 1 - label, label),  # wrong once in 2,000 rows
    }


@pytest.mark.parametrize("name", ["chance", "good", "leak"])
def test_the_area_is_scikit_learns_for_the_rate_of_each_level(rows: dict[str, np.ndarray], name: str) -> None:
    column, label, is_later = rows[name], rows["label"], rows["is_later"]
    rate = {
        level: (label[~is_later & (column == level)].sum() + 0.5) / ((~is_later & (column == level)).sum() + 1.0)
        for level in np.unique(column)
    }
    theirs = roc_auc_score(label[is_later], [rate[level] for level in column[is_later]])
    assert area(levels_of(column, label, is_later)) == pytest.approx(theirs, abs=1e-12)


def test_only_the_planted_column_leaks_and_the_report_names_it(rows: dict[str, np.ndarray]) -> None:
    columns = {name: levels_of(rows[name], rows["label"], rows["is_later"]) for name in ("chance", "good", "leak")}
    found = leaks(columns)
    assert list(found) == ["leak"]
    (told,) = metrics(found)
    assert (told.name, told.baseline_value) == ("leak_auc", TELLS_ALL)
    assert told.value > TELLS_ALL
    assert told.split == "left out: column leak alone tells the label"


def test_a_few_rows_are_no_proof() -> None:
    assert area([Level(50, 0, 19, 0), Level(0, 50, 0, 50)]) == 0.5
    assert area([Level(50, 0, 20, 0), Level(0, 50, 0, 50)]) == 1.0


def test_a_column_that_tells_the_opposite_later_is_not_taken_for_honest() -> None:
    assert area([Level(50, 0, 0, 50), Level(0, 50, 50, 0)]) == 0.0
