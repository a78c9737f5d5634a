"""Great Expectations' Spark engine, asking Spark once per table instead of twice and once more per rule.

GX resolves the metrics of a suite in rounds and starts a Spark query for the aggregates of each round: the row count
first, the unexpected counts after it; then one more query per rule for sample values, which `result_format`
cannot switch off without losing the counts. Here aggregates wait until nothing else is left to resolve, so that
they share one query, and no sample values are asked for where the format wants none (measured in
docs/decisions/0006-one-pass-gates.md).

The row count has to be promised for that: GX lists it as a dependency of every row-by-row condition, although none
reads it. It is filled in by the one query; a metric that does read it makes the promise good first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from great_expectations.execution_engine import SparkDFExecutionEngine

COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
ROW_COUNT = "table.row_count"
PROMISED = 0  # of no rows every rule holds, should a promise ever be read


class OnePassSparkEngine(SparkDFExecutionEngine):
    """`SparkDFExecutionEngine` with the same metrics and the same results, in one query per row condition.

    `conditions` keeps the row-by-row conditions by metric id, for whoever wants to see the rows behind a count.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conditions: dict[Any, Any] = {}
        self._promised: dict[Any, Any] = {}

    def resolve_metrics(
        self,
        metrics_to_resolve: Iterable[Any],
        metrics: dict[Any, Any] | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> dict[Any, Any]:
        """Unwanted samples as empty lists, then what needs no aggregate, then, alone, all aggregates at once."""
        known = {} if metrics is None else metrics
        asked = list(metrics_to_resolve)
        samples: dict[Any, Any] = {m.id: [] for m in asked if _is_unwanted_sample(m)}
        wanted = [m for m in asked if m.id not in samples]
        if any(self._reads_a_promise(metric) for metric in wanted):
            known.update(self._aggregate([]))
        direct, bundled = self._build_direct_and_bundled_metric_computation_configurations(
            metrics_to_resolve=wanted, metrics=known, runtime_configuration=runtime_configuration
        )
        if not direct and not samples:
            return self._aggregate(bundled)
        resolved = samples | self._process_direct_and_bundled_metric_computation_configurations(
            metric_fn_direct_configurations=direct, metric_fn_bundle_configurations=[]
        )
        self.conditions |= {m.id: resolved[m.id] for m in wanted if m.metric_name.endswith(".condition")}
        for count in bundled:
            if count.metric_configuration.metric_name == ROW_COUNT:
                self._promised[count.metric_configuration.id] = count
                resolved[count.metric_configuration.id] = PROMISED
        return resolved

    def _aggregate(self, bundled: list[Any]) -> dict[Any, Any]:
        """These aggregates and the promised row counts, one query per row condition."""
        resolved = self._process_direct_and_bundled_metric_computation_configurations(
            metric_fn_direct_configurations=[],
            metric_fn_bundle_configurations=[*bundled, *self._promised.values()],
        )
        self._promised.clear()
        return resolved

    def _reads_a_promise(self, metric: Any) -> bool:
        """Conditions and aggregates are expressions, built before any number is known; the rest may read one."""
        name, needs = metric.metric_name, metric.metric_dependencies
        if name.endswith((".condition", ".aggregate_fn")) or "metric_partial_fn" in needs:
            return False
        return any(needed.id in self._promised for needed in needs.values())


def _is_unwanted_sample(metric: Any) -> bool:
    """GX asks for `.unexpected_values` with a limit of none: a query whose answer is known."""
    if not metric.metric_name.endswith(".unexpected_values"):
        return False
    format_ = metric.metric_value_kwargs.get("result_format") or {}
    return isinstance(format_, dict) and format_.get("partial_unexpected_count") == 0
