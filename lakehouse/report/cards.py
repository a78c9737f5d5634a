"""Model cards as HTML, the same cards as those of `lakehouse models card`."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from lakehouse.report.tables import table
from lakehouse.settings import Settings
from ml import card_page
from ml.card_shelf import Shelved, shelved
from ml.fairness import LEAST_CUSTOMERS
from ml.tasks import TASKS, Task

TITLE = "Model cards"
ABOUT = (
    "What each model that serves learnt from, what it is for, how sure its figures are, how it treats groups of "
    "customers, and where it fails."
)


def cards_section(settings: Settings, empty: list[str]) -> str:
    """A card for each task, closed; `empty` gets the tasks without one."""
    told = "".join(_card(settings, task, empty) for task in TASKS.values())
    return f'<h2 id="model-cards">{TITLE}</h2><p>{ABOUT}</p>{told}'


def _card(settings: Settings, task: Task, empty: list[str]) -> str:
    found = shelved(settings, task.name)
    if found is None:
        empty.append(f"{TITLE}: {task.name}")
        return f'<p class="none">{escape(task.name)}: no card, for there was nothing to learn from.</p>'
    return (
        f'<details class="card" id="card-{task.name}"><summary><b>{escape(task.name)}</b> '
        f"{escape(_headline(found, task))}</summary>{_body(found)}"
        f"<code>{escape(f'lakehouse models card {task.name}')}</code></details>"
    )


def _headline(found: Shelved, task: Task) -> str:
    """The measure that a person asks for first, beside its baseline."""
    main = next((one for one in found.card.metrics if one["name"] == task.metric), None)
    if main is None:
        return ""
    _, value, interval, baseline, its_value, *_ = card_page.metric_row(main)
    told = f"{task.metric} {value}" + (f" ({interval})" if interval else "")
    return f"{told}; {baseline} {its_value}" if baseline else told


def _body(found: Shelved) -> str:
    told, facts = found.card, found.card.facts
    return "".join(
        (
            *(_text(line) for line in (*found.standing, f"Learnt up to {told.as_of}." if told.as_of else "")),
            _part("Task", _text(facts.purpose)),
            _part("Intended use", _text(facts.use), _text(f"Not for: {facts.not_for}")),
            _part(
                "Data",
                _table(card_page.DATA_NAMES, card_page.data_rows(told)),
                _text(f"Columns of these that tell gender, age or region: {card_page.group_columns(told)}."),
            ),
            _part(
                "Method and settings",
                _text(facts.method),
                _table(card_page.SETTING_NAMES, card_page.setting_rows(told)),
            ),
            _part(
                "Metrics",
                _table(card_page.METRIC_NAMES, [card_page.metric_row(one) for one in told.metrics]),
                _text(card_page.METRICS_NOTE),
            ),
            _part("Limits", f"<ul>{''.join(f'<li>{escape(limit)}</li>' for limit in facts.limits)}</ul>"),
            _part("Fairness by group", _text(facts.fairness), *_fairness(found)),
        )
    )


def _fairness(found: Shelved) -> list[str]:
    fairness = found.card.fairness
    if not fairness.groups:
        return []
    return [
        _text(f"Groups of fewer than {LEAST_CUSTOMERS} customers are too few to be measured."),
        _table(card_page.GAP_NAMES, card_page.gap_rows(fairness)),
        _text(card_page.GAPS_NOTE),
        _table(*card_page.group_table(fairness)),
    ]


def _part(title: str, *content: str) -> str:
    return f"<h4>{escape(title)}</h4>{''.join(content)}"


def _text(text: str) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def _table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return f'<div class="numbers">{table(names, rows)}</div>'
