"""Two click models on the same impressions: each row's probability is the one that serving gives."""

from __future__ import annotations

import pyarrow as pa
import pytest

from ml.click.compare import _probability
from ml.click.model import ClickModel

MODEL = ClickModel({"a=1": 0.5, "a=(rare)": -0.25, "b=x": 1.0}, -2.0, slope=1.5, offset=0.1, base_rate=0.1)


def test_probabilities_of_word_lists_are_those_of_the_served_model() -> None:
    rows = [["a=1", "b=x"], ["a=7"], [], ["b=x", "b=x"], ["c=unknown", "a=1"]]
    found = _probability(MODEL, pa.array(rows, pa.list_(pa.string())))
    assert found == pytest.approx(MODEL.probability(MODEL.log_odds(rows)), abs=1e-12)
    assert found[3] < found[0]  # a word that comes twice counts once


def test_a_slice_of_a_longer_array_is_read_from_its_own_place() -> None:
    rows = pa.array([["a=1"], ["b=x"], ["a=7"]], pa.list_(pa.string()))
    assert _probability(MODEL, rows.slice(1)).tolist() == _probability(MODEL, rows).tolist()[1:]
