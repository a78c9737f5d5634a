"""One suite against one table: Great Expectations' verdict, counted, with the keys of failing rows."""

from __future__ import annotations

import html
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from great_expectations.compatibility.pydantic import ValidationError
from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.core.batch import Batch
from great_expectations.exceptions import ExpectationNotFoundError
from great_expectations.execution_engine.sparkdf_batch_data import SparkDFBatchData
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.registry import get_expectation_impl
from great_expectations.validator.validator import Validator, calc_validation_statistics
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

import lakehouse.quality.row_expectations  # noqa: F401  registers our expectations
from lakehouse.errors import InputError
from lakehouse.quality.failing_rows import sample_failing_rows
from lakehouse.quality.measures import MEASURES, row_count, stored_bytes, stored_columns
from lakehouse.quality.one_pass import COUNTS_ONLY, OnePassSparkEngine
from lakehouse.quality.suites import Rule, Suite
from lakehouse.settings import Settings

GX_SEVERITY = {"error": "critical", "warn": "warning"}
COLUMN_KWARGS = ("column", "column_A", "column_B")
COLUMN_LIST_KWARGS = ("columns", "column_list")
# A table smaller than this is judged in one task: without a shuffle its query costs a tenth less CPU, and the other
# core has another table.
ONE_TASK_BYTES = 4 * 2**20

# GX reports every problem that it catches on its own log, with a traceback; ours are in the report.
logging.getLogger("great_expectations").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class RuleOutcome:
    """What a rule found: rows judged, rows failing, and where it failed up to five keys as text."""

    rule: Rule
    table: str
    passed: bool
    element_count: int
    unexpected_count: int
    observed: str = ""
    sample_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableCheck:
    """A suite's outcomes in the order of its rules, and GX's own result for Data Docs."""

    suite: Suite
    outcomes: tuple[RuleOutcome, ...]
    result: ExpectationSuiteValidationResult


def build_expectations(suite: Suite) -> list[Expectation]:
    """The rules as GX objects.

    Raises:
        InputError: a type that GX does not have, or arguments that it does not take; names file and rule.
    """
    return [_expectation(suite, place, rule) for place, rule in enumerate(suite.rules)]


def check_table(spark: SparkSession, settings: Settings, suite: Suite) -> TableCheck:
    """Judge a table (or query, or measure) by its suite; an empty table passes all rules about rows unread.

    Raises:
        InputError: the table, a column of a rule or a condition does not fit; names file, rule and what is there.
    """
    expectations = build_expectations(suite)
    places = list(range(len(expectations)))
    if suite.query is None and suite.measure is None and stored_columns(settings, suite.table):
        if row_count(settings, suite.table) == 0:
            places = [place for place in places if suite.rules[place].type.startswith("expect_table_")]
        if not places:
            _require_columns(suite, stored_columns(settings, suite.table))
    results = [_passed_unread(expectation) for expectation in expectations]
    outcomes = [RuleOutcome(rule, suite.table, True, 0, 0) for rule in suite.rules]
    if places:
        frame = _frame(spark, settings, suite)
        _require_columns(suite, frame.columns)
        validator = _validator(spark, frame)
        found = validator.graph_validate(
            configurations=[expectations[place].configuration for place in places],
            runtime_configuration={"result_format": dict(COUNTS_ONLY)},
        )
        for result in found:
            place = result.expectation_config.meta["place"]
            results[place] = result
            outcomes[place] = _outcome(suite, suite.rules[place], result, frame, validator)
    return TableCheck(suite, tuple(outcomes), _suite_result(suite, results))


def _validator(spark: SparkSession, frame: DataFrame) -> Validator:
    """A validator of its own for each table: tables are judged in threads."""
    validator = Validator(execution_engine=OnePassSparkEngine(spark=spark, persist=False))
    validator.metrics_calculator.show_progress_bars = False
    validator.load_batch_list([Batch(data=SparkDFBatchData(validator.execution_engine, frame))])
    return validator


def describe_for_docs(rule: Rule, keys: Sequence[str] = ()) -> str:
    """The line of Data Docs about a rule, as HTML: its name, what it demands, its meaning, keys that fail."""
    demands = {name: value for name, value in rule.kwargs.items() if name not in COLUMN_KWARGS}
    if rule.mostly is not None:
        demands["mostly"] = rule.mostly
    if rule.row_condition:
        demands["where"] = rule.row_condition
    asked = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in demands.items())
    head = f"<b>{html.escape(rule.label)}</b> ({rule.severity}) {html.escape(asked)}"
    samples = f"<br>for example {html.escape('; '.join(keys))}" if keys else ""
    return f"{head}<br>{html.escape(rule.owner)}{samples}".replace("$", "&#36;")


def _expectation(suite: Suite, place: int, rule: Rule) -> Expectation:
    where = f"{suite.path}, rule {rule.label}"
    try:
        kind = get_expectation_impl(rule.type)
    except ExpectationNotFoundError:
        raise InputError(f"{where}: Great Expectations has no {rule.type!r}") from None
    kwargs = dict(rule.kwargs)
    if rule.mostly is not None:
        kwargs["mostly"] = rule.mostly
    if rule.row_condition is not None:
        kwargs |= {"row_condition": rule.row_condition, "condition_parser": "spark"}
    try:
        return kind(
            **kwargs,
            meta={"place": place},
            description=describe_for_docs(rule),
            severity=GX_SEVERITY[rule.severity],
        )
    except ValidationError as error:
        first = error.errors()[0]
        named = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{where}: kwargs {named}: {first['msg']}") from None


def _frame(spark: SparkSession, settings: Settings, suite: Suite) -> DataFrame:
    if suite.measure is not None:
        if suite.measure not in MEASURES:
            raise InputError(f"{suite.path}: no measure {suite.measure!r}: one of {', '.join(MEASURES)}")
        measured = MEASURES[suite.measure](settings)
        return spark.createDataFrame(measured.to_pandas(), from_arrow_schema(measured.schema))
    try:
        if suite.query is not None:
            return spark.sql(suite.query)
        table = spark.table(suite.table)
    except AnalysisException as error:
        if suite.query is None:
            raise InputError(f"{suite.path}: there is no table {suite.table}") from None
        raise InputError(f"{suite.path}: the query does not run: {_first_line(error)}") from None
    small = stored_bytes(settings, suite.table) < ONE_TASK_BYTES
    return table.coalesce(1) if small else table


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


def _outcome(suite: Suite, rule: Rule, result: Any, frame: DataFrame, validator: Validator) -> RuleOutcome:
    if result.exception_info and _message(result.exception_info):
        raise InputError(
            f"{suite.path}, rule {rule.label}: cannot be judged on {suite.table}: {_message(result.exception_info)}"
        )
    found = result.result
    unexpected = found.get("unexpected_count")
    keys: list[str] = []
    if not result.success:
        sample = sample_failing_rows(rule, result.expectation_config, frame, validator, suite.key)
        keys = sample.keys
        result.expectation_config.description = describe_for_docs(rule, keys)
        if sample.values:
            found["partial_unexpected_list"] = sample.values
        if unexpected is None:
            unexpected = sample.row_count
    return RuleOutcome(
        rule=rule,
        table=suite.table,
        passed=bool(result.success),
        element_count=int(found.get("element_count") or 0),
        unexpected_count=int(unexpected or 0),
        observed="" if found.get("observed_value") is None else str(found["observed_value"]),
        sample_keys=tuple(keys),
    )


def _passed_unread(expectation: Expectation) -> Any:
    """GX's result for a rule about rows of a table that has none."""
    return ExpectationValidationResult(
        success=True,
        expectation_config=expectation.configuration,
        result={"element_count": 0, "unexpected_count": 0, "unexpected_percent": 0.0},
    )


def _suite_result(suite: Suite, results: list[Any]) -> ExpectationSuiteValidationResult:
    counted = calc_validation_statistics(results)
    return ExpectationSuiteValidationResult(
        results=results,
        success=counted.success,
        suite_name=suite.table,
        statistics={
            "evaluated_expectations": counted.evaluated_expectations,
            "successful_expectations": counted.successful_expectations,
            "unsuccessful_expectations": counted.unsuccessful_expectations,
            "success_percent": counted.success_percent,
        },
        meta={"table": suite.table, "about": suite.about},
    )


def _message(exception_info: Any) -> str:
    """The first line of what went wrong; GX nests it by metric where a metric failed."""
    if exception_info.get("exception_message"):
        return str(exception_info["exception_message"]).splitlines()[0]
    for nested in exception_info.values():
        if isinstance(nested, dict) and nested.get("exception_message"):
            return str(nested["exception_message"]).splitlines()[0]
    return ""


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
