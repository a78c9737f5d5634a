"""Text that was read in the wrong encoding: how much of it there is, and which encoding would have been right."""

from __future__ import annotations

import re
from collections.abc import Iterable

_READ_AS = {"cp1252": 2, "latin-1": 2, "gb18030": 3}
"""Codec -> characters beyond ASCII from which on it is judged: two of a right Chinese text may be UTF-8 by chance."""
_REPLACED = ("\ufffd", "锟斤拷")
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")
_HIGH = re.compile(rb"[\x80-\xff]+")


def is_garbled(text: str) -> bool:
    """UTF-8 that was read as Windows or Latin-1 text or as GB 18030, or characters that were lost before.

    Text is taken for garbled if its bytes in such an encoding are UTF-8 with more than ASCII in it: `MÃ¼ller` as
    cp1252 is `Müller` in UTF-8, while `Müller` as cp1252 is no UTF-8.
    """
    if any(mark in text for mark in _REPLACED):
        return True
    marks = sum(not character.isascii() for character in text)
    for codec, fewest in _READ_AS.items():
        if marks < fewest:
            continue
        try:
            if not text.encode(codec).decode("utf-8").isascii():
                return True
        except UnicodeError:
            continue
    return False


def likely_encoding(escaped: Iterable[str]) -> str | None:
    """What undecodable lines seem to be written in: gb18030 or latin-1, None without a sign of either.

    Args:
        escaped: the lines as they stand in the quarantine, with bytes that are no text as `\\xe4`.

    Both encodings can read nearly all bytes. Chinese characters are pairs of high bytes, which come in even runs;
    accented letters stand alone.
    """
    runs = [len(run) for line in escaped for run in _HIGH.findall(_as_bytes(line))]
    if not runs:
        return None
    even = sum(length % 2 == 0 for length in runs)
    return "gb18030" if even * 2 > len(runs) else "latin-1"


def _as_bytes(escaped: str) -> bytes:
    """The line's bytes as they were in the file: what happened to be UTF-8, and what stands as an escape."""
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), escaped.encode())
