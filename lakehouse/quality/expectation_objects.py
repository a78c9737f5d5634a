"""Rules as Great Expectations' objects, their verdicts from counts, and their line in Data Docs."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from great_expectations.compatibility.pydantic import ValidationError
from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.exceptions import ExpectationNotFoundError
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.registry import get_expectation_impl
from great_expectations.validator.validator import calc_validation_statistics

import lakehouse.quality.row_expectations  # noqa: F401  registers our expectations
from lakehouse.errors import InputError
from lakehouse.quality.one_pass import COUNTS_ONLY
from lakehouse.quality.outcomes import Counts
from lakehouse.quality.suites import COLUMN_KWARGS, Rule, Suite

GX_SEVERITY = {"error": "critical", "warn": "warning"}


def build_expectations(suite: Suite) -> list[Expectation]:
    """The rules as GX objects.

    Raises:
        InputError: a type that GX does not have, or arguments that it does not take; names file and rule.
    """
    return [_expectation(suite, place, rule) for place, rule in enumerate(suite.rules)]


def judge_counts(expectation: Expectation, counts: Counts) -> ExpectationValidationResult:
    """Great Expectations' own verdict from numbers that were counted elsewhere.

    The expectation gets its metrics by name, as its `_validate` (GX's extension point) takes them. GX's public way
    there, `metrics_validate`, builds the rule's configuration eighty times over and is ten times dearer.
    """
    metric = getattr(expectation, "map_metric", None)
    metrics = {
        "table.row_count": counts.rows,
        f"{metric}.unexpected_count": counts.unexpected,
        f"{metric}.unexpected_values": [],
        "column_values.nonnull.unexpected_count": counts.nulls,
    }
    if metric is None:
        metrics[expectation.unexpected_metric] = counts.unexpected  # type: ignore[attr-defined]
    found = expectation._validate(metrics, {"result_format": dict(COUNTS_ONLY)}, None)
    return expectation._build_evr(raw_response=found)


def passed_unread(expectation: Expectation) -> ExpectationValidationResult:
    """GX's result for a rule about rows of a table that has none."""
    return ExpectationValidationResult(
        success=True,
        expectation_config=expectation.configuration,
        result={"element_count": 0, "unexpected_count": 0, "unexpected_percent": 0.0},
    )


def suite_result(suite: Suite, results: list[ExpectationValidationResult]) -> ExpectationSuiteValidationResult:
    """The results of a suite's rules as GX keeps and draws them."""
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
        kind: Any = get_expectation_impl(rule.type)
    except ExpectationNotFoundError:
        raise InputError(f"{where}: Great Expectations has no {rule.type!r}") from None
    kwargs = dict(rule.kwargs)
    if rule.mostly is not None:
        kwargs["mostly"] = rule.mostly
    if rule.row_condition is not None:
        kwargs |= {"row_condition": rule.row_condition, "condition_parser": "spark"}
    try:
        built: Expectation = kind(
            **kwargs,
            meta={"place": place},
            description=describe_for_docs(rule),
            severity=GX_SEVERITY[rule.severity],
        )
        return built
    except ValidationError as error:
        first = error.errors()[0]
        named = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{where}: kwargs {named}: {first['msg']}") from None
