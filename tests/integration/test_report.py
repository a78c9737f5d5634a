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
from ml import tables
from ml.card_page import number
from ml.cards import facts
from ml.tasks import TASKS
from tests.integration.conftest import Shop

TOO_FEW = "Fairness: By region"
"""Of 300 customers no region has the fifty that a group needs."""
EXHIBITS = {f"{section.title}: {one.title}": one for section in SECTIONS for one in section.exhibits}
SHOWN = [one for title, one in EXHIBITS.items() if title != TOO_FEW]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def report(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    path = tmp_path_factory.mktemp("report") / "report.html"
    return path, write_report(shop.settings, path, datetime(2026, 1, 1, tzinfo=timezone.utc))


def test_every_exhibit_of_the_shop_is_filled(report: tuple[Path, list[str]]) -> None:
    assert report[1] == [TOO_FEW]
    text = report[0].read_text()
    assert text.count("<h3>") == len(EXHIBITS)
    assert text.count('src="data:image/svg+xml;base64,') == sum(exhibit.draw is not None for exhibit in SHOWN)


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
    assert commands == [
        *(["lakehouse", "sql", one.sql] for one in SHOWN),
        *(["lakehouse", "models", "card", task] for task in TASKS),
    ]


@pytest.mark.parametrize("name", TASKS)
def test_each_card_has_the_measures_and_the_limits_of_the_model_that_serves(
    shop: Shop, report: tuple[Path, list[str]], name: str
) -> None:
    text = unescape(report[0].read_text().replace("<wbr>", ""))
    card = re.search(f'<details class="card" id="card-{name}">(.*?)</details>', text, re.S)
    assert card is not None
    declared = facts(name)
    assert declared is not None
    assert all(f"<li>{limit}</li>" in card[1] for limit in declared.limits)
    metrics = tables.read(shop.settings, "model_metrics").to_pandas().query("task == @name")
    assert len(metrics) > 0
    for row in metrics.itertuples():
        assert f"<td>{row.metric}</td><td>{number(row.value)}</td>" in card[1]


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_but_tables_and_commands_is_wider_than_the_page(
    report: tuple[Path, list[str]], tmp_path: Path, width: int
) -> None:
    """Measured by a script that only this copy has, with every table unfolded, in a frame as wide as a phone's page."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser: one of {', '.join(BROWSERS)}")
    unfolded = report[0].read_text().replace("<details", "<details open")
    told = "<script>document.title = 'wide ' + document.documentElement.scrollWidth</script>"
    (tmp_path / "page.html").write_text(unfolded.replace("</body>", f"{told}</body>"), encoding="utf-8")
    ask = "<script>onload = () => document.title = frames[0].document.title</script>"
    frame = f'<iframe src="page.html" style="width:{width}px;height:900px;border:0" scrolling="no"></iframe>'
    (tmp_path / "frame.html").write_text(f"<!doctype html><body>{frame}{ask}</body>", encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--dump-dom"]
    shown = subprocess.run(
        [browser, *options, f"--user-data-dir={tmp_path / 'profile'}", (tmp_path / "frame.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout
    assert f"<title>wide {width}</title>" in shown


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
