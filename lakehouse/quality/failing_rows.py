"""The rows that break a rule: asked for only after it failed, five at most, in the order of their key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from great_expectations.expectations.registry import get_expectation_impl, get_metric_kwargs
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validation_graph import ValidationGraph
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.quality.suites import Rule

SAMPLE_SIZE = 5


@dataclass(frozen=True)
class FailingRows:
    """Keys as `column=value, …`, the judged column's values where there is one, and the number of rows if counted."""

    keys: list[str]
    values: list[Any]
    row_count: int | None = None


def sample_failing_rows(
    rule: Rule, configuration: Any, frame: DataFrame, validator: Any, key: tuple[str, ...]
) -> FailingRows:
    """Up to five failing rows of `frame`; none for a rule about the table as a whole.

    Args:
        configuration: GX's configuration of the rule, as judged (it names the batch).
        key: the columns that name a row; all columns where the suite declares none.
    """
    rows = _failing(rule, configuration, frame, validator)
    if rows is None:
        return FailingRows([], [])
    shown = [name for name in (key or tuple(frame.columns)) if name in rows.columns] or rows.columns
    judged = rule.kwargs.get("column") if rule.kwargs.get("column") in rows.columns else None
    named = [F.col(f"`{name}`").cast("string").alias(f"key_{place}") for place, name in enumerate(shown)]
    value = [F.col(f"`{judged}`").cast("string").alias("judged")] if judged else []
    count = rows.count() if rule.type == "unexpected_rows_expectation" else None
    found = rows.select(*named, *value).orderBy(*(f"key_{n}" for n in range(len(shown)))).limit(SAMPLE_SIZE)
    collected = found.collect()
    keys = [", ".join(f"{name}={row[f'key_{n}']}" for n, name in enumerate(shown)) for row in collected]
    return FailingRows(keys, [row["judged"] for row in collected] if judged else [], count)


def as_json(keys: tuple[str, ...]) -> str:
    """Sample keys as `ops.validations` keeps them: a JSON list of texts."""
    return json.dumps(list(keys), ensure_ascii=False)


def _failing(rule: Rule, configuration: Any, frame: DataFrame, validator: Any) -> DataFrame | None:
    judged = frame.where(rule.row_condition) if rule.row_condition else frame
    if rule.type == "expect_rows_to_satisfy":
        return judged.where(~F.expr(rule.kwargs["condition"]))
    if rule.type == "expect_key_to_be_unique":
        columns = rule.kwargs["columns"]
        return judged.groupBy(*columns).count().where("count > 1").drop("count")
    if rule.type == "unexpected_rows_expectation":
        frame.createOrReplaceTempView("batch_of_failed_rule")
        return frame.sparkSession.sql(rule.kwargs["unexpected_rows_query"].replace("{batch}", "batch_of_failed_rule"))
    return _failing_by_gx(rule, configuration, judged, validator)


def _failing_by_gx(rule: Rule, configuration: Any, judged: DataFrame, validator: Any) -> DataFrame | None:
    """The rows that GX's own condition of a map expectation (one that judges row by row) marks."""
    metric = getattr(get_expectation_impl(rule.type), "map_metric", None)
    if not metric:
        return None
    name = f"{metric}.condition"
    kwargs = get_metric_kwargs(name, configuration=configuration)
    judged_by = MetricConfiguration(name, kwargs["metric_domain_kwargs"], kwargs["metric_value_kwargs"])
    engine = validator.execution_engine
    ValidationGraph(engine).set_metric_configuration_default_kwargs_if_absent(judged_by)
    condition, *_ = engine.conditions[judged_by.id]
    # a column first: the condition may be a window, which Spark does not take in a filter
    return judged.withColumn("__unexpected", condition).where("__unexpected").drop("__unexpected")
