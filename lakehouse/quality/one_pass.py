"""Great Expectations' Spark engine, asking Spark once per table instead of twice and once more per rule.

GX resolves the metrics of a suite in rounds and starts a Spark job for the aggregates of each round: the row count
first, the unexpected counts after it; then one more query per rule for sample values, which `result_format`
cannot switch off without losing the counts. Here aggregates wait until nothing else is left to resolve, so that
they share one job, and no sample values are asked for where the format wants none (measured in
docs/decisions/quality-gates.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from great_expectations.execution_engine import SparkDFExecutionEngine

COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}


class OnePassSparkEngine(SparkDFExecutionEngine):
    """`SparkDFExecutionEngine` with the same metrics and the same results, in one job per row condition."""

    def resolve_metrics(
        self,
        metrics_to_resolve: Iterable[Any],
        metrics: dict[Any, Any] | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> dict[Any, Any]:
        """Sample lists that nobody wants as empty lists, then direct metrics, then, alone, the aggregates."""
        samples = {m.id: [] for m in metrics_to_resolve if _is_unwanted_sample(m)}
        wanted = [m for m in metrics_to_resolve if m.id not in samples]
        if not wanted:
            return samples or (metrics or {})
        direct, bundled = self._build_direct_and_bundled_metric_computation_configurations(
            metrics_to_resolve=wanted, metrics=metrics, runtime_configuration=runtime_configuration
        )
        resolved = self._process_direct_and_bundled_metric_computation_configurations(
            metric_fn_direct_configurations=direct,
            metric_fn_bundle_configurations=[] if direct or samples else bundled,
        )
        return {**samples, **resolved}


def _is_unwanted_sample(metric: Any) -> bool:
    """GX asks for `.unexpected_values` with a limit of none: a query whose answer is known."""
    if not metric.metric_name.endswith(".unexpected_values"):
        return False
    format_ = metric.metric_value_kwargs.get("result_format") or {}
    return isinstance(format_, dict) and format_.get("partial_unexpected_count") == 0
