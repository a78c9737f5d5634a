"""JSON lines as blocks of text columns: scalars as they were written, nested values as JSON text.

Arrow's parser takes a block whole where that loses nothing; Python reads the lines of a block that holds
nested values, numbers whose text Arrow would change, or anything that is not valid JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as arrow_json

from lakehouse.bronze.csv_lines import Dialect, find_lines
from lakehouse.bronze.records import Block, Fault, text_array
from lakehouse.bronze.text_blocks import BLOCK_BYTES, TextBlock, text_blocks
from lakehouse.errors import InputError

INVALID_JSON = "invalid_json"
NOT_AN_OBJECT = "not_an_object"
UNDECODABLE = "undecodable_bytes"

_PEEK_BYTES = 4 << 20
_PLAIN_LINES = Dialect(",", "")
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_MARKED = re.compile(r'"\\u0000(.*?)\\u0000"')
_OPEN, _CLOSE, _RETURN = ord("{"), ord("}"), 13


class _Lossy(Exception):
    """Arrow cannot give this block's values as they were written."""


class _Number(str):
    """A number's text."""


def _mark(number: str) -> str:
    """A number's text, told from other text by the NUL characters around it, which the line has nowhere else."""
    return f"\0{number}\0"


# Made once: making a decoder costs as much as a line.
_MARKING = json.JSONDecoder(parse_float=_mark, parse_constant=_mark, strict=False)
_TYPING = json.JSONDecoder(parse_int=_Number, parse_float=_Number, parse_constant=_Number, strict=False)


@dataclass(frozen=True)
class JsonLinesFile:
    """A file with one JSON object a line."""

    path: Path
    compression: str = "none"
    encoding: str | None = None
    block_bytes: int = BLOCK_BYTES

    def columns(self) -> list[str]:
        """Keys of the records at the file's beginning, in order of appearance."""
        return self._first_names

    @cached_property
    def _first_names(self) -> list[str]:
        for text in text_blocks(self.path, self.compression, self.encoding, _PEEK_BYTES):
            if text.data.strip():
                self._refuse_other_formats(text)
                return list(_Reader().read(text, 0).columns)
        raise InputError(f"{self.path} is empty")

    def all_columns(self) -> list[str]:
        names: dict[str, None] = {}
        for block in self.blocks():
            names.update(dict.fromkeys(block.columns))
        return list(names)

    def blocks(self) -> Iterator[Block]:
        reader = _Reader()
        seen_before = 0
        for text in text_blocks(self.path, self.compression, self.encoding, self.block_bytes):
            block = reader.read(text, seen_before)
            seen_before += block.seen
            if block.seen:
                yield block

    def _refuse_other_formats(self, text: TextBlock) -> None:
        lines = [line for line in text.data.split(b"\n", 20)[:20] if line.strip()]
        if any(line.lstrip().startswith(b"{") for line in lines):
            if lines[0].strip() == b"{":
                raise InputError(f"{self.path} is one JSON document; JSON lines have one object on each line")
            return
        if lines[0].lstrip().startswith(b"["):
            raise InputError(f"{self.path} is a JSON array; write it as JSON lines, one object a line")
        raise InputError(f"{self.path} is not JSON lines: its first line begins {lines[0][:40].decode()!r}")


class _Reader:
    """Reads blocks of one file; remembers which columns are text, and whether Arrow is worth trying."""

    def __init__(self) -> None:
        self._texts: dict[str, pa.DataType] = {}
        self._arrow_failed = 0

    def read(self, text: TextBlock, seen_before: int) -> Block:
        data = text.data
        if not data:
            return Block(0, pa.array([], pa.int64()), {}, [])
        lines = find_lines(data, _PLAIN_LINES)
        content = np.frombuffer(data, np.uint8)
        ends = lines.ends - ((lines.ends > lines.starts) & (content[lines.ends - 1] == _RETURN))
        whole = ~lines.blank & (content[lines.starts] == _OPEN) & (content[ends - 1] == _CLOSE)
        undecodable = np.searchsorted(lines.starts, text.undecodable, side="right") - 1
        whole[undecodable] = False
        odd = [i for i in np.flatnonzero(~whole).tolist() if data[lines.starts[i] : lines.ends[i]].strip()]
        is_record = whole.copy()
        is_record[odd] = True
        numbers = seen_before + np.cumsum(is_record)
        by_line = set(odd)
        columns: dict[str, pa.Array] = {}
        usual = np.flatnonzero(whole)
        # After three blocks that Arrow could not take, the file is read by Python without trying.
        if len(usual) and self._arrow_failed < 3:
            try:
                columns = self._with_arrow(_kept(data, lines.starts, lines.ends, usual), len(usual))
                self._arrow_failed = 0
            except _Lossy:
                self._arrow_failed += 1
                by_line.update(usual.tolist())
                usual = usual[:0]
        elif len(usual):
            by_line.update(usual.tolist())
            usual = usual[:0]
        bad = set(undecodable.tolist())
        rows: list[dict[str, str | None]] = []
        row_numbers: list[int] = []
        faults: list[Fault] = []
        for i in sorted(by_line):
            raw = data[lines.starts[i] : lines.ends[i]].decode("utf-8").rstrip("\r")
            record = UNDECODABLE if i in bad else parse_line(raw)
            if isinstance(record, str):
                faults.append(Fault(int(numbers[i]), record, raw))
            else:
                rows.append(record)
                row_numbers.append(int(numbers[i]))
        all_numbers = np.concatenate([numbers[usual], np.array(row_numbers, np.int64)]).astype(np.int64)
        return Block(
            seen=int(np.count_nonzero(is_record)),
            row_numbers=pa.array(all_numbers),
            columns=_joined(columns, len(usual), rows),
            faults=faults,
        )

    def _with_arrow(self, data: bytes, count: int) -> dict[str, pa.Array]:
        """The columns of `count` lines, each an object by the look of its ends.

        Raises:
            _Lossy: Arrow refuses a line, or would not give back the text of a value.
        """
        try:
            table = self._parse(data)
            dates = [f.name for f in table.schema if pa.types.is_temporal(f.type)]
            strings = [f.name for f in table.schema if pa.types.is_string(f.type)]
            self._texts.update({name: pa.string() for name in dates + strings})
            if dates:
                table = self._parse(data)
        except pa.ArrowException:
            raise _Lossy from None
        # More rows than lines: two objects on one line.
        if table.num_rows != count or any(pa.types.is_nested(field.type) for field in table.schema):
            raise _Lossy
        return {
            field.name: _as_text(field.name, table.column(i).combine_chunks(), data)
            for i, field in enumerate(table.schema)
            if field.name not in self._texts or table.column(i).null_count < count
        }

    def _parse(self, data: bytes) -> pa.Table:
        return arrow_json.read_json(
            pa.BufferReader(data),
            read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(data) + 64),
            parse_options=arrow_json.ParseOptions(explicit_schema=pa.schema(list(self._texts.items()))),
        )


def parse_line(raw: str) -> dict[str, str | None] | str:
    """The record of one line as texts, or the reason why it is none."""
    if "\\u0000" in raw or "\0" in raw:
        return _parse_with_nulls(raw)
    try:
        record = _MARKING.decode(raw)
    except (ValueError, RecursionError):
        return _parse_with_nulls(raw)
    if not isinstance(record, dict):
        return NOT_AN_OBJECT
    if ("\\ud" in raw or "\\uD" in raw) and not _is_text(record):
        return INVALID_JSON
    return {key: _text_of(value) for key, value in record.items()}


def _text_of(value: Any) -> str | None:
    if value is None:
        return None
    if type(value) is str:
        return value[1:-1] if value[:1] == "\0" else value
    if type(value) is int:
        return str(value)
    text = _COMPACT.encode(value)
    return _MARKED.sub(r"\1", text) if "\\u0000" in text else text


def _parse_with_nulls(raw: str) -> dict[str, str | None] | str:
    """As `parse_line`, slower, for any line: numbers are told from text by their type."""
    try:
        record = _TYPING.decode(raw)
    except (ValueError, RecursionError):
        return INVALID_JSON
    if not isinstance(record, dict):
        return NOT_AN_OBJECT
    if not _is_text(record):
        return INVALID_JSON
    return {
        key: value if value is None or isinstance(value, str) else _json_text(value) for key, value in record.items()
    }


def _is_text(record: dict[str, Any]) -> bool:
    """No lone surrogates, which no encoding can write."""
    try:
        _COMPACT.encode(record).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _json_text(value: Any) -> str:
    """Compact JSON with numbers as they were written."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        members = (f"{_COMPACT.encode(key)}:{_json_text(inner)}" for key, inner in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json_text, value)) + "]"
    return _COMPACT.encode(value)


def _as_text(name: str, column: pa.Array, data: bytes) -> pa.Array:
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_floating(kind):
        return _as_written(name, column, data)
    raise _Lossy


def _as_written(name: str, column: pa.Array, data: bytes) -> pa.Array:
    """The numbers' text, taken from the block and proven to be the same numbers.

    Raises:
        _Lossy: the texts found are not, one for one, the numbers that Arrow read.
    """
    key = re.escape(json.dumps(name, ensure_ascii=False).encode())
    found = re.findall(key + rb"\s*:\s*(-?\d[0-9.eE+-]*)", data)
    if len(found) != len(column) - column.null_count:
        raise _Lossy
    texts = pa.array(found, pa.binary()).cast(pa.string())
    if not texts.cast(pa.float64()).equals(column.drop_null()):
        raise _Lossy
    if column.null_count == 0:
        return texts
    places = np.cumsum(pc.is_valid(column).to_numpy(zero_copy_only=False)) - 1
    return pc.if_else(pc.is_valid(column), texts.take(pa.array(np.maximum(places, 0))), None)


def _kept(data: bytes, starts: Any, ends: Any, lines: Any) -> bytes:
    if len(lines) == len(starts):
        return data
    view = memoryview(data)
    return b"\n".join(view[s:e] for s, e in zip(starts[lines].tolist(), ends[lines].tolist()))


def _joined(columns: dict[str, pa.Array], count: int, rows: list[dict[str, str | None]]) -> dict[str, pa.Array]:
    """Arrow's columns with Python's rows below them; a key that one side lacks is null there."""
    if not rows:
        return columns
    names = dict.fromkeys(columns) | dict.fromkeys(key for row in rows for key in row)
    below = {name: text_array([row.get(name) for row in rows]) for name in names}
    if not count:
        return below
    return {name: pa.concat_arrays([columns.get(name, pa.nulls(count, pa.string())), below[name]]) for name in names}
