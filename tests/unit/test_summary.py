"""What a run ends with."""

from __future__ import annotations

import io

from rich.console import Console

from lakehouse.cli.summary import print_summary


def test_of_each_task_the_measure_that_is_asked_first_is_shown() -> None:
    measures = [
        {"task": task, "metric": metric, "value": value, "baseline": "so far", "baseline_value": 0.5}
        for task, metric, value in (("click", "auc", 0.7), ("click", "log_loss", 0.2), ("of a later version", "x", 0.3))
    ]
    said = io.StringIO()
    summary = {
        "as_of_on": "2025-12-31",
        "rows": {"gold": {"dim_customer": 1234}},
        "quarantined": {"unreadable lines": 0},
        "rules": {"passed": 1, "failed": 0, "warnings": []},
        "segments": [],
        "customer": None,
        "models": measures,
        "paths": {"Data Docs": "/somewhere/index.html"},
    }
    print_summary(Console(file=said, width=120), summary)
    shown = [line.split() for line in said.getvalue().splitlines()]
    assert ["click", "log_loss", "0.2", "so", "far", "0.5"] in shown
    assert ["of", "a", "later", "version", "x", "0.3", "so", "far", "0.5"] in shown
    assert not any("auc" in line for line in shown)
