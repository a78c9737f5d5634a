"""The rows that break a rule, by their keys, read from the table's files as failing_rows.py has them from Spark.

A warning on a laptop must not cost the start of a session: what files can tell is told here.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.quality.arrow_condition import UTC, ArrowCondition, NotForArrow
from lakehouse.quality.file_counts import Rows, as_condition, is_counted
from lakehouse.quality.outcomes import SAMPLE_SIZE
from lakehouse.quality.repeated_keys import in_parts
from lakehouse.quality.suites import Rule

Key: TypeAlias = tuple[str | None, ...]
MOST_REPEATED = 1_000_000


def failing_keys(rows: Rows, rule: Rule, key: Sequence[str], now: datetime) -> list[str] | None:
    """Up to five keys of rows that break the rule, as `column=value, …`, in the order of their texts.

    Args:
        key: the columns that name a row; without any there is nothing to show.
        now: what `current_timestamp()` is in conditions.

    Returns:
        None where files cannot tell for certain.
    """
    schema = rows.schema
    if schema is None or rule.row_condition is not None or not is_counted(rule):
        return None
    if not all(_has_text(schema.field(name).type) for name in key):
        return None
    if not key:
        return []
    try:
        unique = rule.type == "expect_key_to_be_unique"
        found = _first_of_each_repeated(rows, rule, key, schema) if unique else _breaking(rows, rule, key, schema, now)
        least = heapq.nsmallest(SAMPLE_SIZE, found, key=_order)
    except NotForArrow:
        return None
    return [", ".join(f"{name}={text}" for name, text in zip(key, one, strict=True)) for one in least]


def _breaking(rows: Rows, rule: Rule, key: Sequence[str], schema: pa.Schema, now: datetime) -> Iterator[Key]:
    columns, broken = _broken(rule, schema, now)
    for batch in rows.batches(sorted({*columns, *key})):
        yield from _texts(batch.filter(broken(batch)), key)


def _broken(rule: Rule, schema: pa.Schema, now: datetime) -> tuple[Sequence[str], Callable[[pa.RecordBatch], pa.Array]]:
    """The columns that the rule names, and which rows of a batch break it."""
    if rule.type == "expect_column_values_to_not_be_null":
        column = rule.kwargs["column"]
        return [column], lambda batch: pc.is_null(batch.column(column))
    text = as_condition(rule, schema)
    if text is None:
        raise NotForArrow
    condition = ArrowCondition(text, schema, now)
    return condition.columns, condition.broken


def _first_of_each_repeated(rows: Rows, rule: Rule, key: Sequence[str], schema: pa.Schema) -> Iterator[Key]:
    """Of every value of the rule's columns that comes more than once the row whose key is the least."""
    columns = list(rule.kwargs["columns"])
    kinds = [schema.field(name).type for name in columns]
    if any(pa.types.is_floating(kind) or pa.types.is_nested(kind) for kind in kinds):
        raise NotForArrow
    for some in in_parts(rows.row_count, lambda: rows.batches(sorted({*columns, *key})), columns):
        yield from _first_of_each(some, columns, key)


def _first_of_each(table: pa.Table, columns: Sequence[str], key: Sequence[str]) -> Iterator[Key]:
    numbered = table.append_column("__row", pa.array(np.arange(len(table))))
    grouped = numbered.group_by(columns, use_threads=False).aggregate([("__row", "list")])
    places = grouped.column("__row_list").combine_chunks()
    repeated = places.filter(pc.greater(pc.list_value_length(places), 1))
    hit = repeated.flatten()
    if len(hit) > MOST_REPEATED:
        raise NotForArrow
    keys = _texts(table.take(hit), key)
    for size in pc.list_value_length(repeated).to_pylist():
        yield min(islice(keys, size), key=_order)


def _texts(rows: pa.RecordBatch | pa.Table, columns: Sequence[str]) -> Iterator[Key]:
    """The rows' values as Spark's cast writes them."""
    return zip(*(_text(rows.column(name)).to_pylist() for name in columns), strict=True)


def _text(values: Any) -> Any:
    if not pa.types.is_timestamp(values.type):
        return values.cast(pa.string())
    years = pc.min_max(pc.year(values)).as_py()
    if years["min"] is not None and not 1000 <= years["min"] <= years["max"] <= 9999:
        raise NotForArrow
    text = pc.strftime(values.cast(pa.timestamp("us")), format="%Y-%m-%d %H:%M:%S")
    return pc.replace_substring_regex(text, r"\.?0*$", "")


def _has_text(kind: pa.DataType) -> bool:
    """Whether a value of this type can be written as Spark's cast writes it."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return kind == UTC or any(
        is_so(kind)
        for is_so in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_signed_integer,
            pa.types.is_date32,
            pa.types.is_boolean,
        )
    )


def _order(key: Key) -> tuple[tuple[bool, str], ...]:
    """As Spark orders texts: nulls first, then by code point."""
    return tuple((text is not None, text or "") for text in key)
