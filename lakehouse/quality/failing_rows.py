"""The rows that break a rule, by Spark: five at most, in the order of their key.

Asked for only after it failed, and where files cannot tell (failing_keys.py).

Only keys are shown, never a judged value: validation results and Data Docs hold no personal data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from great_expectations.expectations.registry import get_expectation_impl, get_metric_kwargs
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validation_graph import ValidationGraph
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.quality.outcomes import SAMPLE_SIZE, FailingRows
from lakehouse.quality.suites import Rule


def sample_failing_rows(
    rule: Rule, configuration: Any, frame: DataFrame, validator: Callable[[], Any], key: tuple[str, ...]
) -> FailingRows:
    """The keys of up to five failing rows of `frame`; none for a rule about the table, or where there is no key.

    Args:
        configuration: GX's configuration of the rule, as judged (it names the batch).
        validator: gives GX's validator over `frame`.
        key: the columns that name a row.
    """
    rows = _failing(rule, configuration, frame, validator, key)
    if rows is None:
        return FailingRows([])
    count = rows.count() if rule.type == "unexpected_rows_expectation" else None
    shown = [name for name in key if name in rows.columns]
    if not shown:
        return FailingRows([], count)
    named = [F.col(f"`{name}`").cast("string").alias(f"key_{place}") for place, name in enumerate(shown)]
    collected = rows.select(*named).orderBy(*(f"key_{n}" for n in range(len(shown)))).limit(SAMPLE_SIZE).collect()
    keys = [", ".join(f"{name}={row[f'key_{n}']}" for n, name in enumerate(shown)) for row in collected]
    return FailingRows(keys, count)


def _failing(
    rule: Rule, configuration: Any, frame: DataFrame, validator: Callable[[], Any], key: tuple[str, ...]
) -> DataFrame | None:
    judged = frame.where(rule.row_condition) if rule.row_condition else frame
    if rule.type == "expect_key_to_be_unique":
        return _first_of_each_repeated(judged, rule.kwargs["columns"], key)
    if rule.type == "unexpected_rows_expectation":
        frame.createOrReplaceTempView("batch_of_failed_rule")
        return frame.sparkSession.sql(rule.kwargs["unexpected_rows_query"].replace("{batch}", "batch_of_failed_rule"))
    broken = _broken(rule)
    return _failing_by_gx(rule, configuration, judged, validator()) if broken is None else judged.where(broken)


def _broken(rule: Rule) -> Column | None:
    """The condition of a failing row, for the types that are counted without a validator (file_counts.py)."""
    if rule.type == "expect_rows_to_satisfy":
        return ~F.expr(rule.kwargs["condition"])
    column = F.col(f"`{rule.kwargs.get('column')}`")
    if rule.type == "expect_column_values_to_not_be_null":
        return column.isNull()
    if rule.type == "expect_column_values_to_be_in_set" and rule.kwargs.get("value_set"):
        return ~column.isin(list(rule.kwargs["value_set"]))
    if rule.type != "expect_column_values_to_be_between":
        return None
    low, high = rule.kwargs.get("min_value"), rule.kwargs.get("max_value")
    broken = F.lit(False)
    if low is not None:
        broken = broken | (column <= low if rule.kwargs.get("strict_min") else column < low)
    if high is not None:
        broken = broken | (column >= high if rule.kwargs.get("strict_max") else column > high)
    return broken


def _first_of_each_repeated(judged: DataFrame, columns: list[str], key: tuple[str, ...]) -> DataFrame:
    """One row, by its key, of every value of `columns` that comes more than once."""
    shown = F.struct(*(F.col(f"`{name}`").cast("string").alias(name) for name in key))
    repeated = judged.groupBy(*columns).agg(F.count(F.lit(1)).alias("__rows"), F.min(shown).alias("__first"))
    return repeated.where("__rows > 1").select("__first.*")


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
