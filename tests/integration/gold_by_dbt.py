"""Gold of a hand-made home, by the project's own SQL: compiled, or built by dbt in the test session."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse.settings import CHECKOUT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

READ_BY_OTHERS = ("feat_activity", "feat_customer_history")
FEATURES = (
    "feat_customer_rfm",
    "feat_customer_behaviour",
    "feat_product",
    "feat_interactions",
    "feat_impressions",
)


def run_dbt(arguments: list[str], folder: Path) -> list[Any]:
    """Run dbt in this process, over the running session; the results of its nodes.

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


def feature_rows(spark: SparkSession, sql: Mapping[str, str]) -> dict[str, list[str]]:
    """Every row of every feature as JSON, sorted, computed from the silver tables of the home in use."""
    found = {}
    try:
        for model in (*READ_BY_OTHERS, *FEATURES):
            text = sql[model]
            for other in READ_BY_OTHERS:
                text = text.replace(f"gold.{other}", f"{other}_by_then")
            rows = spark.sql(text)
            if model in READ_BY_OTHERS:
                rows.createOrReplaceTempView(f"{model}_by_then")
                spark.sql(f"cache table {model}_by_then")
            as_json = rows.selectExpr("to_json(struct(*), map('ignoreNullFields', 'false'))")
            found[model] = sorted(str(row[0]) for row in as_json.collect())
    finally:
        for model in READ_BY_OTHERS:
            spark.sql(f"uncache table if exists {model}_by_then")
    return found
