"""`lakehouse report` of a run: its numbers are those of the tables, and a browser shows it without a complaint."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from datetime import datetime, timezone
from html import unescape
from pathlib import Path

import pytest
from deltalake import DeltaTable

from lakehouse.report import write_report
from lakehouse.report.sections import SECTIONS
from tests.integration.conftest import Shop

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def report(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    path = tmp_path_factory.mktemp("report") / "report.html"
    return path, write_report(shop.settings, path, datetime(2026, 1, 1, tzinfo=timezone.utc))


def test_every_exhibit_of_the_shop_is_filled(report: tuple[Path, list[str]]) -> None:
    assert report[1] == []
    text = report[0].read_text()
    assert text.count("<h3>") == sum(len(section.exhibits) for section in SECTIONS)
    assert text.count('src="data:image/svg+xml;base64,') == sum(
        exhibit.draw is not None for section in SECTIONS for exhibit in section.exhibits
    )


def test_nothing_is_fetched(report: tuple[Path, list[str]]) -> None:
    text = report[0].read_text()
    assert re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', text) == []
    assert "url(" not in text


def test_the_numbers_are_those_of_the_tables(shop: Shop, report: tuple[Path, list[str]]) -> None:
    funnel = DeltaTable(shop.settings.table_path("gold", "fct_funnel")).to_pandas()
    text = report[0].read_text()
    for name, column in (("1 sessions", "session_count"), ("5 purchase", "purchase_session_count")):
        assert f'<td>{name}</td><td class="number">{funnel[column].sum():,}</td>' in text


def test_each_command_is_the_query_of_its_exhibit(report: tuple[Path, list[str]]) -> None:
    commands = [shlex.split(unescape(one)) for one in re.findall(r"<code>(.*?)</code>", report[0].read_text())]
    assert commands == [["lakehouse", "sql", one.sql] for section in SECTIONS for one in section.exhibits]


@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_it_without_a_complaint(report: tuple[Path, list[str]], tmp_path: Path, width: int) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser: one of {', '.join(BROWSERS)}")
    picture = tmp_path / "report.png"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--window-size={width},2000"]
    said = subprocess.run(
        [browser, *options, f"--screenshot={picture}", f"--user-data-dir={tmp_path / 'profile'}", report[0].as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    ).stderr
    assert "CONSOLE" not in said, said
    assert picture.stat().st_size > 30_000
