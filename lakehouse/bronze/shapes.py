"""The shape of a value, digits as 9 and letters as a, and the kind of thing that has such a shape."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import pyarrow as pa

from lakehouse.bronze.csv_lines import Ints

TEXT = "text"
INTEGER = "integer"
NUMBERS = ("integer", "decimal")
"""Kinds that `float` reads."""
_LONGEST = 40
_NUMBERS = (
    (INTEGER, re.compile(r"[-+]?9+")),
    ("decimal", re.compile(r"[-+]?(9+\.9*|\.9+)")),
    ("decimal comma", re.compile(r"[-+]?(9+|9{1,3}(\.999)+),9+")),
    ("grouped number", re.compile(r"[-+]?9{1,3}(,999)+(\.9+)?")),
    ("exponent", re.compile(r"[-+]?9(\.9+)?a[-+]9+")),
)
_TIME = re.compile(
    r"(?P<day>9{4}(?P<s>[-/.])9{1,2}(?P=s)9{1,2}"
    r"|9{1,2}(?P<t>[-/.])9{1,2}(?P=t)(9{4}|99)"
    r"|9{1,2}[- ]a[- ]9{2,4}|a 9{1,2},? 9{4})"
    r"((?P<join>[ a])9{1,2}:(?P<clock>99(:99)?)([.,]9+)?)?(?P<zone> ?(a|[-+]99:?(99)?))?"
)
_YEAR_FIRST = re.compile(r"9{4}[-/.]")
_DAY_FIRST_OR_MONTH_FIRST = re.compile(r"99([-/.])99\1")


class _Classes(dict[int, str]):
    """Character -> its class, made when it is met first."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = "a" if character.isalpha() else "9" if character.isdecimal() else character
        return self[code]


_CLASSES = _Classes()


def shape_of(text: str) -> str:
    """Runs of letters as `a`, each digit as `9`, all else as it is; of the first 40 characters.

    Character by character: Arrow's regular expressions over Unicode classes cost six times as much.
    """
    return _collapsed(text.strip()[:_LONGEST].translate(_CLASSES))


@lru_cache(maxsize=1 << 14)
def _collapsed(classes: str) -> str:
    return re.sub("aa+", "a", classes)


@lru_cache(maxsize=1 << 14)
def kind_of(shape: str) -> str:
    """What a shape is: a kind of number, the format of a time (`9999-99-99 99:99`), or text.

    A format is what a parser would have to be told: one or two digits are alike where the year is not first, and
    so are fractions of a second.
    """
    for kind, pattern in _NUMBERS:
        if pattern.fullmatch(shape):
            return kind
    time = _TIME.fullmatch(shape)
    if time is None:
        return TEXT
    day = time["day"] if _YEAR_FIRST.match(time["day"]) else re.sub(r"\b9{1,2}(?=[-/., ])", "99", time["day"])
    clock = "" if time["clock"] is None else f"{time['join'].replace('a', 'T')}99:{time['clock']}"
    zone = "" if time["zone"] is None else time["zone"].strip().replace("a", "Z")
    return day + clock + zone


def is_time(kind: str) -> bool:
    """The kind is the format of a date or time."""
    return kind[:1] in "9a"


def is_year_first(kind: str) -> bool:
    """The kind is a time whose text sorts as the time does."""
    return bool(_YEAR_FIRST.match(kind))


def is_day_or_month_first(kind: str) -> bool:
    """The kind is a time that a reader may take for d/m or for m/d."""
    return bool(_DAY_FIRST_OR_MONTH_FIRST.match(kind))


def coarse(shape: str) -> str:
    """The shape as it is kept: numbers whatever their length by their kind, in text a run of digits as one 9."""
    kind = kind_of(shape)
    return re.sub("9+", "9", shape) if kind == TEXT else kind


def by_shape(values: pa.Array) -> tuple[list[str], Ints]:
    """The distinct shapes of values without nulls, and for each value which of them it has."""
    encoded, places = values.dictionary_encode(), dict[str, int]()
    of_value = [places.setdefault(shape_of(text), len(places)) for text in encoded.dictionary.to_pylist()]
    return list(places), np.array(of_value, np.int64)[encoded.indices.to_numpy(zero_copy_only=False)]
