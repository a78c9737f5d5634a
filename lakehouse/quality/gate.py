"""The gate after a layer: every suite judged, every verdict written down, an `error` that failed stops the run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse import ops
from lakehouse.errors import GateFailed
from lakehouse.profiling import at_once, span
from lakehouse.quality.carry_over import basis
from lakehouse.quality.outcomes import RuleOutcome
from lakehouse.quality.suites import EXPECTATIONS_DIR, Suite, load_suites
from lakehouse.session import settle_environment
from lakehouse.settings import Settings

if TYPE_CHECKING:
    from lakehouse.quality.table_check import Spark, TableCheck

# Small Spark jobs are bound by the driver: two at a time keep two cores busy, more only queue.
TABLES_AT_ONCE = 2
_FINDING = "finding="
REMEDY = (
    "  readers still see the last good tables; correct the file in place and run again, or move it away and "
    "`lakehouse withdraw FILE`"
)


@dataclass(frozen=True)
class GateReport:
    """The verdicts of one gate."""

    layer: str
    run_id: str
    outcomes: tuple[RuleOutcome, ...]
    table_count: int
    data_docs: Path
    validated_at: datetime
    bases: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    carried_count: int = 0

    @property
    def failures(self) -> list[RuleOutcome]:
        """Failed rules of severity `error`."""
        return [o for o in self.outcomes if not o.passed and o.rule.severity == "error"]

    @property
    def warnings(self) -> list[RuleOutcome]:
        """Failed rules of severity `warn`."""
        return [o for o in self.outcomes if not o.passed and o.rule.severity == "warn"]

    @property
    def passed_count(self) -> int:
        """Rules that passed."""
        return sum(outcome.passed for outcome in self.outcomes)

    @property
    def headline(self) -> str:
        """The gate in one line: `31 tables, 240 of 242 rules passed, 2 warnings`."""
        said = [f"{self.table_count} tables, {self.passed_count} of {len(self.outcomes)} rules passed"]
        for count, name in ((len(self.failures), "error"), (len(self.warnings), "warning")):
            if count:
                said.append(f"{count} {name}{'' if count == 1 else 's'}")
        if self.carried_count:
            said.append(f"{self.carried_count} tables as they last passed")
        return ", ".join(said)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The verdicts as rows of `ops.validations`."""
        return [
            {**_row(outcome, self.layer, self.run_id, self.validated_at), **self.bases.get(outcome.table, {})}
            for outcome in self.outcomes
        ]

    def message(self) -> str:
        """What failed, for a person: rule, table, count, meaning, sample keys; empty if no `error` rule did."""
        if not self.failures:
            return ""
        count = len(self.failures)
        head = f"the {self.layer} gate failed: {count} {'rule' if count == 1 else 'rules'} of severity error"
        lines = [head, *(describe(outcome) for outcome in self.failures), f"  see {self.data_docs}"]
        if self.layer in ("bronze", "silver"):
            lines.append(REMEDY)
        return "\n".join(lines)

    def raise_if_failed(self) -> None:
        """Stop the run if a rule of severity `error` failed.

        Raises:
            GateFailed: with `message()`; exit code 3.
        """
        if self.failures:
            raise GateFailed(self.message())


def describe(outcome: RuleOutcome) -> str:
    """A failed rule as two or three lines of text."""
    rule = outcome.rule
    on = f" on {rule.column}" if rule.column else ""
    if outcome.sample_keys or not outcome.observed:
        found = f"{outcome.unexpected_count:,} of {outcome.element_count:,} rows fail"
    else:
        found = f"found {outcome.observed}"
    lines = [f"  {outcome.table}: {rule.label}{on}: {found}", f"    {rule.owner}"]
    findings = told_findings(outcome.sample_keys)
    if findings:
        lines += [f"    {finding}" for finding in findings]
    elif outcome.sample_keys:
        lines.append(f"    for example {'; '.join(outcome.sample_keys)}")
    return "\n".join(lines)


def told_findings(sample_keys: Iterable[str]) -> list[str]:
    """Sample keys that are sentences of their own (of a suite whose key is `finding`); none where they are keys."""
    return [key.removeprefix(_FINDING) for key in sample_keys if key.startswith(_FINDING)]


def run_gate(
    spark: Spark,
    settings: Settings,
    layer: str,
    run_id: str,
    validated_at: datetime,
    tables: Iterable[str] | None = None,
    progress: Callable[[str], None] | None = None,
    folder: Path = EXPECTATIONS_DIR,
    known: Mapping[str, tuple[RuleOutcome, ...]] | None = None,
) -> GateReport:
    """Judge the tables of a layer by their suites, append `ops.validations`, rebuild their Data Docs pages.

    Does not raise for failed rules: call `raise_if_failed()` on the report.

    Args:
        validated_at: when, with a time zone; the same for all rules of the gate.
        tables: `schema.table` names; all suites of the layer by default.
        progress: called with a table's name after it was judged.
        folder: where the suites are.
        known: outcomes by table that need no judging, as `carry_over.still_valid` finds them: written down again
            for this run; their pages in Data Docs stay.

    Raises:
        InputError: a suite is wrong or does not fit its table; names file and rule.
    """
    suites = load_suites(layer, tables, folder)
    known = known or {}
    bases = {suite.table: basis(settings, suite) for suite in suites}
    checks = _judge([suite for suite in suites if suite.table not in known], spark, settings, progress)
    judged = {check.suite.table: check.outcomes for check in checks}
    outcomes = tuple(outcome for suite in suites for outcome in (judged | dict(known))[suite.table])
    page = _write_pages(settings, checks, run_id, validated_at)
    report = GateReport(
        layer, run_id, outcomes, len(suites), page, validated_at, bases, carried_count=len(suites) - len(checks)
    )
    ops.append(settings, "validations", report.rows)
    return report


def _judge(
    suites: list[Suite], spark: Spark, settings: Settings, progress: Callable[[str], None] | None
) -> list[TableCheck]:
    if not suites:
        return []
    settle_environment()  # the first table that needs Spark starts it, in a thread
    with span("import Great Expectations"):
        from lakehouse.quality.table_check import check_table

    def judge(suite: Suite) -> TableCheck:
        with span(suite.table):
            check = check_table(spark, settings, suite)
        if progress is not None:
            progress(suite.table)
        return check

    with ThreadPoolExecutor(at_once(TABLES_AT_ONCE)) as pool:
        return list(pool.map(judge, suites))


def _write_pages(settings: Settings, checks: list[TableCheck], run_id: str, validated_at: datetime) -> Path:
    if not checks:
        return settings.reports_dir / "data_docs" / "index.html"
    from lakehouse.quality.data_docs import write_data_docs

    with span("Data Docs"):
        return write_data_docs(settings.reports_dir, checks, run_id, validated_at)


def _row(outcome: RuleOutcome, layer: str, run_id: str, validated_at: datetime) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "layer": layer,
        "table_name": outcome.table,
        "rule": outcome.rule.label,
        "column_name": outcome.rule.column,
        "severity": outcome.rule.severity,
        "owner_sentence": outcome.rule.owner,
        "passed": outcome.passed,
        "element_count": outcome.element_count,
        "unexpected_count": outcome.unexpected_count,
        "sample_keys": json.dumps(list(outcome.sample_keys), ensure_ascii=False),
        "validated_at": validated_at,
        "observed": outcome.observed or None,
    }
