"""The example source files, landed from the real data where the machine has it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from lakehouse.bronze import land
from lakehouse.quality.measures import drift
from lakehouse.settings import CHECKOUT, Settings, load_settings
from lakehouse.sources import load_source

DATA = load_settings().data_dir
ROWS = {
    "online_retail": {"order_lines": 209_029},
    "movielens": {"ratings": 100_004, "products": 100_004},
    "ipinyou": {"impressions": 26_773},
    "complete_journey": {
        "products": 92_331,
        "order_lines": 75_000,
        "customers": 75_000 + 801,
        "campaigns": 27,
        "sends": 6_589 + 2_102,
    },
}
"""Rows as the data's README states them."""


@pytest.mark.parametrize("name", ROWS)
def test_an_example_lands_every_line(name: str, home_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    if not DATA.is_dir():
        pytest.skip(f"no real data in {DATA} (set LAKEHOUSE_DATA_DIR)")
    from datetime import datetime, timezone

    monkeypatch.setenv("LAKEHOUSE_DATA_DIR", str(DATA))
    source = load_source(CHECKOUT / "examples" / f"{name}.yml")
    loads = land(home_settings, [source], "run", datetime(2025, 1, 1, tzinfo=timezone.utc))
    landed: dict[str, int] = {}
    for load in loads:
        lines = gzip.decompress((source.folder / load.file).read_bytes()).count(b"\n") - 1
        assert (load.rows_read, load.rows_quarantined) == (lines, 0)
        landed[load.entity] = landed.get(load.entity, 0) + load.rows_landed
    assert landed == ROWS[name]
    assert drift(home_settings).to_pylist() == []  # no false alarm


def test_every_example_begins_with_a_sentence_and_has_no_path_of_a_machine() -> None:
    examples = sorted(Path(CHECKOUT / "examples").glob("*.yml"))
    assert {path.stem for path in examples} >= ROWS.keys()
    for path in examples:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# ")
        assert "/work/" not in text
        assert "/home/" not in text
