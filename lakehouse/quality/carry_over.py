"""Verdicts that still hold: of suites whose tables, rules and judge are those they last passed with.

A gate over an increment judges what changed. What a verdict rests on is written beside it in `ops.validations`:

- `table_states`: for every table that the suite reads (its own; those that a `query:` or condition names as
  schema.table; those that a `measure:` declares) a digest of its id, version and current files. A version alone could
  come again: after a table was dropped and made anew, or a home restored from a copy.
- `suite_digest`: the suite as declared, the code of this package and of the entities, Great Expectations' version.

A rule that looks at the clock holds on only if time can but ease it (`seen_at <= current_timestamp() + …`, `born
between 1900 and year(current_date())`) and it broke on no row, and not if the clock was set back; a suite with any
other rule about the clock, or with anything random, is always judged.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from lakehouse import entities, ops
from lakehouse.quality.clock import CLOCK, eases_by_time
from lakehouse.quality.measures import MEASURES
from lakehouse.quality.outcomes import RuleOutcome
from lakehouse.quality.suites import Rule, Suite
from lakehouse.settings import SCHEMAS, Settings
from lakehouse.storage import find_table

Outcomes = tuple[RuleOutcome, ...]
NAMED_TABLE = re.compile(rf"\b(?:{'|'.join(SCHEMAS)})\.\w+", re.IGNORECASE)


def suite_digest(suite: Suite) -> str:
    """What judges: the suite as declared, our code, Great Expectations."""
    declared = [suite.table, suite.query, suite.measure, suite.key, [vars(rule) for rule in suite.rules]]
    text = json.dumps([declared, judge_digest()], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def table_states(settings: Settings, suite: Suite) -> dict[str, str] | None:
    """The state of every table that the suite reads; None if one of them has no folder, so that it cannot be told."""
    states = {}
    for table in sorted(_tables_read(suite)):
        found = find_table(settings, table)
        if found is None:
            return None
        states[table] = _state(found)
    return states


def still_valid(settings: Settings, suites: Iterable[Suite], now: datetime) -> dict[str, Outcomes]:
    """By table, the outcomes of those suites whose last verdict passed and still holds.

    A verdict with failed warnings is carried over with them; one with a failed error is not, nor one whose page in
    Data Docs is gone.

    Args:
        now: when the gate judges, with a time zone.
    """
    last = _last_verdicts(settings)
    found = {}
    for suite in suites:
        rows = last.get(suite.table, [])
        if (
            rows
            and not CLOCK.search(suite.query or "")
            and _has_page(settings, suite)
            and _rests_on(settings, suite, rows[0])
        ):
            outcomes = _outcomes(suite, rows)
            if outcomes and all(_holds_on(outcome, rows[0]["validated_at"], now) for outcome in outcomes):
                found[suite.table] = outcomes
    return found


def basis(settings: Settings, suite: Suite) -> dict[str, str | None]:
    """The columns of `ops.validations` that say what a verdict rests on; take them before judging."""
    states = table_states(settings, suite)
    return {
        "suite_digest": suite_digest(suite),
        "table_states": None if states is None else json.dumps(states, sort_keys=True),
    }


def _rests_on(settings: Settings, suite: Suite, row: Mapping[str, Any]) -> bool:
    if row.get("suite_digest") != suite_digest(suite) or not row.get("table_states"):
        return False
    return bool(json.loads(row["table_states"]) == table_states(settings, suite))


def _tables_read(suite: Suite) -> set[str]:
    texts = [suite.query or ""]
    texts += [str(value) for rule in suite.rules for value in (*rule.kwargs.values(), rule.row_condition or "")]
    named = {table.lower() for text in texts for table in NAMED_TABLE.findall(text.replace("`", ""))}
    if suite.measure is not None:
        return named | set(MEASURES[suite.measure].tables)
    return named if suite.query is not None else named | {suite.table}


def _state(table: DeltaTable) -> str:
    actions = pa.table(table.get_add_actions(flatten=True))
    names = [name for name in actions.column_names if name in ("path", "size_bytes") or name.startswith("deletion_")]
    files = sorted(str(list(row.values())) for row in actions.select(names).to_pylist())
    text = json.dumps([table.metadata().id, table.version(), files])
    return f"{table.version()}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _last_verdicts(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """The newest verdict's rows of every suite."""
    newest: dict[str, list[dict[str, Any]]] = {}
    for row in ops.read(settings, "validations"):
        rows = newest.setdefault(row["table_name"], [])
        if rows and (row["validated_at"], row["run_id"]) > (rows[0]["validated_at"], rows[0]["run_id"]):
            rows.clear()
        if not rows or (row["validated_at"], row["run_id"]) == (rows[0]["validated_at"], rows[0]["run_id"]):
            rows.append(row)
    return newest


def _outcomes(suite: Suite, rows: list[dict[str, Any]]) -> Outcomes:
    """The rows as outcomes in the order of the suite's rules; none if they are not exactly its rules."""
    by_rule = {(row["rule"], row["column_name"]): row for row in rows}
    if len(rows) != len(suite.rules) or any((rule.label, rule.column) not in by_rule for rule in suite.rules):
        return ()
    return tuple(_outcome(suite, rule, by_rule[rule.label, rule.column]) for rule in suite.rules)


def _outcome(suite: Suite, rule: Rule, row: Mapping[str, Any]) -> RuleOutcome:
    return RuleOutcome(
        rule=rule,
        table=suite.table,
        passed=row["passed"],
        element_count=row["element_count"],
        unexpected_count=row["unexpected_count"],
        observed=row.get("observed") or "",
        sample_keys=tuple(json.loads(row["sample_keys"])),
    )


def _holds_on(outcome: RuleOutcome, judged_at: datetime, now: datetime) -> bool:
    rule = outcome.rule
    if not outcome.passed and rule.severity == "error":
        return False
    texts = [str(value) for value in rule.kwargs.values()] + [rule.row_condition or ""]
    if not any(CLOCK.search(text) for text in texts):
        return True
    return eases_by_time(rule) and outcome.unexpected_count == 0 and now >= judged_at


def _has_page(settings: Settings, suite: Suite) -> bool:
    return (settings.reports_dir / "data_docs" / "validations").joinpath(*suite.table.split(".")).exists()


@cache
def judge_digest() -> str:
    """What judges: our code, that of the entities, the versions of Great Expectations and pyspark."""
    digest = hashlib.sha256(version("great-expectations").encode() + version("pyspark").encode())
    for path in [Path(entities.__file__), *sorted(Path(__file__).parent.glob("*.py"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()
