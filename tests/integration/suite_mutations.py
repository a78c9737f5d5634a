"""For a rule of a suite, good rows changed so that the rule must fail; derived from the rule, not written by hand.

Rows are changed as a whole (every row gets the bad value), so that no `mostly` can hide it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
from sqlglot import exp

from lakehouse.quality.arrow_condition import ArrowCondition
from lakehouse.quality.suites import Rule

NOW = datetime(2100, 1, 1, tzinfo=timezone.utc)
COMBINATIONS = 20_000
# Values that conditions turn on. A condition that none of their combinations breaks is taken for one that cannot fail.
NUMBERS: tuple[int, ...] = (0, 1, -1, 2, 10**6)
TEXTS = ("A", "?", " X@y", "auc", "CNY", "CNY\n", "+8613800000000", "ann@shop.cn")
DAYS = (date(2020, 1, 1), date(2020, 1, 2), date(1900, 1, 1), date(9000, 1, 1))


def mutated(rule: Rule, good: pa.Table) -> pa.Table | None:
    """The rows with what the rule forbids in them; None where nothing that is tried makes it fail."""
    column = rule.kwargs.get("column")
    if rule.type == "expect_column_values_to_not_be_null":
        return with_values(good, {column: None})
    if rule.type == "expect_column_values_to_be_between":
        low, high = rule.kwargs.get("min_value"), rule.kwargs.get("max_value")
        return with_values(good, {column: high + 1 if low is None else low - 1})
    if rule.type == "expect_column_values_to_be_in_set":
        return with_values(good, {column: "none of them"})
    if rule.type == "expect_key_to_be_unique":
        return pa.concat_tables([good, good])
    if rule.type == "expect_rows_to_satisfy":
        broken = counterexample(rule.kwargs["condition"], good.schema)
        return None if broken is None else with_values(good, broken)
    return None


def counterexample(condition: str, schema: pa.Schema) -> dict[str, Any] | None:
    """Values of the condition's columns for which it is false; None if no combination of the tried ones is."""
    (tried,) = combinations(condition, schema).combine_chunks().to_batches()
    broken = ArrowCondition(condition, schema, NOW).broken(tried)
    place = pc.index(broken, True).as_py()
    return None if place < 0 else tried.slice(place, 1).to_pylist()[0]


def combinations(condition: str, schema: pa.Schema) -> pa.Table:
    """Rows of the condition's columns: every combination of the values to try, a bounded number spread over all."""
    columns = ArrowCondition(condition, schema, NOW).columns
    chosen = pa.schema([schema.field(name) for name in columns])
    literals = [literal.this for literal in sqlglot.parse_one(condition, dialect="spark").find_all(exp.Literal)]
    choices = [values_of(field.type, literals) for field in chosen]
    total = 1
    for choice in choices:
        total *= len(choice)
    step = total // COMBINATIONS + 1
    step += step % 2 == 0  # an even step would leave out half of the values of the last columns
    rows = itertools.islice(itertools.product(*choices), 0, None, step) if total < 10**7 else _one_at_a_time(choices)
    return pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in rows], schema=chosen)


def with_values(good: pa.Table, values: dict[str, Any]) -> pa.Table:
    """All rows with these values in these columns."""
    for name, value in values.items():
        place = good.schema.get_field_index(name)
        field = good.schema.field(name)
        given = Decimal(value) if pa.types.is_decimal(field.type) and isinstance(value, int) else value
        good = good.set_column(place, field.with_nullable(True), pa.array([given] * good.num_rows, field.type))
    return good


def values_of(kind: pa.DataType, literals: Sequence[str] = ()) -> list[Any]:
    """What is tried in a column of this type, the texts and numbers that the condition itself names among it."""
    named = [float(literal) for literal in literals if re.fullmatch(r"\d+(\.\d+)?", literal)]
    if pa.types.is_boolean(kind):
        return [True, False, None]
    if pa.types.is_integer(kind):
        return [*NUMBERS, None]
    if pa.types.is_floating(kind):
        return [*map(float, NUMBERS), 0.5, *(number + step for number in named for step in (-0.1, 0.1)), None]
    if pa.types.is_decimal(kind):
        return [*map(Decimal, NUMBERS), None]
    if pa.types.is_date(kind):
        return [*DAYS, None]
    if pa.types.is_timestamp(kind):
        return [*(datetime(d.year, d.month, d.day, tzinfo=timezone.utc) + timedelta(hours=1) for d in DAYS), None]
    if pa.types.is_list(kind):
        return [[], values_of(kind.value_type)[:1] * 9, None]
    return [*TEXTS, *(literal for literal in literals if literal not in TEXTS), None]


def first_good(rows: pa.Table, rules: Sequence[Rule], count: int = 20) -> pa.Table:
    """The first rows that break no condition and no range of the suite."""
    for rule in rules:
        if rule.type == "expect_rows_to_satisfy" and rows.num_rows:
            condition = ArrowCondition(rule.kwargs["condition"], rows.schema, NOW)
            rows = rows.filter(pc.invert(condition.broken(rows.combine_chunks().to_batches()[0])))
    return rows.slice(0, count).combine_chunks()


def _one_at_a_time(choices: list[list[Any]]) -> list[tuple[Any, ...]]:
    """With too many columns to combine: each value in each column, beside the first value of the others."""
    first = tuple(choice[0] for choice in choices)
    return [(*first[:n], value, *first[n + 1 :]) for n, choice in enumerate(choices) for value in choice]
