"""The steps of the main job that make tables, as the benchmark measures them beside a peer's.

`expectations` judges silver.events by its suite and writes the failing rows of each rule. `gold` makes four tables that
a peer makes with the same columns. `merge` lands the files that came since and brings silver up to them. `tiny` builds
and tests 25 tables of a hundred rows, each from the one before, as a dbt project of its own.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from lakehouse import ops
from lakehouse.engine import open_engine, query
from lakehouse.pipeline import AFTER_LANDING, LAND, Progress, Run, perform
from lakehouse.quality import run_gate
from lakehouse.settings import CHECKOUT, Settings, load_settings
from lakehouse.sources import load_source

STEPS = {step.name: step for step in AFTER_LANDING}
AS_OF = date(2025, 12, 31)
GOLD = ("feat_activity", "feat_customer_history", "feat_customer_rfm", "feat_customer_behaviour")
JUDGED = "silver.events"
TINY_TABLES = 25
TINY_PROJECT = {
    "name": "tiny",
    "version": "1.0",
    "profile": "lakehouse",
    "model-paths": ["models"],
    "macro-paths": [str(CHECKOUT / "dbt_project" / "macros")],
    "flags": {"send_anonymous_usage_stats": False},
    "models": {"tiny": {"+materialized": "table", "+file_format": "delta", "+schema": "gold"}},
}


def expectations(run: Run) -> None:
    """The gate of one table: `expectations.json` beside the tables holds the failing rows of each rule."""
    report = run_gate(lambda: run.spark, run.settings, "silver", run.run_id, run.clock(), [JUDGED])
    told = {f"{o.rule.label} {o.rule.column or ''}".strip(): o.unexpected_count for o in report.outcomes}
    (run.settings.home / "expectations.json").write_text(json.dumps(told))


def tiny(settings: Settings) -> None:
    """Build and test the small tables by dbt, parse and all.

    Raises:
        SystemExit: a model or test failed.
    """
    from dbt.cli.main import dbtRunner

    folder = settings.home / "tiny"
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(json.dumps(TINY_PROJECT))
    described = []
    for number in range(1, TINY_TABLES + 1):
        read = (
            f"{{{{ ref('tiny_{number - 1}') }}}}" if number > 1 else "(select id as key, id as amount from range(100))"
        )
        (folder / "models" / f"tiny_{number}.sql").write_text(
            f"select key, amount + key as amount from {read} as before"
        )
        described.append({"name": f"tiny_{number}", "columns": [{"name": "key", "data_tests": ["not_null", "unique"]}]})
    (folder / "models" / "tiny.yml").write_text(json.dumps({"version": 2, "models": described}))
    open_engine(settings)
    done = dbtRunner().invoke(
        ["--quiet", "--log-path", str(folder), "build", "--project-dir", str(folder), "--profiles-dir", str(CHECKOUT)]
    )
    if not done.success:
        raise SystemExit(f"dbt ended with {done.exception or [str(result) for result in done.result]}")


def build(step: str, shop: Path, home: Path) -> None:
    """One step, in the home that the steps before it left."""
    settings = load_settings(home=home)
    if step == "start":
        open_engine(settings)
        assert query(settings, "select 1")[0][0] == 1
        return
    if step == "tiny":
        tiny(settings)
        return
    run = Run(settings, [load_source(shop / "four.yml")], AS_OF, Progress())
    if step in ("bronze", "merge"):
        ops.ensure_tables(settings)
        perform(run, LAND)
    if step in ("silver", "merge"):
        perform(run, STEPS["silver"])
    if step == "expectations":
        expectations(run)
    if step == "gold":
        perform(run, STEPS["as_of"])
        run.open_engine()
        run.dbt.build("features", run.ledger, AS_OF, only=GOLD)
