"""JSON lines as blocks of text columns: scalars as they were written, nested values as JSON text.

Arrow's parser takes a block whole where that loses nothing; Python reads the lines of a block that holds
nested values, numbers whose text Arrow would change, or anything that is not valid JSON.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as arrow_json

from lakehouse.bronze.csv_lines import Dialect, Ints, Lines, find_lines
from lakehouse.bronze.naming import MOST_COLUMNS, require_few
from lakehouse.bronze.records import Block, Fault, text_array
from lakehouse.bronze.text_blocks import BLOCK_BYTES, TextBlock, cut_into_parts, text_blocks
from lakehouse.errors import InputError

INVALID_JSON = "invalid_json"
NOT_AN_OBJECT = "not_an_object"
NESTED_TOO_DEEP = "nested_too_deep"
KEYS_DIFFER_IN_CASE = "keys_differ_only_in_case"
UNDECODABLE = "undecodable_bytes"

DEEPEST = 200
"""Levels of nesting. Arrow's parser ends the process at some ten thousand, Python's own code at 400."""

_PEEK_BYTES = 4 << 20
_CELLS_AT_ONCE = 100_000_000
"""Lines times keys, were no key there twice: what a reader of columns may have to fill in, at 12 bytes each."""
_PLAIN_LINES = Dialect(",", "")
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_MARKED = re.compile(r'"\\u0000(.*?)\\u0000"')
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_FEW_LINES, _MANY_NEW_KEYS = 500, 100
"""While lines bring many new keys, few are read at once: ten thousand keys in as many lines took Arrow 40 s."""
_OPEN, _CLOSE, _OPEN_LIST, _CLOSE_LIST, _COLON, _RETURN = *b"{}[]:", 13
_NEGATIVE_ZERO = re.compile(r"-0(?![\d.eE])")
"""Read as a whole number it is 0."""


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
                return list(dict.fromkeys(name for block in self._read([text]) for name in block.columns))
        raise InputError(f"{self.path} is empty")

    def all_columns(self) -> list[str]:
        return list(dict.fromkeys(name for block in self.blocks() for name in block.columns))

    def blocks(self) -> Iterator[Block]:
        return self._read(text_blocks(self.path, self.compression, self.encoding, self.block_bytes))

    def _read(self, texts: Iterable[TextBlock]) -> Iterator[Block]:
        reader = _Reader(self.path)
        names: dict[str, None] = {}
        seen_before = 0
        for text in texts:
            for part in _parts(text, names):
                block = reader.read(part, seen_before)
                seen_before += block.seen
                names.update(dict.fromkeys(block.columns))
                require_few(self.path, len(names))
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
        raise InputError(f"{self.path} is not JSON lines: its first line begins {lines[0].decode()[:40]!r}")


class _Reader:
    """Reads blocks of one file; remembers which columns are text, and whether Arrow is worth trying."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._texts: dict[str, pa.DataType] = {}
        self._arrow_failed = 0
        self._met: set[str] = set()
        self._met_twins = False

    def _has_twins(self, record: dict[str, str | None]) -> bool:
        """Two of its keys differ only in case: a table has one column for both, and one value would be lost."""
        if not record.keys() <= self._met:
            self._met |= record.keys()
            self._met_twins = self._met_twins or _are_twins(self._met)
        return self._met_twins and _are_twins(record)

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
        whole[_with_many_brackets(data, content, lines)] = False
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
            if isinstance(record, dict) and self._has_twins(record):
                record = KEYS_DIFFER_IN_CASE
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
        require_few(self._path, table.num_columns)
        # More rows than lines: two objects on one line.
        if table.num_rows != count or any(pa.types.is_nested(field.type) for field in table.schema):
            raise _Lossy
        if _are_twins(table.column_names) or _has_negative_zero(table, data):
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


def _has_negative_zero(table: pa.Table, data: bytes) -> bool:
    for name, column in zip(table.column_names, table.columns):
        if pa.types.is_integer(column.type) and pc.any(pc.equal(column, 0)).as_py():
            key = json.dumps(name, ensure_ascii=False).encode()
            if key + b":-0" in data or key + b": -0" in data:
                return True
    return False


def _are_twins(names: Collection[str]) -> bool:
    return len({name.lower() for name in names}) < len(names)


def _parts(text: TextBlock, names: Collection[str]) -> Iterator[TextBlock]:
    """The block in parts that a reader of columns can hold, however few keys its lines share.

    Args:
        names: of the columns so far; the caller adds those of each part before it asks for the next one.
    """
    waiting = [text]
    is_careful = not names
    while waiting:
        part = waiting.pop()
        lines = part.data.count(b"\n") + 1
        keys = part.data.count(b":") + len(names)
        most = min(lines, math.isqrt(_CELLS_AT_ONCE * lines // max(keys, 1)) + 1)
        most = min(most, _FEW_LINES) if is_careful else most
        if lines > most * 1.5 and lines > 2:
            waiting += reversed(_beginning_and_rest(part, most) if is_careful else [*cut_into_parts(part, most)])
            continue
        known = len(names)
        yield part
        is_careful = len(names) - known > _MANY_NEW_KEYS


def _beginning_and_rest(text: TextBlock, lines: int) -> list[TextBlock]:
    """The block's first lines, and what follows them."""
    end = len(text.data) - len(text.data.split(b"\n", lines)[-1])
    place = bisect_left(text.undecodable, end)
    return [
        TextBlock(text.data[:end], text.undecodable[:place], False),
        TextBlock(text.data[end:], [offset - end for offset in text.undecodable[place:]], text.is_last),
    ]


def _with_many_brackets(data: bytes, content: npt.NDArray[np.uint8], lines: Lines) -> Ints:
    """Lines that may be nested too deep, or have more keys than a table has columns."""
    has_many = data.count(b"{") + data.count(b"[") > len(lines) + DEEPEST or len(data) > MOST_COLUMNS * len(lines)
    if not has_many and data.count(b":") <= 50 * len(lines):
        return np.zeros(0, np.int64)
    brackets = np.flatnonzero((content == _OPEN) | (content == _OPEN_LIST))
    colons = np.flatnonzero(content == _COLON)
    per_line = [np.bincount(lines.of(found), minlength=len(lines)) for found in (brackets, colons)]
    return np.flatnonzero((per_line[0] > DEEPEST) | (per_line[1] > MOST_COLUMNS))


def _depth(raw: str) -> int:
    """How deep the line's brackets are nested, those within texts left out."""
    code = np.frombuffer(_TEXT.sub("", raw).encode("utf-8", "replace"), np.uint8)
    opened = np.isin(code, (_OPEN, _OPEN_LIST)).astype(np.int64) - np.isin(code, (_CLOSE, _CLOSE_LIST))
    return int(np.cumsum(opened).max(initial=0))


def parse_line(raw: str) -> dict[str, str | None] | str:
    """The record of one line as texts, or the reason why it is none."""
    if raw.count("{") + raw.count("[") > DEEPEST and _depth(raw) > DEEPEST:
        return NESTED_TOO_DEEP
    if "\\u0000" in raw or "\0" in raw or _NEGATIVE_ZERO.search(raw):
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
