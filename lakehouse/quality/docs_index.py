"""The front page of Data Docs: every table with its verdict, in plain HTML that needs no network.

Great Expectations' own index is drawn by scripts from five hosts and is blank without them; its page for each table
reads well without, and is what this one links to.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LAYERS = ("ops", "bronze", "silver", "ml", "gold")
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem; }
th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid #ddd; vertical-align: top; }
td.count { text-align: right; white-space: nowrap; }
.good { color: #17692d; } .warn { color: #8a5a00; } .bad { color: #a61b1b; font-weight: 600; }
"""


@dataclass(frozen=True)
class Verdict:
    """The newest result of one table's suite."""

    table: str
    about: str
    page: str
    passed: int
    judged: int
    failed_errors: int
    run_id: str

    @property
    def layer(self) -> str:
        return self.table.split(".")[0]


def write_index(site: Path, results: Path) -> Path:
    """Write `site/index.html` over the results that Great Expectations keeps as JSON; returns it."""
    verdicts = sorted(_verdicts(site, results), key=lambda verdict: verdict.table)
    index = site / "index.html"
    index.write_text(render(verdicts), encoding="utf-8")
    return index


def render(verdicts: Sequence[Verdict]) -> str:
    """The page: a sum in one sentence, then a table for each layer."""
    judged, passed = sum(v.judged for v in verdicts), sum(v.passed for v in verdicts)
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Data Docs</title>",
        f"<style>{STYLE}</style><h1>Data Docs</h1>",
        f"<p>{passed:,} of {judged:,} rules passed on {len(verdicts)} tables. A rule of severity error that fails",
        "stops the run before readers see the table; a warning reports. A table's page has its rules, what each",
        "means when it fails, and the keys of rows that failed: never what a row says of a person.</p>",
    ]
    for layer in (*LAYERS, *sorted({v.layer for v in verdicts} - set(LAYERS))):
        rows = [_row(verdict) for verdict in verdicts if verdict.layer == layer]
        if rows:
            parts.append(f"<h2>{html.escape(layer)}</h2><table><tr><th>table<th>rules passed<th>what it is<th>run")
            parts += rows
            parts.append("</table>")
    return "\n".join(parts)


def _row(verdict: Verdict) -> str:
    kind = "good" if verdict.passed == verdict.judged else "bad" if verdict.failed_errors else "warn"
    told = {"good": "", "warn": " (warning)", "bad": f" ({verdict.failed_errors} error)"}[kind]
    return (
        f'<tr><td><a href="{html.escape(verdict.page)}">{html.escape(verdict.table)}</a>'
        f'<td class="count {kind}">{verdict.passed} of {verdict.judged}{told}'
        f"<td>{html.escape(verdict.about)}<td>{html.escape(verdict.run_id)}"
    )


def _verdicts(site: Path, results: Path) -> Iterator[Verdict]:
    for path in results.rglob("*.json"):
        told = json.loads(path.read_text(encoding="utf-8"))
        failed = [result for result in told["results"] if not result["success"]]
        yield Verdict(
            table=told["suite_name"],
            about=told["meta"].get("about", ""),
            page=(Path("validations") / path.relative_to(results).with_suffix(".html")).as_posix(),
            passed=told["statistics"]["successful_expectations"],
            judged=told["statistics"]["evaluated_expectations"],
            failed_errors=sum(result["expectation_config"].get("severity") == "critical" for result in failed),
            run_id=told["meta"]["run_id"]["run_name"],
        )
