"""Two expectations of our own, computed inside the one aggregate pass over a table.

Great Expectations has neither a rule over several columns of a row in SQL nor a key check without a window
(`expect_compound_columns_to_be_unique` sorts the table: measured 3 times the cost of the aggregate here).
"""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.compatibility import pydantic
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_partial
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from pyspark.sql import functions as F

Aggregate = tuple[Any, dict[str, Any], dict[str, Any]]
_aggregate = metric_partial(
    engine=SparkDFExecutionEngine,
    partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
    domain_type=MetricDomainTypes.TABLE,
)


class RowsBreaking(TableMetricProvider):
    """Rows for which `condition` is false; a condition that is null (unknown) is not broken, as in SQL checks."""

    metric_name = "table.rows_breaking"
    value_keys = ("condition",)

    @_aggregate
    def _spark(cls, metric_domain_kwargs: dict[str, Any], metric_value_kwargs: dict[str, Any], **_: Any) -> Aggregate:
        broken = ~F.expr(metric_value_kwargs["condition"])
        return F.count(F.when(broken, F.lit(1))), metric_domain_kwargs, {}


class RowsRepeatingKey(TableMetricProvider):
    """Rows beyond the first of each value of the key."""

    metric_name = "table.rows_repeating_key"
    value_keys = ("columns",)

    @_aggregate
    def _spark(cls, metric_domain_kwargs: dict[str, Any], metric_value_kwargs: dict[str, Any], **_: Any) -> Aggregate:
        key = F.struct(*(F.col(column) for column in metric_value_kwargs["columns"]))
        return F.count(F.lit(1)) - F.count_distinct(key), metric_domain_kwargs, {}


class _RowExpectation(BatchExpectation):
    """Counts unexpected rows against all rows; passes while the share of good rows is at least `mostly`."""

    mostly: float = 1.0
    unexpected_metric: ClassVar[str]
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id", "table", "row_condition", "condition_parser")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        rows, unexpected = metrics["table.row_count"], metrics[self.unexpected_metric]
        share = unexpected / rows if rows else 0.0
        return {
            "success": not unexpected or share <= 1 - self.mostly,
            "result": {
                "element_count": rows,
                "unexpected_count": unexpected,
                "unexpected_percent": 100 * share,
                "unexpected_percent_total": 100 * share,
            },
        }


class ExpectRowsToSatisfy(_RowExpectation):
    """Every row (or the share `mostly` of them) satisfies a Spark SQL condition."""

    condition: str = pydantic.Field(description="a Spark SQL condition over the table's columns")
    unexpected_metric: ClassVar[str] = "table.rows_breaking"
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.row_count", "table.rows_breaking")
    success_keys: ClassVar[tuple[str, ...]] = ("condition", "mostly")


class ExpectKeyToBeUnique(_RowExpectation):
    """No two rows share the same values in all of `columns`."""

    columns: list[str] = pydantic.Field(description="the columns of the key")
    unexpected_metric: ClassVar[str] = "table.rows_repeating_key"
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.row_count", "table.rows_repeating_key")
    success_keys: ClassVar[tuple[str, ...]] = ("columns", "mostly")
