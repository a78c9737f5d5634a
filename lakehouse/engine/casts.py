"""Sail's `cast` of what cannot be read stops the query; Spark's, without ANSI mode, gives null, as both's `try_cast`.

Casts of text to int, dates and times give null in Sail too, and read as much as Spark's do: these are left as they are.
"""

from __future__ import annotations

import re

TOKENS = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|\bcast\s*\(|\(|\)|\bas\b""", re.I)
NUMBER = re.compile(r"\s*int\s*", re.I)
STRICT = re.compile(r"\s*(decimal|numeric|double|float|bigint|smallint|tinyint|boolean)\b[^)]*(\([^)]*\))?\s*", re.I)


def forgiving(sql: str) -> str:
    """The text with `try_cast` for each `cast` that would stop at what it cannot read."""
    found: list[int] = []
    open_: list[tuple[int, int]] = []  # where a cast begins (-1: another bracket), where its type does
    for token in TOKENS.finditer(sql):
        text = token[0].lower()
        if text.startswith("cast"):
            open_.append((token.start(), -1))
        elif text == "(":
            open_.append((-1, -1))
        elif text == "as" and open_:
            open_[-1] = (open_[-1][0], token.end())
        elif text == ")" and open_:
            cast, kind = open_.pop()
            if cast < 0 or kind < 0:
                continue
            is_of_number = NUMBER.fullmatch(sql, kind, token.start()) and any(place > cast for place in found)
            if is_of_number or STRICT.fullmatch(sql, kind, token.start()):
                found.append(cast)
    parts, last = [], 0
    for place in sorted(found):
        parts += [sql[last:place], "try_"]
        last = place
    return "".join([*parts, sql[last:]])
