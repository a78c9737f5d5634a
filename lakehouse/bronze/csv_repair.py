"""The lines that are no plain records: joined to records of several lines, or given up one by one.

An open quote must never swallow the good lines after it. A record of several lines is accepted only where its
quotes are strictly right, its number of fields is right, and the lines within do not look like records themselves.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from lakehouse.bronze.csv_lines import Dialect, Flags, Lines

WRONG_FIELD_COUNT = "wrong_field_count"
UNCLOSED_QUOTE = "unclosed_quote"
MALFORMED_QUOTE = "malformed_quote"
UNDECODABLE = "undecodable_bytes"

LONGEST_RECORD_LINES = 1000
LONGEST_RECORD_BYTES = 1 << 20
_NUMBER_LIKE = re.compile(r"[-+0-9.:/ TZeE]*\d[-+0-9.:/ TZeE]*")
_REFERENCE_LINES = 20
_TELLING_WIDTH = 4
_TELLING_LINES = 3
"""A line of text with commas may look like a record of two or three fields: one such line proves nothing."""
csv.field_size_limit(1 << 30)


@dataclass
class Repaired:
    """What became of the lines that had to be read by themselves (all numbers are line indexes)."""

    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    faults: list[tuple[int, str, str]] = field(default_factory=list)
    inner: list[int] = field(default_factory=list)
    carry_from: int | None = None


class UnclosedQuote(ValueError):
    """The text ends within quotes."""


def strict_fields(text: str, dialect: Dialect) -> list[str]:
    """The fields of one record.

    Raises:
        UnclosedQuote: it ends within quotes.
        ValueError: a quote stands where none may stand.
    """
    text = text.rstrip("\r\n")
    try:
        rows = list(_reader(text, dialect))
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            raise UnclosedQuote from None
        raise ValueError(str(error)) from None
    return rows[0] if rows else []


def repair(data: bytes, lines: Lines, undecodable: set[int], dialect: Dialect, width: int, is_last: bool) -> Repaired:
    """Read every irregular or undecodable line, alone or with those that follow it.

    Args:
        undecodable: indexes of lines whose bytes are no text.
        width: the number of fields of a record.
        is_last: no more lines follow this block; otherwise a record that may go on is left for the next one.
    """
    out = Repaired()
    special = sorted(set(np.flatnonzero(lines.irregular).tolist()) | undecodable)
    odd = lines.odd.tolist()
    looks_like_record = _RecordLikeness(data, lines, undecodable, dialect, width)
    resume_at = next_odd = 0
    for index in special:
        if index < resume_at:
            continue
        while next_odd < len(odd) and odd[next_odd] <= index:
            next_odd += 1
        closing = odd[next_odd] if next_odd < len(odd) else None
        text = _text(data, lines, index, index)
        reason, row, end = "", None, index
        try:
            row = strict_fields(text, dialect)
        except UnclosedQuote:
            if closing is None and not is_last and _may_go_on(lines, index):
                out.carry_from = index
                break
            end = _closing_line(lines, index, closing)
            joined = _joined(data, lines, index, end, dialect, width) if end > index else None
            if joined is None or looks_like_record.swallowed(index, end):
                reason, end = UNCLOSED_QUOTE, index
            else:
                row = joined
        except ValueError:
            reason = MALFORMED_QUOTE
        if row is not None and len(row) != width:
            reason = WRONG_FIELD_COUNT
        if any(line in undecodable for line in range(index, end + 1)):
            reason = UNDECODABLE
        if reason or row is None:
            out.faults.append((index, reason, _text(data, lines, index, end)))
        else:
            out.rows.append((index, row))
        out.inner.extend(range(index + 1, end + 1))
        resume_at = end + 1
    return out


class _RecordLikeness:
    """Whether a line, read alone, could be a record: as many fields, and numbers where other lines have some."""

    def __init__(self, data: bytes, lines: Lines, undecodable: set[int], dialect: Dialect, width: int) -> None:
        self._data, self._lines, self._undecodable = data, lines, undecodable
        self._dialect, self._width = dialect, width
        self._numeric: list[int] | None = None

    def swallowed(self, first: int, last: int) -> bool:
        """The lines after `first` are records that its open quote would hide."""
        within = [line for line in range(first + 1, last) if not self._lines.blank[line]]
        if self._width < _TELLING_WIDTH and len(within) < _TELLING_LINES:
            return False
        if within:
            return all(self._is_record_like(self._fields(line)) for line in within)
        # Of the line with the open quote, the fields as they would be had the quote not been there.
        opening = _text(self._data, self._lines, first, first).split(self._dialect.delimiter)
        return last - first == 1 and self._is_record_like(opening) and self._is_record_like(self._fields(last))

    def _fields(self, line: int) -> list[str]:
        try:
            return strict_fields(_text(self._data, self._lines, line, line), self._dialect)
        except ValueError:
            return []

    def _is_record_like(self, row: list[str]) -> bool:
        numeric = self._numeric_fields()
        if len(row) != self._width:
            return False
        if not numeric:
            return self._width >= _TELLING_WIDTH and sum(map(bool, row)) > self._width // 2
        return all(not row[i] or _NUMBER_LIKE.fullmatch(row[i]) for i in numeric)

    def _numeric_fields(self) -> list[int]:
        if self._numeric is None:
            plain = np.flatnonzero(~self._lines.irregular & ~self._lines.blank)
            fields = [self._fields(line) for line in plain[:_REFERENCE_LINES].tolist()]
            rows = [row for row in fields if len(row) == self._width]
            self._numeric = [
                i
                for i in range(self._width)
                if any(row[i] for row in rows) and all(not row[i] or _NUMBER_LIKE.fullmatch(row[i]) for row in rows)
            ]
        return self._numeric


def start_flags(lines: Lines, repaired: Repaired) -> Flags:
    """Which lines begin a record (of the lines before `carry_from`)."""
    starts = ~lines.blank
    starts[repaired.inner] = False
    return starts[: repaired.carry_from]


def _may_go_on(lines: Lines, index: int) -> bool:
    is_short = len(lines) - index <= LONGEST_RECORD_LINES
    return is_short and lines.ends[-1] - lines.starts[index] <= LONGEST_RECORD_BYTES


def _closing_line(lines: Lines, index: int, closing: int | None) -> int:
    """The line that closes the quote, or `index` where it is too far away."""
    if closing is None or closing - index > LONGEST_RECORD_LINES:
        return index
    return closing if lines.ends[closing] - lines.starts[index] <= LONGEST_RECORD_BYTES else index


def _joined(data: bytes, lines: Lines, first: int, last: int, dialect: Dialect, width: int) -> list[str] | None:
    try:
        row = strict_fields(_text(data, lines, first, last), dialect)
    except ValueError:
        return None
    return row if len(row) == width else None


def _reader(text: str, dialect: Dialect) -> Iterator[list[str]]:
    if not dialect.quote:
        return csv.reader([text], delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE, strict=True)
    return csv.reader([text], delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)


def _text(data: bytes, lines: Lines, first: int, last: int) -> str:
    return data[lines.starts[first] : lines.ends[last]].decode("utf-8").rstrip("\r\n")
