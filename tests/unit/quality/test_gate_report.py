"""What a gate tells a person, and when it stops the run."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from lakehouse.errors import GateFailed
from lakehouse.quality.gate import GateReport
from lakehouse.quality.outcomes import RuleOutcome
from lakehouse.quality.suites import Rule

NOON = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)


def outcome(severity: str, passed: bool) -> RuleOutcome:
    rule = Rule(
        type="expect_column_values_to_be_between",
        severity=severity,
        owner="a negative price makes revenue too low; tell the shop",
        kwargs={"column": "unit_price", "min_value": 0},
    )
    return RuleOutcome(
        rule=rule,
        table="silver.order_lines",
        passed=passed,
        element_count=1200,
        unexpected_count=0 if passed else 3,
        sample_keys=() if passed else ("order_id=A1", "order_id=A2"),
    )


def report(*outcomes: RuleOutcome) -> GateReport:
    return GateReport("silver", "run-1", outcomes, 1, Path("/home/reports/data_docs/index.html"), NOON)


def test_a_failed_error_rule_stops_with_rule_table_count_meaning_and_keys() -> None:
    with pytest.raises(GateFailed) as stopped:
        report(outcome("error", passed=False), outcome("error", passed=True)).raise_if_failed()
    assert stopped.value.exit_code == 3
    assert str(stopped.value) == (
        "the silver gate failed: 1 rule of severity error\n"
        "  silver.order_lines: expect_column_values_to_be_between on unit_price: 3 of 1,200 rows fail\n"
        "    a negative price makes revenue too low; tell the shop\n"
        "    for example order_id=A1; order_id=A2\n"
        "  see /home/reports/data_docs/index.html\n"
        "  readers still see the last good tables; correct the file in place and run again, or move it away and "
        "`lakehouse withdraw FILE`"
    )


def test_a_failed_warning_is_reported_and_does_not_stop() -> None:
    warned = report(outcome("warn", passed=False), outcome("error", passed=True))
    warned.raise_if_failed()
    assert warned.message() == ""
    assert [o.unexpected_count for o in warned.warnings] == [3]
    assert (warned.failures, warned.passed_count) == ([], 1)


def test_the_headline_counts_tables_rules_errors_and_warnings() -> None:
    told = report(outcome("warn", passed=False), outcome("error", passed=False), outcome("error", passed=True))
    assert told.headline == "1 tables, 1 of 3 rules passed, 1 error, 1 warning"
    assert report(outcome("error", passed=True)).headline == "1 tables, 1 of 1 rules passed"


def test_rows_are_those_of_ops_validations() -> None:
    (row,) = report(outcome("error", passed=False)).rows
    assert row == {
        "run_id": "run-1",
        "layer": "silver",
        "table_name": "silver.order_lines",
        "rule": "expect_column_values_to_be_between",
        "column_name": "unit_price",
        "severity": "error",
        "owner_sentence": "a negative price makes revenue too low; tell the shop",
        "passed": False,
        "element_count": 1200,
        "unexpected_count": 3,
        "sample_keys": '["order_id=A1", "order_id=A2"]',
        "validated_at": NOON,
        "observed": None,
    }
