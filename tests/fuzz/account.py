"""The account of one landed text file, made without the landing's code: every line is found again, or is a fault.

What a row is:

- CSV: a line that is not blank; or the lines that one quoted field holds together. A line ends with LF or CRLF (with CR
  in a file that has no LF in its first 64 KiB). The first row is the header, unless the source says that there is none.
- JSON lines: a line that is not blank.

The walk below takes the rows of bronze and of its quarantine in the order of their numbers and the file's lines in
theirs: each row must be what Python's csv or json module reads from the very lines it stands for.
"""

from __future__ import annotations

import bz2
import csv
import io
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import zstandard

csv.field_size_limit(1 << 30)
BLANK = b" \t\n\r\x0b\x0c"
DEEPEST_JSON = 256


@dataclass
class Found:
    """What stands in the tables of one batch: row number -> values by raw name, row number -> (reason, raw)."""

    landed: dict[int, dict[str, str | None]]
    quarantined: dict[int, tuple[str, str]]
    names: list[str]


@dataclass
class Account:
    """Rows counted from the file's own lines, and what does not agree with the tables."""

    rows: int = 0
    faults: list[str] = field(default_factory=list)


def unpacked(content: bytes, limit: int = 64 << 20) -> bytes | None:
    """The content by its first bytes, decompressed by other means than the landing's; None where it is damaged."""
    try:
        if content.startswith(b"\x1f\x8b"):
            return _members(content, lambda: zlib.decompressobj(wbits=31), limit, may_end_with=b"\0")
        if content.startswith(b"BZh"):
            return _members(content, bz2.BZ2Decompressor, limit)
        if content.startswith(b"\x28\xb5\x2f\xfd"):
            return _members(content, lambda: zstandard.ZstdDecompressor().decompressobj(), limit)
    except (zlib.error, OSError, ValueError, EOFError, zstandard.ZstdError):
        return None
    return content


def _members(content: bytes, make: Any, limit: int, may_end_with: bytes = b"") -> bytes | None:
    out: list[bytes] = []
    while content:
        one = make()
        out.append(one.decompress(content))
        if not one.eof or sum(map(len, out)) > limit:
            return None
        content = one.unused_data
        if may_end_with:
            content = content.lstrip(may_end_with)
    return b"".join(out)


def encoding_of(content: bytes, stated: str | None) -> str:
    """As stated; else UTF-16 by its mark; else UTF-8."""
    if stated is None:
        return "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    return stated


def lines_of(content: bytes, encoding: str, first_read: int = 64 << 10) -> list[tuple[str, bool]]:
    """The lines without their LF, and whether each could be decoded; a mark at the beginning is dropped."""
    if encoding.replace("_", "-").startswith(("utf-16", "utf-32")):
        text = content.decode(encoding, "replace")
        return [(line, "\ufffd" not in line) for line in text.removeprefix("\ufeff").split("\n")]
    if encoding in ("utf-8", "utf-8-sig"):
        content = content.removeprefix(b"\xef\xbb\xbf")
    beginning = content[:first_read]
    if b"\r" in beginning and b"\n" not in beginning:
        content = content.replace(b"\r", b"\n")
    lines = []
    for line in content.split(b"\n"):
        try:
            lines.append((line.decode(encoding), True))
        except UnicodeDecodeError:
            lines.append((line.decode(encoding, "backslashreplace"), False))
    return lines


def account_of_csv(content: bytes, options: Mapping[str, Any], found: Found) -> Account:
    """Walk the lines of a CSV file beside the rows of its batch."""
    account, quote = Account(), options.get("quote", '"')
    lines = lines_of(content, encoding_of(content, options.get("encoding")))
    if lines and lines[-1][0] == "":
        lines.pop()
    position = 0
    delimiter = options.get("delimiter")
    if options.get("header", "true") == "true":
        position, delimiter, wrong = _header(lines, delimiter, quote, found.names)
        if wrong:
            account.faults.append(wrong)
            return account
    delimiter = delimiter or ","
    number = 0
    while True:
        while position < len(lines) and not lines[position][0].strip("\r"):
            position += 1
        if position == len(lines):
            break
        number += 1
        length, wrong = _csv_row(lines, position, number, delimiter, quote, found)
        if wrong:
            account.faults.append(f"row {number} (line {position + 1}): {wrong}")
            return account
        position += length
    account.rows = number
    return account


def _csv_row(
    lines: Sequence[tuple[str, bool]], position: int, number: int, delimiter: str, quote: str, found: Found
) -> tuple[int, str]:
    """How many lines the row stands for, and what is wrong with it."""
    if number in found.landed:
        values = [found.landed[number].get(name) for name in found.names]
        # A lone line break in the values: nothing but a quoted line end can have brought it there.
        length = 1 + sum(value.count("\n") for value in values if value)
        taken = lines[position : position + length]
        if not all(is_text for _, is_text in taken):
            return length, "landed although its bytes are no text"
        fields = parsed("\n".join(line for line, _ in taken), delimiter, quote)
        if fields is None or [value or None for value in fields] != values:
            return length, f"landed as {_short(values)} but reads {_short(fields)}"
        return length, ""
    if number in found.quarantined:
        reason, raw = found.quarantined[number]
        length = 1 + raw.count("\n")
        taken = lines[position : position + length]
        read = "\n".join(line for line, _ in taken).rstrip("\r\n")
        if read != raw and "\ufffd" not in read:  # of UTF-16 the decoder tells no escapes to compare
            return length, f"quarantined as {_short(raw)} but reads {_short(taken)}"
        fields = parsed(raw, delimiter, quote) if all(is_text for _, is_text in taken) else None
        if length == 1 and fields is not None and len(fields) == len(found.names):
            return length, f"quarantined ({reason}) although it reads {_short(fields)}"
        return length, ""
    return 1, f"lost: neither landed nor quarantined: {_short(lines[position])}"


def _header(
    lines: Sequence[tuple[str, bool]], delimiter: str | None, quote: str, names: Sequence[str]
) -> tuple[int, str, str]:
    """Where the rows begin, and the delimiter with which the first line gives these names."""
    first = next((i for i, (line, _) in enumerate(lines) if line.strip("\r")), len(lines))
    for end in range(first + 1, min(len(lines), first + 100) + 1):
        text = "\n".join(line for line, _ in lines[first:end])
        for one in [delimiter] if delimiter else ",;\t|":
            fields = parsed(text, one, quote)
            if fields is not None and len(fields) == len(names) and _alike(fields, names):
                return end, one, ""
    return first, ",", f"no header reads as the columns {_short(names)}"


def _alike(fields: Sequence[str], names: Sequence[str]) -> bool:
    """Columns are the header's names, made unique by a number and named by their place where they have none."""
    return all(
        name == field.strip()
        or (field.strip() and name.startswith(field.strip() + "_"))
        or (not field.strip() and name.startswith(f"_c{i}"))
        for i, (field, name) in enumerate(zip(fields, names))
    )


def parsed(text: str, delimiter: str, quote: str) -> list[str] | None:
    """The fields of one record by Python's csv module, strictly; None where it is none."""
    kind: dict[str, Any] = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    try:
        rows = list(csv.reader([text.rstrip("\r\n")], delimiter=delimiter, strict=True, **kind))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def account_of_json(content: bytes, options: Mapping[str, Any], found: Found) -> Account:
    """Walk the lines of a JSON-lines file beside the rows of its batch."""
    account, number = Account(), 0
    for place, (line, is_text) in enumerate(lines_of(content, encoding_of(content, options.get("encoding"))), 1):
        if not line.encode("utf-8", "replace").strip(BLANK):
            continue
        number += 1
        wrong = _json_row(line, is_text, number, found)
        if wrong:
            account.faults.append(f"row {number} (line {place}): {wrong}")
            return account
    account.rows = number
    return account


def _json_row(line: str, is_text: bool, number: int, found: Found) -> str:
    record = _object(line) if is_text else None
    if number in found.landed:
        values = found.landed[number]
        if record is None:
            return f"landed although it is no JSON object: {_short(line)}"
        wrong = [key for key, value in record.items() if not _same(value, values.get(key))]
        written = {key.lower() for key in record}  # keys that differ only in case share a column
        if wrong or any(value is not None and key.lower() not in written for key, value in values.items()):
            return f"landed as {_short(values)} but reads {_short(line)}"
        return ""
    if number in found.quarantined:
        reason, raw = found.quarantined[number]
        if raw != line.rstrip("\r") and "\ufffd" not in line:
            return f"quarantined as {_short(raw)} but reads {_short(line)}"
        if record is not None and len({key.lower() for key in record}) == len(record):
            return f"quarantined ({reason}) although it is an object: {_short(line)}"
        return ""
    return f"lost: neither landed nor quarantined: {_short(line)}"


class _Number(str):
    """A number as it is written."""


def _object(line: str) -> dict[str, Any] | None:
    """The line's object; None where it is none, is nested too deep, or holds half a surrogate pair."""
    if _depth(line) > DEEPEST_JSON:
        return None
    try:
        record = json.loads(line, parse_int=_Number, parse_float=_Number, parse_constant=_Number, strict=False)
        json.dumps(record, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _depth(line: str) -> int:
    depth = deepest = 0
    within = escaped = False
    for c in line if line.count("{") + line.count("[") > DEEPEST_JSON else "":
        if within:
            within, escaped = escaped or c != '"', not escaped and c == "\\"
        elif c == '"':
            within = True
        elif c in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif c in "}]":
            depth -= 1
    return deepest


def _same(value: Any, landed: str | None) -> bool:
    """Scalars as they are written; nested values as JSON that reads the same."""
    if value is None or isinstance(value, str):
        return landed == value
    if isinstance(value, bool):
        return landed == str(value).lower()
    return landed is not None and _object('{"v":' + landed + "}") == {"v": value}


def rows_by_name(values: Sequence[Sequence[str | None]], names: Sequence[str]) -> list[tuple[tuple[str, str], ...]]:
    """Rows as sorted (name, value) pairs without nulls, to be looked for in what landed."""
    return [tuple(sorted((n, v) for n, v in zip(names, row) if v is not None)) for row in values]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 300 else f"{text[:200]}…{text[-60:]}"


def footer_rows(content: bytes) -> int | None:
    """`num_rows` of a Parquet file's footer, read by hand (Thrift compact protocol); None where there is none."""
    if len(content) < 12 or content[-4:] != b"PAR1":
        return None
    length = int.from_bytes(content[-8:-4], "little")
    if length > len(content) - 12:
        return None
    stream = io.BytesIO(content[len(content) - 8 - length : -8])
    try:
        return _num_rows(stream)
    except (IndexError, RecursionError, MemoryError):
        return None


def _num_rows(stream: io.BytesIO) -> int | None:
    last = 0
    while kind := stream.read(1)[0]:
        last = last + (kind >> 4) if kind >> 4 else _zigzag(stream)
        if last == 3:
            return _zigzag(stream)
        _skip(stream, kind & 15)
    return None


def _varint(stream: io.BytesIO) -> int:
    value = shift = 0
    while True:
        byte = stream.read(1)[0]
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value


def _zigzag(stream: io.BytesIO) -> int:
    value = _varint(stream)
    return (value >> 1) ^ -(value & 1)


def _skip(stream: io.BytesIO, kind: int) -> None:
    if kind in (1, 2):
        return
    if kind == 3:
        stream.read(1)
    elif kind in (4, 5, 6):
        _varint(stream)
    elif kind == 7:
        stream.read(8)
    elif kind == 8:
        stream.read(_varint(stream))
    elif kind in (9, 10):
        size = stream.read(1)[0]
        count = _varint(stream) if size >> 4 == 15 else size >> 4
        for _ in range(count):
            if size & 15 in (1, 2):
                stream.read(1)
            else:
                _skip(stream, size & 15)
    elif kind == 12:
        while field := stream.read(1)[0]:
            if not field >> 4:
                _zigzag(stream)
            _skip(stream, field & 15)
    else:
        raise IndexError(kind)
