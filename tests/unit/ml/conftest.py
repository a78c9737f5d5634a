from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.engine.sail import close_sail
from lakehouse.settings import Settings, load_settings
from ml import registry


@pytest.fixture
def settings(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """An empty home in which the fixture `model` of a test's own is the champion of every task."""
    monkeypatch.setattr(registry, "champion", lambda settings, task: ("1", model))
    yield load_settings(home=tmp_path / "home")
    close_sail()
