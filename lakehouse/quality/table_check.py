"""One suite against one table: Great Expectations' verdict, counted, with the keys of failing rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.core.batch import Batch
from great_expectations.execution_engine.sparkdf_batch_data import SparkDFBatchData
from great_expectations.validator.validator import Validator

from lakehouse.engine import few_rows
from lakehouse.errors import InputError, LakehouseError
from lakehouse.quality.carry_over import judge_digest
from lakehouse.quality.expectation_objects import (
    build_expectations,
    describe_for_docs,
    judge_counts,
    passed_unread,
    suite_result,
)
from lakehouse.quality.failing_keys import failing_keys
from lakehouse.quality.file_counts import MeasuredRows, count_by_files
from lakehouse.quality.kept_counts import WORTH_KEEPING, kept_counts
from lakehouse.quality.measures import MEASURES
from lakehouse.quality.one_pass import COUNTS_ONLY, OnePassSparkEngine
from lakehouse.quality.outcomes import Counts, FailingRows, RuleOutcome
from lakehouse.quality.personal_data import plain_message, without_values
from lakehouse.quality.stored_table import StoredTable, open_table
from lakehouse.quality.suites import COLUMN_KWARGS, COLUMN_LIST_KWARGS, Rule, Suite
from lakehouse.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    Spark: TypeAlias = SparkSession | Callable[[], SparkSession]

# A table smaller than this is judged in one task: without a shuffle its query costs a tenth less CPU, and the other
# core has another table.
ONE_TASK_BYTES = 4 * 2**20
ROWS_IN_MEMORY = 100_000

# GX reports every problem that it catches on its own log, with a traceback; ours are in the report.
logging.getLogger("great_expectations").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class TableCheck:
    """A suite's outcomes in the order of its rules, and GX's own result for Data Docs."""

    suite: Suite
    outcomes: tuple[RuleOutcome, ...]
    result: ExpectationSuiteValidationResult


def check_table(spark: Spark, settings: Settings, suite: Suite, now: datetime | None = None) -> TableCheck:
    """Judge a table (or query, or measure) by its suite: by its files where they can tell, by Spark where not.

    An empty table passes all rules about rows unread.

    Args:
        spark: the session, or a function that opens it: asked for only where files cannot tell.
        now: what `current_timestamp()` is in conditions that files can tell; the present by default.

    Raises:
        InputError: the table, a column of a rule or a condition does not fit; names file, rule and what is there.
    """
    expectations = build_expectations(suite)
    now = now or datetime.now(timezone.utc)
    rows = _rows(settings, suite)
    if rows is not None:
        _require_columns(suite, rows.columns)
    counts = {} if rows is None else _counts(settings, suite, rows, now)
    results: dict[int, ExpectationValidationResult] = {}
    for place, expectation in enumerate(expectations):
        if place in counts:
            results[place] = judge_counts(expectation, counts[place])
        elif rows is not None and rows.row_count == 0 and not suite.rules[place].type.startswith("expect_table_"):
            results[place] = passed_unread(expectation)
    session = _SparkView(spark, suite, rows)

    def sample(rule: Rule, configuration: Any) -> FailingRows:
        keys = None if rows is None else failing_keys(rows, rule, suite.key, now)
        if keys is not None:
            return FailingRows(keys)
        from lakehouse.quality.failing_rows import sample_failing_rows

        return sample_failing_rows(rule, configuration, session.frame, lambda: session.validator, suite.key)

    left = [expectation.configuration for place, expectation in enumerate(expectations) if place not in results]
    if left:
        format_ = {"result_format": dict(COUNTS_ONLY)}
        for result in session.validator.graph_validate(configurations=left, runtime_configuration=format_):
            results[result.expectation_config.meta["place"]] = result
    ordered = [results[place] for place in range(len(expectations))]
    outcomes = [_outcome(suite, rule, result, sample) for rule, result in zip(suite.rules, ordered, strict=True)]
    return TableCheck(suite, tuple(outcomes), suite_result(suite, ordered))


def _counts(settings: Settings, suite: Suite, rows: StoredTable | MeasuredRows, now: datetime) -> dict[int, Counts]:
    if isinstance(rows, MeasuredRows) or rows.row_count < WORTH_KEEPING:
        return count_by_files(rows, suite.rules, now)
    kept = kept_counts(settings, suite.table, judge_digest())
    counts = count_by_files(rows, suite.rules, now, kept)
    kept.save()
    return counts


class _SparkView:
    """A suite's rows as Spark sees them, made when the first rule needs it."""

    def __init__(self, spark: Spark, suite: Suite, rows: StoredTable | MeasuredRows | None) -> None:
        self._spark, self._suite, self._rows = spark, suite, rows

    @cached_property
    def frame(self) -> DataFrame:
        spark = self._spark() if callable(self._spark) else self._spark
        frame = _frame(spark, self._suite, self._rows)
        _require_columns(self._suite, frame.columns)
        return frame

    @cached_property
    def validator(self) -> Validator:
        """A validator of its own for each table: tables are judged in threads."""
        validator = Validator(execution_engine=OnePassSparkEngine(spark=self.frame.sparkSession, persist=False))
        validator.metrics_calculator.show_progress_bars = False
        validator.load_batch_list([Batch(data=SparkDFBatchData(validator.execution_engine, self.frame))])
        return validator


def _rows(settings: Settings, suite: Suite) -> StoredTable | MeasuredRows | None:
    """What of the suite's rows can be read without Spark."""
    if suite.measure is not None:
        if suite.measure not in MEASURES:
            raise InputError(f"{suite.path}: no measure {suite.measure!r}: one of {', '.join(MEASURES)}")
        return MeasuredRows(MEASURES[suite.measure].figures(settings))
    if suite.query is None:
        return open_table(settings, suite.table)
    try:
        answer = few_rows(settings, suite.query, ROWS_IN_MEMORY)
    except LakehouseError as error:
        raise InputError(f"{suite.path}: the query does not run: {str(error).splitlines()[0]}") from None
    return None if answer is None else MeasuredRows(answer)


def _frame(spark: SparkSession, suite: Suite, rows: StoredTable | MeasuredRows | None) -> DataFrame:
    from pyspark.errors import AnalysisException
    from pyspark.sql.pandas.types import from_arrow_schema

    if isinstance(rows, MeasuredRows):
        return spark.createDataFrame(rows.table.to_pandas(), from_arrow_schema(rows.table.schema))
    try:
        if suite.query is not None:
            return spark.sql(suite.query)
        table = spark.table(suite.table)
    except AnalysisException as error:
        if suite.query is None:
            raise InputError(f"{suite.path}: there is no table {suite.table}") from None
        raise InputError(f"{suite.path}: the query does not run: {str(error).splitlines()[0]}") from None
    return table.coalesce(1) if rows is not None and rows.bytes < ONE_TASK_BYTES else table


def _require_columns(suite: Suite, there: Sequence[str]) -> None:
    for rule in suite.rules:
        named = [rule.kwargs[key] for key in COLUMN_KWARGS if key in rule.kwargs]
        for key in COLUMN_LIST_KWARGS:
            named += rule.kwargs.get(key) or []
        for column in named:
            if column not in there:
                raise InputError(
                    f"{suite.path}, rule {rule.label}: {suite.table} has no column {column!r} "
                    f"(it has {', '.join(there)})"
                )
    for column in suite.key:
        if column not in there:
            raise InputError(f"{suite.path}: {suite.table} has no key column {column!r}")


def _outcome(
    suite: Suite, rule: Rule, result: ExpectationValidationResult, sample: Callable[[Rule, Any], FailingRows]
) -> RuleOutcome:
    """The rule's outcome; what `result` holds of rows is taken out of it, keys of failing rows are put in."""
    if result.exception_info and (said := _message(result.exception_info)):
        raise InputError(f"{suite.path}, rule {rule.label}: cannot be judged on {suite.table}: {plain_message(said)}")
    found = result.result = without_values(result.result, rule.column)
    unexpected = found.get("unexpected_count")
    keys: list[str] = []
    if not result.success:
        failing = sample(rule, result.expectation_config)
        keys = failing.keys
        result.expectation_config.description = describe_for_docs(rule, keys)
        if unexpected is None:
            unexpected = failing.row_count
    return RuleOutcome(
        rule=rule,
        table=suite.table,
        passed=bool(result.success),
        element_count=int(found.get("element_count") or 0),
        unexpected_count=int(unexpected or 0),
        observed=str(found.get("observed_value", "")),
        sample_keys=tuple(keys),
    )


def _message(exception_info: Any) -> str:
    """What went wrong; GX nests it by metric where a metric failed."""
    if exception_info.get("exception_message"):
        return str(exception_info["exception_message"])
    for nested in exception_info.values():
        if isinstance(nested, dict) and nested.get("exception_message"):
            return str(nested["exception_message"])
    return ""
