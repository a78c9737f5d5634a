"""CSV files of any delimiter, quoting, header, encoding and compression, as blocks of text columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from lakehouse.bronze.csv_lines import Dialect, Ints, Lines, find_lines
from lakehouse.bronze.csv_repair import (
    WRONG_FIELD_COUNT,
    Repaired,
    UnclosedQuote,
    repair,
    start_flags,
    strict_fields,
)
from lakehouse.bronze.naming import require_few, unique_names
from lakehouse.bronze.records import Block, Fault, text_array
from lakehouse.bronze.text_blocks import BLOCK_BYTES, TextBlock, cut_into_parts, text_blocks
from lakehouse.errors import InputError

_PEEK_BYTES = 256 << 10
_LONGEST_HEADER_LINES = 100
_LINES_AT_ONCE = 100_000


@dataclass(frozen=True)
class _Beginning:
    dialect: Dialect
    names: list[str]
    header_bytes: int


@dataclass(frozen=True)
class CsvFile:
    """A CSV file; `delimiter` None is found out; `header` as a list names the columns of a file without header."""

    path: Path
    compression: str = "none"
    encoding: str | None = None
    delimiter: str | None = None
    quote: str = '"'
    header: bool | tuple[str, ...] = True
    block_bytes: int = BLOCK_BYTES

    def columns(self) -> list[str]:
        return self._beginning.names

    def all_columns(self) -> list[str]:
        return self._beginning.names

    def blocks(self) -> Iterator[Block]:
        beginning = self._beginning
        carry, carried_faults = b"", list[int]()
        to_skip = beginning.header_bytes
        seen_before = 0
        for text in self._parts():
            undecodable = carried_faults + [offset + len(carry) for offset in text.undecodable]
            data = carry + text.data if carry else text.data
            if to_skip and len(data) < to_skip:
                carry, carried_faults = data, undecodable
                continue
            if to_skip:
                data, undecodable = data[to_skip:], [o - to_skip for o in undecodable if o >= to_skip]
                to_skip = 0
            block, rest = read_block(
                TextBlock(data, undecodable, text.is_last), beginning.dialect, beginning.names, seen_before
            )
            carried_faults = [offset - rest for offset in undecodable if offset >= rest]
            carry = data[rest:]
            seen_before += block.seen
            if block.seen:
                yield block

    def _parts(self) -> Iterator[TextBlock]:
        for text in text_blocks(self.path, self.compression, self.encoding, self.block_bytes):
            yield from cut_into_parts(text, _LINES_AT_ONCE)

    @cached_property
    def _beginning(self) -> _Beginning:
        first = next(text_blocks(self.path, self.compression, self.encoding, _PEEK_BYTES))
        head = first.data.decode("utf-8")
        if not head.strip():
            raise InputError(f"{self.path} is empty")
        if first.undecodable and not first.data[: first.undecodable[0]].strip():
            raise InputError(
                f"{self.path} is not {self.encoding or 'utf-8'} text: its first line cannot be decoded; "
                f"state `encoding:` (such as gb18030 or latin-1)"
            )
        dialect = Dialect(self.delimiter or _likely_delimiter(head, self.quote), self.quote)
        record, length = _first_record(head, dialect, self.path)
        require_few(self.path, len(record))
        if self.header is True:
            return _Beginning(dialect, unique_names(record), len(head[:length].encode()))
        names = list(self.header) if isinstance(self.header, tuple) else [""] * len(record)
        return _Beginning(dialect, unique_names(names), 0)


def read_block(text: TextBlock, dialect: Dialect, names: list[str], seen_before: int) -> tuple[Block, int]:
    """The records of a block, and the offset from which it is to be read again with the next block."""
    if not text.data:
        return Block(0, pa.array([], pa.int64()), {name: text_array([]) for name in names}, []), 0
    lines = find_lines(text.data, dialect)
    bad = set((np.searchsorted(lines.starts, text.undecodable, side="right") - 1).tolist())
    repaired = repair(text.data, lines, bad, dialect, len(names), text.is_last)
    is_start = start_flags(lines, repaired)
    numbers = seen_before + np.cumsum(is_start)
    by_itself = np.zeros(len(is_start), np.bool_)
    by_itself[[i for i, *_ in repaired.rows] + [i for i, *_ in repaired.faults]] = True
    plain = np.flatnonzero(is_start & ~by_itself)
    columns, wrong = _parse_plain(_kept(text.data, lines, plain), dialect, len(names))
    faults = [Fault(int(numbers[i]), reason, raw) for i, reason, raw in repaired.faults]
    for line in plain[wrong].tolist():
        raw = text.data[lines.starts[line] : lines.ends[line]].decode("utf-8").rstrip("\r")
        faults.append(Fault(int(numbers[line]), WRONG_FIELD_COUNT, raw))
    good = np.delete(plain, wrong)
    row_numbers = np.concatenate([numbers[good], numbers[[i for i, _ in repaired.rows]]]).astype(np.int64)
    columns = _with_repaired(columns, repaired)
    block = Block(
        seen=int(np.count_nonzero(is_start)),
        row_numbers=pa.array(row_numbers),
        columns=dict(zip(names, columns)),
        faults=sorted(faults, key=lambda fault: fault.row_number),
    )
    rest = len(text.data) if repaired.carry_from is None else int(lines.starts[repaired.carry_from])
    return block, rest


def _kept(data: bytes, lines: Lines, plain: Ints) -> bytes:
    """The bytes of these lines only."""
    if len(plain) == len(lines):
        return data
    if len(plain) == 0:
        return b""
    breaks = np.flatnonzero(np.diff(plain) > 1)
    firsts = plain[np.concatenate([[0], breaks + 1])]
    lasts = plain[np.append(breaks, len(plain) - 1)]
    view = memoryview(data)
    runs = [view[s : e + 1] for s, e in zip(lines.starts[firsts].tolist(), lines.ends[lasts].tolist())]
    return b"".join(runs)


def _parse_plain(data: bytes, dialect: Dialect, width: int) -> tuple[list[pa.Array], list[int]]:
    """Columns of the lines that have `width` fields, and the indexes of those that have not."""
    if not data:
        return [text_array([])] * width, []
    wrong: list[int] = []

    def skip(row: arrow_csv.InvalidRow) -> str:
        wrong.append(row.number - 1)
        return "skip"

    places = [str(i) for i in range(width)]
    table = arrow_csv.read_csv(
        pa.BufferReader(data),
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=len(data) + 64, column_names=places),
        parse_options=arrow_csv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote or False,
            double_quote=bool(dialect.quote),
            newlines_in_values=False,
            ignore_empty_lines=False,
            invalid_row_handler=skip,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types={place: pa.string() for place in places},
            strings_can_be_null=True,
            null_values=[""],
            quoted_strings_can_be_null=True,
            check_utf8=False,
        ),
    )
    return [column.combine_chunks() for column in table.columns], wrong


def _with_repaired(columns: list[pa.Array], repaired: Repaired) -> list[pa.Array]:
    if not repaired.rows:
        return columns
    by_field = zip(*(row for _, row in repaired.rows))
    return [
        pa.concat_arrays([column, text_array([value or None for value in values])])
        for column, values in zip(columns, by_field)
    ]


def _first_record(head: str, dialect: Dialect, path: Path) -> tuple[list[str], int]:
    """The fields of the first line that is not blank, and where the next one begins."""
    lines = head.split("\n")
    first = next(i for i, line in enumerate(lines) if line.strip("\r"))
    for last in range(first, min(len(lines), first + _LONGEST_HEADER_LINES)):
        text = "\n".join(lines[first : last + 1])
        length = sum(len(line) + 1 for line in lines[: last + 1])
        try:
            return strict_fields(text, dialect), min(length, len(head))
        except UnclosedQuote:
            continue
        except ValueError:
            break
    raise InputError(f"{path}: the quotes of its first line do not match; is `quote:` right?")


def _likely_delimiter(head: str, quote: str) -> str:
    """Of `,` `;` tab `|` the one that splits most lines into as many fields as the first line."""
    lines = [line for line in head.split("\n")[:50] if line.strip("\r")]
    scores: list[tuple[int, int, str]] = []
    for delimiter in ",;\t|":
        widths = []
        for line in lines:
            try:
                widths.append(len(strict_fields(line, Dialect(delimiter, quote))))
            except ValueError:
                widths.append(0)
        alike = sum(width == widths[0] for width in widths) if widths[0] > 1 else 0
        scores.append((alike, widths[0], delimiter))
    best = max(scores, key=lambda score: score[:2])
    return best[2] if best[0] else ","
