"""Gold of a hand-made home, by the project's own SQL: compiled, or built by dbt."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lakehouse.engine.sail import open_sail
from lakehouse.settings import CHECKOUT, Settings

READ_BY_OTHERS = ("feat_activity", "feat_customer_history", "feat_product", "feat_interactions")
FEATURES = (
    "feat_customer_rfm",
    "feat_customer_behaviour",
    "feat_impressions",
    "feat_channel_returns",
    "feat_memberships",
    "feat_customer_tags",
    "feat_ticket_text",
    "feat_customer_person",
)


def run_dbt(arguments: list[str], folder: Path) -> list[Any]:
    """Run dbt in this process, over the engine that is open; the results of its nodes.

    Args:
        arguments: a dbt command and its options.
        folder: where dbt writes what it compiles and logs.
    """
    from dbt.cli.main import dbtRunner

    options = ["--quiet", "--log-path", str(folder), "--log-level", "none"]
    places = ["--project-dir", str(CHECKOUT), "--profiles-dir", str(CHECKOUT), "--target-path", str(folder)]
    outcome = dbtRunner().invoke([*options, *arguments, *places])
    assert outcome.exception is None, outcome.exception
    failed = [f"{one.node.name}: {one.message}" for one in outcome.result if str(one.status) in ("error", "fail")]
    assert not failed, "\n".join(failed)
    return list(outcome.result)


def compiled_features(folder: Path) -> dict[str, str]:
    """The SQL of every feature, as dbt would run it, by model."""
    results = run_dbt(["compile", "--select", *READ_BY_OTHERS, *FEATURES], folder)
    return {one.node.name: str(one.node.compiled_code) for one in results}


def feature_rows(settings: Settings, sql: Mapping[str, str]) -> dict[str, list[str]]:
    """Every row of every feature as JSON, sorted, computed from the silver tables of a home."""
    sail, found = open_sail(settings), {}
    with tempfile.TemporaryDirectory() as folder:
        for model in (*READ_BY_OTHERS, *FEATURES):
            text = sql[model]
            for other in READ_BY_OTHERS:
                text = text.replace(f"gold.{other}", f"{other}_by_then")
            if model in READ_BY_OTHERS:
                sail.execute(f"drop table if exists {model}_by_then")
                sail.execute(f"create table {model}_by_then using parquet location '{folder}/{model}' as {text}")
                text = f"select * from {model}_by_then"
            rows = sail.rows(text).to_pylist()
            found[model] = sorted(json.dumps(row, default=str, separators=(",", ":")) for row in rows)
    return found
