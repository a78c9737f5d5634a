"""Opens dashboards of a Superset in Chromium, as a person would, and tells what each chart shows.

    python browser.py URL PASSWORD_FILE FOLDER SLUG…

Runs in Superset's environment (playwright lives there). Prints JSON: slug -> {"page": sentences of errors on the page,
"charts": {title: {"rows": rows of its answers, "errors": […], "drawn": whether there is a picture, figure or table}}}.
A picture of each whole dashboard is left in FOLDER as SLUG.png.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Response, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PATIENCE_MS = 180_000
WIDTH = 1600
CHART = "[data-test='dashboard-component-chart-holder']"
LOADING = f"{CHART} [data-test='loading-indicator'], {CHART} .loading"
DRAWN = "canvas, table tbody tr, .header-line, [data-test='big-number-header']"
ERRORS = ".ant-alert-error, [data-test='alert-error'], .ant-toast-error, [role='alert'].alert-danger"
EMPTY = ("No results were returned", "No data", "Unexpected error", "There was an issue")


def main() -> None:
    url, password_file, folder, *slugs = sys.argv[1:]
    password = Path(password_file).read_text(encoding="utf-8").strip()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        page = browser.new_page(viewport={"width": WIDTH, "height": 1200})
        page.set_default_timeout(PATIENCE_MS)
        log_in(page, url, password)
        print(json.dumps({slug: looked_at(page, url, slug, Path(folder)) for slug in slugs}, ensure_ascii=False))
        browser.close()


def log_in(page: Page, url: str, password: str) -> None:
    """By the form, as the administrator."""
    page.goto(f"{url}/login/")
    page.fill("#username, input[name='username']", "admin")
    page.fill("#password, input[name='password']", password)
    page.click("[data-test='login-button'], button[type='submit'], input[type='submit']")
    page.wait_for_url(lambda address: "/login" not in address)


def looked_at(page: Page, url: str, slug: str, folder: Path) -> dict[str, Any]:
    """Open a dashboard, wait for every chart, leave its picture."""
    answers: dict[int, list[dict[str, Any]]] = {}

    def heard(response: Response) -> None:
        if "/api/v1/chart/data" not in response.url:
            return
        asked = json.loads(parse_qs(urlsplit(response.url).query).get("form_data", ["{}"])[0])
        if "slice_id" in asked:  # others are the values of a filter
            answers.setdefault(int(asked["slice_id"]), []).append(content(response))

    page.on("response", heard)
    page.set_viewport_size({"width": WIDTH, "height": 1000})
    page.goto(f"{url}/superset/dashboard/{slug}/")
    page.wait_for_selector(CHART)
    for _ in range(2):  # all of the page in view: a chart is asked for when it comes into view
        bottom = page.evaluate(
            f'() => Math.max(...[...document.querySelectorAll("{CHART}")].map(e => e.getBoundingClientRect().bottom))'
        )
        page.set_viewport_size({"width": WIDTH, "height": int(bottom) + 40})
        page.wait_for_timeout(1500)
        page.wait_for_function(
            "([chart, loading]) => document.querySelectorAll(chart).length && !document.querySelector(loading)",
            arg=[CHART, LOADING],
        )
    page.wait_for_timeout(2500)  # the drawing moves for a second
    page.screenshot(path=str(folder / f"{slug}.png"))
    seen = {}
    for holder in page.query_selector_all(CHART):
        title = (holder.query_selector("[data-test='editable-title'], .header-title") or holder).inner_text().strip()
        body = holder.inner_text()
        number = next((int(part) for part in chart_numbers(holder)), -1)
        told = answers.get(number, [])
        errors = [said for answer in told for said in answer["errors"]]
        errors += [error.inner_text() for error in holder.query_selector_all(ERRORS)]
        errors += [word for word in EMPTY if word in body]
        seen[title.splitlines()[0] if title else str(number)] = {
            "rows": min((answer["rows"] for answer in told), default=0),
            "seconds": max((answer["seconds"] for answer in told), default=0),
            "errors": errors,
            "drawn": holder.query_selector(DRAWN) is not None,
        }
    page.remove_listener("response", heard)
    return {"page": [error.inner_text() for error in page.query_selector_all(ERRORS)], "charts": seen}


def chart_numbers(holder: Any) -> list[str]:
    """The chart's number, which the page writes into an id of the chart's box."""
    found: list[str] = holder.evaluate(
        """box => [...box.querySelectorAll('*'), box]
            .flatMap(part => [part.id, part.dataset.testChartId, part.dataset.chartId])
            .map(text => ((text || '').match(/^(?:chart-id-|slice-container-)?(\\d+)$/) || [])[1])
            .filter(Boolean)"""
    )
    return found


def content(response: Response) -> dict[str, Any]:
    """Rows, seconds and errors of an answer to a chart."""
    timing = response.request.timing
    seconds = max(timing["responseStart"], 0) / 1000
    try:
        told = response.json()
    except Exception as error:
        return {"rows": 0, "seconds": seconds, "errors": [f"status {response.status}: {error}"]}
    if not response.ok:
        return {"rows": 0, "seconds": seconds, "errors": [json.dumps(told)[:500]]}
    results = told.get("result", [])
    return {
        "rows": min((one.get("rowcount") or 0 for one in results), default=0),
        "seconds": seconds,
        "errors": [one["error"] for one in results if one.get("error")],
    }


if __name__ == "__main__":
    main()
