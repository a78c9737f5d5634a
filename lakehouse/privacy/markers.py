"""What a scan for leaks looks for: values, in the forms and encodings in which one may have got somewhere.

A value is searched as it came and normalised; in clear, in the encodings of texts and pages, and as an unkeyed hash.
What is found is told by the marker's id and the encoding, never by the value.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html.entities import codepoint2name
from pathlib import Path
from urllib.parse import quote, quote_plus

import numpy as np
from ahocorasick_rs import BytesAhoCorasick, Implementation
from numpy.typing import NDArray
from phonenumbers import NumberParseException, parse

from lakehouse.errors import InputError

SHORTEST_BYTES = 6
"""Anything shorter is found everywhere by chance."""
HASHES = ("md5", "sha1", "sha256")
_DIGEST_BYTES = 8  # of 16 to 32: one chance in 10^13 for a thousand markers and a gigabyte
_HEX_DIGITS, _BASE64_CHARACTERS = 16, 14
_LOW_BITS = 22
_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Marker:
    """A value to look for, and the name under which a report tells of it."""

    id: str
    value: str


@dataclass(frozen=True)
class Match:
    """A place of a buffer, in bytes, at which a marker is, and how it is written there."""

    marker: str
    encoding: str
    start: int
    end: int


def read_markers(path: Path) -> list[Marker]:
    """The markers of a file in UTF-8: a value a line, or its id, a tab and the value; an id may have several values.

    Raises:
        InputError: the file cannot be read, holds none, or one is too short to be told from chance.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"the markers in {path} cannot be read: {what}") from None
    markers = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, tab, value = line.partition("\t")
        marker = Marker(name, value) if tab else Marker(f"line {number}", line)
        if len(marker.value.strip().encode()) < SHORTEST_BYTES:
            raise InputError(
                f"line {number} of {path} is too short: less than {SHORTEST_BYTES} bytes are found anywhere by chance"
            )
        markers.append(marker)
    if not markers:
        raise InputError(f"{path} holds no marker: a value a line, or an id, a tab and a value")
    return markers


class Search:
    """Markers made ready to be looked for in bytes: an Aho-Corasick automaton, and a table of raw digests."""

    def __init__(self, markers: Iterable[Marker]) -> None:
        written: dict[bytes, tuple[str, str]] = {}
        digests: dict[int, tuple[str, str]] = {}
        for marker in markers:
            forms = forms_of(marker.value)
            for form in forms:
                for encoding, pattern in _encoded(form):
                    if len(pattern) >= SHORTEST_BYTES:
                        written.setdefault(pattern, (marker.id, encoding))
            for form in [*forms, *_with_country_code(forms)]:
                for name, digest in _digests(form):
                    for encoding, pattern in _written_digest(digest):
                        written.setdefault(pattern, (marker.id, f"{name} {encoding}"))
                    digests.setdefault(_as_number(digest), (marker.id, f"{name} bytes"))
        self._found = list(written.values())
        self._automaton = BytesAhoCorasick(list(written), implementation=Implementation.ContiguousNFA)
        self._digests = digests
        self._sorted = np.array(sorted(digests), dtype=np.uint64)
        self._may_begin = np.zeros(1 << _LOW_BITS, dtype=np.bool_)
        self._may_begin[self._low(self._sorted)] = True
        self.longest = max(map(len, written))

    def matches(self, content: bytes | memoryview) -> Iterator[Match]:
        """Every marker in a buffer, wherever it begins; one in two writings that are alike is told once."""
        for place, start, end in self._automaton.find_matches_as_indexes(content, overlapping=True):
            yield Match(*self._found[place], start, end)
        for start, number in self._raw_digests(content):
            yield Match(*self._digests[number], start, start + _DIGEST_BYTES)

    def _raw_digests(self, content: bytes | memoryview) -> Iterator[tuple[int, int]]:
        """Offsets at which the first bytes of a digest are: each run of eight bytes is looked up as a number."""
        view = memoryview(content)
        for begin in range(0, len(view), _AT_ONCE):
            part = view[begin : begin + _AT_ONCE + _DIGEST_BYTES - 1]
            for shift in range(_DIGEST_BYTES):
                count = (len(part) - shift) // _DIGEST_BYTES
                if count <= 0:
                    break
                numbers = np.frombuffer(part, dtype="<u8", count=count, offset=shift)
                likely = np.flatnonzero(self._may_begin[self._low(numbers)])
                nearest = np.searchsorted(self._sorted, numbers[likely]).clip(max=len(self._sorted) - 1)
                for place in likely[self._sorted[nearest] == numbers[likely]].tolist():
                    yield begin + shift + place * _DIGEST_BYTES, int(numbers[place])

    @staticmethod
    def _low(numbers: NDArray[np.uint64]) -> NDArray[np.int64]:
        return (numbers & np.uint64((1 << _LOW_BITS) - 1)).astype(np.int64)


def forms_of(value: str) -> list[str]:
    """A value as it came, trimmed, in one Unicode form, in small letters, capitals, without gaps, a phone as digits."""
    trimmed = unicodedata.normalize("NFKC", value).strip()
    forms = [value, value.strip(), trimmed, trimmed.lower(), trimmed.upper(), re.sub(r"[\s·]+", "", trimmed)]
    if re.fullmatch(r"[+(]?[\d\s()./-]{6,}\d", trimmed) and not re.fullmatch(r"-?\d{1,3}\.\d+", trimmed):
        forms += [re.sub(r"\D", "", trimmed), *_national(trimmed)]
    return [form for form in dict.fromkeys(forms) if len(form.encode()) >= SHORTEST_BYTES]


def _national(phone: str) -> list[str]:
    try:
        return [str(parse(phone, "CN").national_number)]
    except NumberParseException:
        return []


def _with_country_code(forms: Sequence[str]) -> list[str]:
    mobiles = [form for form in forms if re.fullmatch(r"1\d{10}", form)]
    return [prefix + form for form in mobiles for prefix in ("+86", "86")]


def _encoded(text: str) -> Iterator[tuple[str, bytes]]:
    plain = text.encode()
    yield "clear", plain
    for encoding, zeros in (("utf-16", 1), ("utf-32", 3)):
        # ASCII looks alike in both byte orders but for zeros at an end, which are as well its neighbour's.
        yield encoding, _without_zeros(text.encode(f"{encoding}-le"), zeros)
        yield encoding, _without_zeros(text.encode(f"{encoding}-be"), zeros)
    yield "gb18030", text.encode("gb18030")
    for change in (str, _upper_escapes):
        escaped = change(json.dumps(text)[1:-1])
        yield "json escape", escaped.encode()
        yield "json escape", json.dumps(escaped)[1:-1].encode()
    yield "json", json.dumps(text, ensure_ascii=False)[1:-1].encode()
    yield "bytes escape", repr(plain)[2:-1].encode()
    for entity in (lambda c: f"&#{ord(c)};", lambda c: f"&#x{ord(c):x};", lambda c: f"&#x{ord(c):X};", _named):
        yield "html", _entities(html.escape(text), entity, lambda c: ord(c) > 127).encode()
        yield "html", _entities(html.escape(text), entity, lambda c: ord(c) > 127 or c == "@").encode()
    for told in (quote(text, safe=""), quote(text), quote_plus(text)):
        yield "percent", told.encode()
        yield "percent", re.sub(r"%..", lambda found: found.group().lower(), told).encode()
    yield "hex", plain.hex().encode()
    yield "hex", plain.hex().upper().encode()
    yield "hex", plain.hex(" ").upper().encode()
    for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            yield "base64", _base64_inside(plain, offset, alphabet)


def _without_zeros(encoded: bytes, most: int) -> bytes:
    for _ in range(most):
        encoded = encoded[: -1 if encoded.endswith(b"\0") else None]
        encoded = encoded[1 if encoded.startswith(b"\0") else 0 :]
    return encoded


def _upper_escapes(text: str) -> str:
    return re.sub(r"\\u....", lambda found: "\\u" + found.group()[2:].upper(), text)


def _entities(text: str, entity: Callable[[str], str], where: Callable[[str], bool]) -> str:
    return "".join(entity(c) if where(c) else c for c in text)


def _named(character: str) -> str:
    name = codepoint2name.get(ord(character))
    return f"&{name};" if name else f"&#{ord(character)};"


def _base64_inside(plain: bytes, offset: int, alphabet: Callable[[bytes], bytes]) -> bytes:
    """The characters that depend on these bytes alone, where `offset` others go before."""
    first = (0, 2, 3)[offset]
    last = (offset + len(plain)) * 8 // 6
    return alphabet(b"\0" * offset + plain + b"\0\0")[first:last]


def _digests(text: str) -> Iterator[tuple[str, bytes]]:
    for name in HASHES:
        yield name, hashlib.new(name, text.encode(), usedforsecurity=False).digest()


def _written_digest(digest: bytes) -> Iterator[tuple[str, bytes]]:
    yield "hex", digest.hex()[:_HEX_DIGITS].encode()
    yield "hex", digest.hex()[:_HEX_DIGITS].upper().encode()
    yield "base64", base64.b64encode(digest)[:_BASE64_CHARACTERS]
    yield "base64", base64.urlsafe_b64encode(digest)[:_BASE64_CHARACTERS]


def _as_number(digest: bytes) -> int:
    return int.from_bytes(digest[:_DIGEST_BYTES], "little")
