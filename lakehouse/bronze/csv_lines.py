"""Which physical lines of a CSV block are records, found with NumPy over the bytes.

Nearly all lines are *regular*: every quote opens right after a delimiter and closes right before one, so the
line is a record by itself, whatever stands around it. Only the others are looked at one by one (`csv_repair`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_NEWLINE, _RETURN = 10, 13


@dataclass(frozen=True)
class Dialect:
    """How fields are separated and quoted; `quote` is empty where quotes mean nothing."""

    delimiter: str
    quote: str


@dataclass(frozen=True)
class Lines:
    """The physical lines of a block.

    Line i is `data[starts[i]:ends[i]]` without its newline. `odd` are the lines with an odd number of quotes:
    they begin or end a record of several lines, or are damaged.
    """

    starts: Ints
    ends: Ints
    blank: Flags
    irregular: Flags
    odd: Ints

    def __len__(self) -> int:
        return len(self.starts)

    def of(self, positions: Ints) -> Ints:
        """The lines in which these bytes stand."""
        return _line_of(positions, self.starts)


def find_lines(data: bytes, dialect: Dialect) -> Lines:
    """The lines of the block and which of them are no plain records."""
    content = np.frombuffer(data, np.uint8)
    newlines = np.flatnonzero(content == _NEWLINE)
    starts = np.concatenate([np.zeros(1, np.int64), newlines + 1])
    ends = np.append(newlines, len(data))
    if starts[-1] == len(data):
        starts, ends = starts[:-1], ends[:-1]
    blank = ends == starts
    irregular = np.zeros(len(starts), np.bool_)
    if b"\r" in data:
        lone = _lone_returns(content)
        with_lone = np.unique(_line_of(lone, starts))
        irregular[with_lone] = True
        one_byte = np.flatnonzero(ends - starts == 1)
        blank[one_byte] = content[starts[one_byte]] == _RETURN
        blank[[i for i in with_lone.tolist() if not data[starts[i] : ends[i]].strip(b"\r")]] = True
    odd = np.zeros(0, np.int64)
    if dialect.quote and dialect.quote.encode() in data:
        improper, odd = _quote_faults(content, starts, dialect)
        irregular[improper] = True
        irregular[odd] = True
    return Lines(starts, ends, blank, irregular & ~blank, odd)


def _lone_returns(content: npt.NDArray[np.uint8]) -> Ints:
    """Carriage returns that do not belong to the end of a line."""
    returns = np.flatnonzero(content == _RETURN)
    following = content[np.minimum(returns + 1, len(content) - 1)]
    return returns[(following != _NEWLINE) & (returns < len(content) - 1)]


def _quote_faults(content: npt.NDArray[np.uint8], starts: Ints, dialect: Dialect) -> tuple[Ints, Ints]:
    """Lines with a quote where none may stand, and lines with an odd number of quotes."""
    quote, delimiter = ord(dialect.quote), ord(dialect.delimiter)
    quotes = np.flatnonzero(content == quote)
    lines = _line_of(quotes, starts)
    count = np.bincount(lines, minlength=len(starts))
    ordinal = np.arange(len(quotes)) - (np.cumsum(count) - count)[lines]
    before = np.where(quotes > 0, content[quotes - 1], _NEWLINE)
    after = np.where(quotes < len(content) - 1, content[np.minimum(quotes + 1, len(content) - 1)], _NEWLINE)
    opens = ordinal % 2 == 0
    may_open = (before == delimiter) | (before == _NEWLINE) | ((before == quote) & (ordinal > 0))
    may_close = (after == delimiter) | (after == _NEWLINE) | (after == _RETURN) | (after == quote)
    improper = lines[~np.where(opens, may_open, may_close)]
    return improper, np.flatnonzero(count % 2)


def _line_of(positions: Ints, starts: Ints) -> Ints:
    return np.searchsorted(starts, positions, side="right") - 1
