"""A certificate of erasure as a page: for the person who asked, the officer who signs, and the auditor who checks."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from lakehouse.privacy.pages import facts, listed, page, table

MOST_NAMED = 20


def certificate_page(told: Mapping[str, Any]) -> str:
    """The page of a certificate, from its JSON."""
    persons, places = told["persons"], told["places"]
    others = len(told["subjects"]) - persons
    rows = [
        (one["place"], *(one[what] for what in ("removed", "detached", "hidden", "versions", "files")))
        for one in places
    ]
    total = ("together", *(sum(row[place] for row in rows) for place in range(1, 6)))
    who = "one person" if persons == 1 else f"{persons:,} persons"
    body = [
        f"<h1>Certificate of erasure</h1><p class='lead'>Of {who}, by pseudonym. What was held of them was removed as "
        "below, and searched for in every place afterwards: nothing was found.</p>",
        facts(
            [
                ("certificate", told["certificate"]),
                ("asked for", f"{_time(told['begun_at'])}, by {told['by']}"),
                ("why", told["reason"]),
                ("finished", _time(told["ended_at"])),
                ("keys destroyed", f"{told['keys_destroyed']:,}"),
                *(
                    [
                        (
                            "also",
                            "one profile or membership with their phone or e-mail"
                            if others == 1
                            else f"{others:,} profiles or memberships with their phone or e-mail",
                        )
                    ]
                    if others
                    else []
                ),
                (
                    "searched",
                    f"{told['checked']['tables']:,} tables with all their files, {told['checked']['files']:,} files",
                ),
            ]
        ),
        "<h2>Tables</h2><p>Rows <em>removed</em> are gone. Rows <em>without person</em> stay for the books, with no "
        "key of anybody. In rows of <em>others</em>, words that named the person became ***. Of each table listed, "
        "every older <em>version</em>, change feed and entry of the log was removed with the <em>files</em> that only "
        "these needed.</p>",
        table(
            ("table", "removed", "without person", "of others", "versions removed", "files removed"),
            rows,
            total if len(rows) > 1 else (),
        ),
        "<h2>Files</h2>" + _files(told),
        "<h2>Models</h2>" + _models(told),
        "<h2>Beyond our reach</h2>" + _elsewhere(told),
        "<h2>What stays</h2>"
        + listed(
            [
                "A keyed pseudonym of each person, so that they are not landed again when a file is sent again, and "
                "this certificate can be checked. Nobody can work the person out of it without the keys of the house.",
                "Counts and averages of many, until the next run makes them anew without the erased.",
                "Lines of the audit log: by pseudonym, who saw identifiers when and why.",
            ]
        ),
        f"<h2>Pseudonyms</h2>{_subjects(told)}",
        '<h2>Seal</h2><div class="seal">'
        + facts([("SHA-256 of the content", told["hash"]), ("seal (HMAC-SHA-256)", told["seal"])])
        + f"<p>To check it, and to search every place again: <code>lakehouse erase --verify "
        f"{escape(told['certificate'])}.json</code></p></div>",
    ]
    return page(f"Certificate of erasure {told['certificate']}", "".join(body))


def _files(told: Mapping[str, Any]) -> str:
    files = told["files"]
    if not files:
        return '<p class="none">No file beside the tables named the person.</p>'
    return table(("file", "what was done"), [(one["file"], one["what"]) for one in files])


def _models(told: Mapping[str, Any]) -> str:
    models = told["models"]
    if not models:
        return '<p class="none">No model was trained while the person was among its features.</p>'
    by_task: dict[str, list[str]] = {}
    for one in models:
        by_task.setdefault(one["task"], []).append(one["version"])
    return (
        "<p>Trained while the person was among many. They hold no person's row by name; the next run trains each anew, "
        "the new one takes the old one's place whatever it reaches, and none of these can serve again.</p>"
        + table(("model", "versions"), [(task, ", ".join(versions)) for task, versions in by_task.items()])
    )


def _elsewhere(told: Mapping[str, Any]) -> str:
    if not told["elsewhere"]:
        return '<p class="none">Nothing is known to be elsewhere.</p>'
    return "<p>To be deleted there, by whoever keeps it:</p>" + listed(told["elsewhere"])


def _subjects(told: Mapping[str, Any]) -> str:
    subjects = told["subjects"]
    shown = "".join(f"<li><code>{escape(one)}</code></li>" for one in subjects[:MOST_NAMED])
    more = f"<p>and {len(subjects) - MOST_NAMED:,} more, in the JSON file</p>" if len(subjects) > MOST_NAMED else ""
    return f"<ul>{shown}</ul>{more}"


def _time(text: str) -> str:
    return text.replace("T", " ").replace("+00:00", " UTC")
