"""Which expressions of sources Sail answers as Spark does: those of functions that both were asked, with bad input.

`EXAMPLES` is asked of both by tests/integration/test_engines.py, over text that can and cannot be read. A home with any
other function is run by Spark: an engine that answers a little otherwise would change data without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

EXAMPLES = """
upper(s) | lower(s) | trim(s) | ltrim(s) | rtrim(s) | length(s) | char_length(s) | reverse(s) | repeat(s, 2)
concat(s, '-', s) | concat_ws('-', s, null, s) | s || 'x' | nullif(s, '12') | coalesce(s, 'x') | nvl(s, 'x')
ifnull(s, 'x') | if(s = '12', 1, 0) | case when s = '12' then 'a' else 'b' end | case s when '12' then 'a' end
s in ('12', 'abc') | s is null | s = 'true' | s <=> null | s like '1%' | s rlike '^[0-9]+$' | not s = '12'
split(s, '[|]')[0] | split(s, '[.]')[1] | split_part(s, '.', 2) | element_at(split(s, '[.]'), 1) | size(split(s, '[.]'))
substr(s, 2, 3) | substring(s, -3) | left(s, 2) | right(s, 2) | lpad(s, 5, '0') | rpad(s, 5, '0') | contains(s, '1')
replace(s, '1', '2') | translate(s, '12', 'ab') | regexp_replace(s, '[^0-9]', '') | instr(s, '1') | locate('1', s)
regexp_replace(s, '([0-9]+)', '<$1>') | regexp_extract(s, '([0-9]+)[.]([0-9]+)', 2) | startswith(s, '1')
md5(s) | sha2(s, 256) | xxhash64(s) | get_json_object(s, '$.a') | greatest(s, '5') | least(s, '5')
to_timestamp(s) | to_timestamp(s, 'd.M.yyyy H:mm') | to_timestamp(s, 'yyyy-MM-dd HH:mm:ss') | cast(s as timestamp)
to_date(s, 'yyyyMMdd') | to_date(s, 'dd/MM/yyyy') | to_date(s, 'd.M.yyyy') | year(cast(s as timestamp))
unix_timestamp(s) | unix_timestamp(s, 'yyyy-MM-dd') | timestamp_seconds(cast(s as int)) | hour(cast(s as timestamp))
date_format(cast(s as timestamp), 'yyyy-MM') | date_trunc('month', cast(s as timestamp)) | month(cast(s as timestamp))
cast(s as int) | try_cast(s as int) | cast(s as int) % 7 | cast(s as int) + 1 | cast(s as int) * 2 | cast(s as int) / 4
cast(s as boolean) | abs(cast(s as int))
round(cast(s as double), 1) | floor(cast(s as double))
map('a', s)['a'] | array(s, 'b')[0] | struct(s as a).a
"""
SAID = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`")
CALLED = re.compile(r"\b([a-z_][a-z0-9_]*)\s*\(", re.I)
TO_DATE = re.compile(r"\bas\s+date\b|\bto_date\s*\([^,()]*\)", re.I)
DOUBLE = re.compile(r"\b(double|float)\b|/", re.I)
DECIMAL_QUOTIENT = re.compile(r"(?=.*decimal)(?=.*/)", re.I | re.S)
NUMBERS = ("int", "bigint", "double", "decimal")
WORDS = frozenset({"and", "or", "not", "in", "when", "then", "else", "as", "is", "like", "rlike"})


def examples() -> list[str]:
    """The expressions, each over a text column `s`."""
    return [one.strip() for line in EXAMPLES.strip().splitlines() for one in _parted(line)]


def _parted(line: str) -> list[str]:
    return re.split(r"\s\|\s", line)


KNOWN = frozenset(name.lower() for name in CALLED.findall(SAID.sub("''", EXAMPLES))) | WORDS


def not_known(expressions: Iterable[tuple[str, str]]) -> list[str]:
    """What is not known to be answered by Sail as by Spark, sorted.

    Args:
        expressions: the kind of the column that each is for, and its text.
    """
    found = set()
    for kind, expression in expressions:
        text = SAID.sub("''", expression)
        found |= {f"{name.lower()}()" for name in CALLED.findall(text) if name.lower() not in KNOWN}
        if TO_DATE.search(text):
            found.add("a date without a pattern")
        if DECIMAL_QUOTIENT.search(text):
            found.add("a quotient of decimals")
        if DOUBLE.search(text) and not kind.startswith(NUMBERS):
            found.add("a double as text")
    return sorted(found)
