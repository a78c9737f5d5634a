"""Each dashboard opened in a real browser: logged in by the form, every chart has rows and is drawn, nothing failed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lakehouse.settings import CHECKOUT
from lakehouse.superset import read_assets
from tests.superset.servers import PYTHON

BROWSER = Path(__file__).with_name("browser.py")
DASHBOARDS = {str(one["slug"]): one for one in read_assets().of("dashboards")}
PICTURES = Path(os.environ.get("LAKEHOUSE_SUPERSET_PICTURES", CHECKOUT / "target" / "superset"))


@pytest.fixture(scope="module")
def seen(filled: tuple[str, Path]) -> dict[str, Any]:
    """What the browser saw on each dashboard; the pictures are kept for people."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    url, password_file = filled
    command = [str(PYTHON), str(BROWSER), url, str(password_file), str(PICTURES), *DASHBOARDS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("slug", DASHBOARDS)
def test_every_chart_of_a_dashboard_shows_data(seen: dict[str, Any], slug: str) -> None:
    placed = [one["meta"]["sliceName"] for one in DASHBOARDS[slug]["position"].values() if _is_chart(one)]
    charts = seen[slug]["charts"]
    assert seen[slug]["page"] == []
    assert sorted(charts) == sorted(placed)
    assert {title: chart for title, chart in charts.items() if chart["errors"]} == {}
    assert [title for title, chart in charts.items() if not chart["rows"]] == []
    assert [title for title, chart in charts.items() if not chart["drawn"]] == []
    assert (PICTURES / f"{slug}.png").stat().st_size > 20_000


def _is_chart(place: Any) -> bool:
    return isinstance(place, dict) and place.get("type") == "CHART"
