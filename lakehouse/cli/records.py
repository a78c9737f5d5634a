"""Rows of an answer as a person or a program takes them."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa


def tuples(answer: pa.Table) -> list[tuple[Any, ...]]:
    """Rows by place, times without their zone (UTC), as Spark gives them."""
    columns = [column.to_pylist() for column in answer.columns]
    return [tuple(_plain(value) for value in row) for row in zip(*columns)]


def _plain(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def record(names: Sequence[str], row: Sequence[Any]) -> str:
    """A row as a JSON object as Spark writes it: decimals as numbers with all their digits, times with milliseconds."""
    return "{" + ",".join(f"{json.dumps(name)}:{_as_json(value)}" for name, value in zip(names, row)) + "}"


def _as_json(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return f'"{value.isoformat(timespec="milliseconds")}Z"'
    if isinstance(value, date):
        return f'"{value.isoformat()}"'
    if isinstance(value, bytes):
        return json.dumps(b64encode(value).decode())
    if isinstance(value, dict):
        return record(list(map(str, value)), [_plain(one) for one in value.values()])
    if isinstance(value, list):
        if value and all(isinstance(one, tuple) for one in value):  # a map
            return record([str(key) for key, _ in value], [_plain(one) for _, one in value])
        return "[" + ",".join(_as_json(_plain(one)) for one in value) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps("NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity")
    return json.dumps(value, ensure_ascii=False)
