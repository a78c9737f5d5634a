"""Counts of a rule from the table's files: footers first, then one streaming pass, a rule that resists is left out.

Every count is exact: what cannot be told for certain here is Spark's (row_counts.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

import pyarrow as pa
from sqlglot import exp

from lakehouse.quality.arrow_condition import ArrowCondition, NotForArrow
from lakehouse.quality.clock import eases_by_time
from lakehouse.quality.kept_counts import KeptCounts, sharing
from lakehouse.quality.outcomes import Counts
from lakehouse.quality.repeated_keys import in_parts, rows_repeating_key
from lakehouse.quality.stored_table import Bounds
from lakehouse.quality.suites import Rule

# The arguments with which a rule is counted by us; with any other it is Great Expectations' own affair.
COUNTED_KWARGS = {
    "expect_column_values_to_not_be_null": {"column"},
    "expect_column_values_to_be_between": {"column", "min_value", "max_value", "strict_min", "strict_max"},
    "expect_column_values_to_be_in_set": {"column", "value_set"},
    "expect_rows_to_satisfy": {"condition"},
    "expect_key_to_be_unique": {"columns"},
}


IN_MEMORY = "rows in memory"
LINEAGE = ("_batch_id",)
"""Key columns of which a file has few values, and none that says who somebody is: these values are kept."""
MOST_FILES = 500
"""More are not compared with each other."""


class Rows(Protocol):
    """Rows that can be counted here: a stored table, or a measure's few rows in memory."""

    @property
    def schema(self) -> pa.Schema | None: ...

    @property
    def row_count(self) -> int: ...

    def null_count(self, column: str) -> int | None: ...

    def bounds(self, column: str) -> Bounds | None: ...

    @property
    def files(self) -> list[str]: ...

    def file_bounds(self, column: str, file: str) -> Bounds | None: ...

    def batches(self, columns: Sequence[str], files: Collection[str] | None = None) -> Iterator[pa.RecordBatch]: ...


class MeasuredRows:
    """A measure's rows in memory."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.columns: list[str] = table.column_names
        self.bytes: int = table.nbytes

    @property
    def schema(self) -> pa.Schema:
        return self.table.schema

    @property
    def row_count(self) -> int:
        return int(self.table.num_rows)

    def null_count(self, column: str) -> int:
        return int(self.table.column(column).null_count)

    def bounds(self, column: str) -> None:
        return None

    @property
    def files(self) -> list[str]:
        return [IN_MEMORY]

    def file_bounds(self, column: str, file: str) -> None:
        return None

    def batches(self, columns: Sequence[str], files: Collection[str] | None = None) -> Iterator[pa.RecordBatch]:
        yield from self.table.select(list(columns)).to_batches()


def is_counted(rule: Rule) -> bool:
    """Whether the rule's verdict is made of counts that we know how to take."""
    known = COUNTED_KWARGS.get(rule.type)
    if known is None or not set(rule.kwargs) <= known:
        return False
    if rule.type == "expect_column_values_to_be_between":
        return all(_is_number(rule.kwargs[end]) for end in ("min_value", "max_value") if end in rule.kwargs)
    if rule.type == "expect_column_values_to_be_in_set":
        values = rule.kwargs["value_set"]
        return bool(values) and (all(isinstance(v, str) for v in values) or all(type(v) is int for v in values))
    return True


def count_by_files(
    rows: Rows, rules: Sequence[Rule], now: datetime, kept: KeptCounts | None = None
) -> dict[int, Counts]:
    """The counts of those rules (by their place) that files can tell.

    Args:
        now: the time that `current_timestamp()` stands for in conditions.
        kept: what is known of the files from before; what is found is added to it.
    """
    kept = kept or KeptCounts()
    judged = {place: rule for place, rule in enumerate(rules) if is_counted(rule)}
    if rows.row_count == 0:
        return {place: Counts(0, 0) for place in judged}
    if rows.schema is None:
        return {}
    judged = {place: rule for place, rule in judged.items() if rule.row_condition is None}
    counts = {place: found for place, rule in judged.items() if (found := _by_figures(rows, rule)) is not None}
    counts |= _by_keys(rows, {place: rule for place, rule in judged.items() if place not in counts}, kept, now)
    left = {place: rule for place, rule in judged.items() if place not in counts}
    return counts | _by_conditions(rows, _conditions(rows, left, now), left, kept, now)


def _by_figures(rows: Rows, rule: Rule) -> Counts | None:
    """Null counts and bounds say all that is asked, without reading a row."""
    if rule.type == "expect_column_values_to_not_be_null":
        nulls = rows.null_count(rule.kwargs["column"])
        return None if nulls is None else Counts(rows.row_count, nulls, nulls)
    if rule.type != "expect_column_values_to_be_between":
        return None
    nulls, bounds = rows.null_count(rule.kwargs["column"]), rows.bounds(rule.kwargs["column"])
    if nulls is None or bounds is None or not _within(bounds, rule.kwargs):
        return None
    return Counts(rows.row_count, 0, nulls)


def _within(bounds: Bounds, kwargs: Mapping[str, Any]) -> bool:
    if bounds.least is None:
        return True
    if not (_is_number(bounds.least) and _is_number(bounds.greatest)):
        return False
    least, greatest = kwargs.get("min_value"), kwargs.get("max_value")
    low, high = _comparable(bounds.least, least), _comparable(bounds.greatest, greatest)
    if least is not None and not (low > least if kwargs.get("strict_min") else low >= least):
        return False
    return greatest is None or bool(high < greatest if kwargs.get("strict_max") else high <= greatest)


def _comparable(stored: Any, given: Any) -> Any:
    """Spark compares with a double as a double."""
    return float(stored) if isinstance(given, float) else stored


def _by_keys(rows: Rows, rules: Mapping[int, Rule], kept: KeptCounts, now: datetime) -> dict[int, Counts]:
    counts = {}
    for place, rule in rules.items():
        if rule.type == "expect_key_to_be_unique":
            found = [
                _repeated(rows, rule.kwargs["columns"], group, kept, now)
                for group in _files_sharing_keys(rows, rule.kwargs["columns"], kept, now)
            ]
            if all(repeated is not None for repeated in found):
                counts[place] = Counts(rows.row_count, sum(repeated or 0 for repeated in found))
    return counts


def _repeated(rows: Rows, columns: Sequence[str], files: list[str], kept: KeptCounts, now: datetime) -> int | None:
    """Rows of these files beyond the first of each key."""
    known: int | None = kept.get(["key", columns], files)
    if known is not None:
        return known
    repeated, about = 0, rows.row_count * len(files) // len(rows.files)
    for some in in_parts(about, lambda: rows.batches(columns, files), columns):
        of_part = rows_repeating_key(some)
        if of_part is None:
            return None
        repeated += of_part
    kept.put(["key", columns], files, repeated, now)
    return repeated


def _files_sharing_keys(rows: Rows, columns: Sequence[str], kept: KeptCounts, now: datetime) -> list[list[str]]:
    """The files in groups that have no key in common: in some column of it their values are others."""
    files = rows.files
    if not 1 < len(files) <= MOST_FILES:
        return [files]
    bounds = {(column, file): rows.file_bounds(column, file) for column in columns for file in files}
    few = {column: _values_of_files(rows, column, kept, now) for column in columns if column in LINEAGE}

    def may_share(one: str, other: str) -> bool:
        return all(
            _overlap(bounds[column, one], bounds[column, other])
            and (column not in few or not few[column][one].isdisjoint(few[column][other]))
            for column in columns
        )

    return sharing(files, may_share)


def _values_of_files(rows: Rows, column: str, kept: KeptCounts, now: datetime) -> dict[str, set[Any]]:
    found = {}
    for file in rows.files:
        values = kept.get(["values", column], [file])
        if values is None:
            values = pa.Table.from_batches(rows.batches([column], [file])).column(column).unique().to_pylist()
            kept.put(["values", column], [file], values, now)
        found[file] = set(values)
    return found


def _overlap(one: Bounds | None, other: Bounds | None) -> bool:
    """Whether values within these bounds may be equal; certain only where both are known."""
    if one is None or other is None or one.least is None or other.least is None:
        return True
    return bool(one.least <= other.greatest and other.least <= one.greatest)


def _conditions(rows: Rows, rules: Mapping[int, Rule], now: datetime) -> dict[int, ArrowCondition]:
    found = {}
    for place, rule in rules.items():
        text = None if rows.schema is None else as_condition(rule, rows.schema)
        if text is not None:
            try:
                found[place] = ArrowCondition(text, rows.schema, now)
            except NotForArrow:
                continue
    return found


def as_condition(rule: Rule, schema: pa.Schema) -> str | exp.Expression | None:
    """The rule as a condition that is true, or null for a null, where the row is good."""
    if rule.type == "expect_rows_to_satisfy":
        return str(rule.kwargs["condition"])
    column = exp.column(rule.kwargs.get("column", ""), quoted=True)
    if rule.type == "expect_column_values_to_be_in_set":
        return exp.In(this=column, expressions=[exp.convert(value) for value in rule.kwargs["value_set"]])
    if rule.type != "expect_column_values_to_be_between":
        return None
    low, high = rule.kwargs.get("min_value"), rule.kwargs.get("max_value")
    ends: list[exp.Expression] = []
    if low is not None:
        ends.append((exp.GT if rule.kwargs.get("strict_min") else exp.GTE)(this=column, expression=_literal(low)))
    if high is not None:
        ends.append((exp.LT if rule.kwargs.get("strict_max") else exp.LTE)(this=column, expression=_literal(high)))
    fractions = any(isinstance(end, float) and not end.is_integer() for end in (low, high))
    if not ends or (fractions and not pa.types.is_float64(schema.field(rule.kwargs["column"]).type)):
        return None  # Great Expectations compares with a double, a condition with a decimal
    return exp.and_(*ends)


def _literal(number: float) -> exp.Expression:
    size = exp.Literal.number(f"{abs(Decimal(repr(number))):f}")
    return exp.Neg(this=size) if number < 0 else size


def _by_conditions(
    rows: Rows, conditions: Mapping[int, ArrowCondition], rules: Mapping[int, Rule], kept: KeptCounts, now: datetime
) -> dict[int, Counts]:
    """All conditions in one pass over the columns that they name, of files of which it is not known yet."""
    left = dict(conditions)
    broken = dict.fromkeys(left, 0)
    for file in rows.files:
        known = {place: _known_breaking(left[place], file, kept, now) for place in left}
        asked = {place: left[place] for place, count in known.items() if count is None}
        counted = _breaking(rows, asked, file)
        for place in asked.keys() - counted.keys():
            del left[place]
        for place, count in counted.items():
            if not left[place].tells_time or (count == 0 and eases_by_time(rules[place])):
                kept.put(left[place].digest, [file], count, now)
        for place in left:
            broken[place] += counted[place] if place in counted else known[place] or 0
    counts = {}
    for place in left:
        column = rules[place].kwargs.get("column")
        nulls = 0 if column is None else rows.null_count(column)
        if nulls is not None:
            counts[place] = Counts(rows.row_count, broken[place], nulls)
    return counts


def _known_breaking(condition: ArrowCondition, file: str, kept: KeptCounts, now: datetime) -> int | None:
    found: int | None = kept.get(condition.digest, [file], since=now if condition.tells_time else None)
    return found


def _breaking(rows: Rows, conditions: Mapping[int, ArrowCondition], file: str) -> dict[int, int]:
    """How many rows of a file break each condition; those that Arrow cannot judge on it are left out."""
    left = dict(conditions)
    broken = dict.fromkeys(left, 0)
    wanted = sorted({column for condition in left.values() for column in condition.columns})
    for batch in rows.batches(wanted, [file]) if wanted else ():
        for place, condition in list(left.items()):
            try:
                broken[place] += condition.breaking(batch)
            except NotForArrow:
                del left[place], broken[place]
    return broken


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
