"""Fixtures of the landing tests; none needs Spark."""

from __future__ import annotations

from pathlib import Path

import pytest
from landing_shop import Shop

from lakehouse.settings import Settings


@pytest.fixture
def shop(tmp_path: Path, home_settings: Settings) -> Shop:
    folder = tmp_path / "shop"
    folder.mkdir()
    return Shop(folder, home_settings)
