"""Gold of a hand-made home, by the project's own SQL: compiled, or built by dbt in the test session."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse.settings import CHECKOUT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FEATURES = (
    "feat_customer_rfm",
    "feat_customer_history",
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
    """The SQL of `feat_activity` and of `FEATURES`, as dbt would run it, by model."""
    results = run_dbt(["compile", "--select", "feat_activity", *FEATURES], folder)
    return {one.node.name: str(one.node.compiled_code) for one in results}


def feature_rows(spark: SparkSession, sql: Mapping[str, str]) -> dict[str, list[str]]:
    """Every row of every feature as JSON, sorted, computed from the silver tables of the home in use."""
    activity = spark.sql(sql["feat_activity"]).cache()
    activity.createOrReplaceTempView("activity_by_then")
    try:
        return {
            model: sorted(
                str(row[0])
                for row in spark.sql(sql[model].replace("gold.feat_activity", "activity_by_then"))
                .selectExpr("to_json(struct(*), map('ignoreNullFields', 'false'))")
                .collect()
            )
            for model in FEATURES
        } | {"feat_activity": sorted(str(row[0]) for row in activity.selectExpr("to_json(struct(*))").collect())}
    finally:
        activity.unpersist()
