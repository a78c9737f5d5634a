"""Statements of the dbt project taken apart: what is read is left to Sail, what is written to delta-rs.

Only the forms that the project's macros and dbt-spark write are known; any other statement goes to Sail as it is, which
refuses what it does not know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

NOTES = re.compile(r"\A(\s*/\*.*?\*/)*\s*", re.S)
PROPERTY = re.compile(r"'([^']*)'\s*=\s*'([^']*)'")
NAME = r"([\w.`]+)"


@dataclass(frozen=True)
class Query:
    """Anything that Sail answers."""

    sql: str


@dataclass(frozen=True)
class MakeTable:
    """The rows of `sql` become the whole of a Delta table; its files are ranges of the column it is `laid_out_by`."""

    table: str
    sql: str
    properties: dict[str, str] = field(default_factory=dict)
    laid_out_by: str = ""


@dataclass(frozen=True)
class PutAside:
    """The rows of `sql` become a Parquet file in `folder`, by a name."""

    name: str
    folder: str
    sql: str


@dataclass(frozen=True)
class Insert:
    """Rows are added to a Delta table; with `replaced`, a condition, they take the place of the rows it holds for."""

    table: str
    sql: str
    replaced: str = ""


@dataclass(frozen=True)
class Clause:
    """One `when …` of a MERGE: on which rows, under which condition, and what becomes of them.

    `values` are column -> expression; a matched row is deleted where there are none.
    """

    is_matched: bool
    condition: str
    values: dict[str, str]


@dataclass(frozen=True)
class Merge:
    """Rows of `source`, a name or a query in brackets, called `changed`, are brought into a table called `stored`."""

    table: str
    source: str
    condition: str
    clauses: tuple[Clause, ...]


@dataclass(frozen=True)
class Drop:
    """Rows that were put aside are forgotten, or a view."""

    name: str


@dataclass(frozen=True)
class LastCommit:
    """The version of a Delta table."""

    table: str


@dataclass(frozen=True)
class ListSchemas:
    """The schemas of the home."""


@dataclass(frozen=True)
class ListTables:
    """The tables of a schema."""

    schema: str


@dataclass(frozen=True)
class Describe:
    """The columns of a table or view."""

    name: str


@dataclass(frozen=True)
class Nothing:
    """A statement with nothing to do here: a schema is a folder."""


Statement = (
    Query | MakeTable | PutAside | Insert | Merge | Drop | LastCommit | ListSchemas | ListTables | Describe | Nothing
)

MAKE = re.compile(
    rf"create or replace table {NAME}\s+using delta\s*(tblproperties\s*\((.*?)\))?\s*as\s+(.*)", re.S | re.I
)
LAYOUT = re.compile(r"/\*\+ repartition_by_range\(\d+, (\w+)\) \*/ ")
ASIDE = re.compile(rf"create table {NAME} using parquet location '((?:[^'\\]|\\.)*)' as\s+(.*)", re.S | re.I)
REPLACE = re.compile(rf"insert into {NAME} replace where (.*?)\s*\n\s*(select .*)", re.S | re.I)
INSERT = re.compile(rf"insert into {NAME} \([^)]*\)\s*(select .*)", re.S | re.I)
MERGE = re.compile(
    rf"merge into {NAME} as stored\s+using (.*?) as changed\s+on\s+(.*?)\s+(when (?:not )?matched.*)", re.S | re.I
)
CLAUSE = re.compile(r"when\s+(not\s+)?matched(?:\s+and\s+(.*?))?\s+then\s+(delete|update set|insert)(.*)", re.S | re.I)
INSERTED = re.compile(r"\s*\((.*?)\)\s*values\s*\((.*)\)\s*", re.S | re.I)
DROP = re.compile(rf"drop (?:table|view) if exists {NAME}", re.I)
HISTORY = re.compile(rf"describe history {NAME} limit 1", re.I)
TABLES = re.compile(r"show table extended in (\w+) like '\*'", re.I)
DESCRIBE = re.compile(rf"describe extended {NAME}", re.I)
SCHEMAS = re.compile("show databases", re.I)
CREATE_SCHEMA = re.compile("create schema if not exists .*", re.I)


def statement_of(sql: str) -> Statement:
    """The statement that a text is, without the notes before it."""
    text = NOTES.sub("", sql).strip().rstrip(";").strip()
    found: re.Match[str] | None
    if found := MAKE.fullmatch(text):
        layout = LAYOUT.search(found[4])
        properties = dict(PROPERTY.findall(found[3] or ""))
        return MakeTable(_name(found[1]), LAYOUT.sub("", found[4]), properties, layout[1] if layout else "")
    if found := ASIDE.fullmatch(text):
        return PutAside(_name(found[1]), unescaped(found[2]), found[3])
    if found := REPLACE.fullmatch(text):
        return Insert(_name(found[1]), found[3], found[2])
    if found := INSERT.fullmatch(text):
        return Insert(_name(found[1]), found[2])
    if found := MERGE.fullmatch(text):
        clauses = tuple(
            _clause(part) for part in re.split(r"(?=\bwhen\s+(?:not\s+)?matched\b)", found[4]) if part.strip()
        )
        return Merge(_name(found[1]), found[2], found[3], clauses)
    for pattern, kind in ((DROP, Drop), (HISTORY, LastCommit), (TABLES, ListTables), (DESCRIBE, Describe)):
        if found := pattern.fullmatch(text):
            return kind(_name(found[1]))
    if SCHEMAS.fullmatch(text):
        return ListSchemas()
    if CREATE_SCHEMA.fullmatch(text):
        return Nothing()
    return Query(text)


def _clause(text: str) -> Clause:
    found = CLAUSE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"a clause of a MERGE that is not known here: {text}")
    is_matched, condition, rest = not found[1], found[2] or "", found[4]
    values: dict[str, str] = {}
    if found[3].lower() == "update set":
        values = dict(_pair(assigned) for assigned in rest.split(","))
    elif found[3].lower() == "insert":
        inserted = INSERTED.fullmatch(rest)
        assert inserted is not None
        names, given = inserted[1].split(","), inserted[2].split(",")
        values = {_name(name.strip()): value.strip() for name, value in zip(names, given)}
    return Clause(is_matched, condition, values)


def _pair(assigned: str) -> tuple[str, str]:
    column, _, value = assigned.partition("=")
    return _name(column.strip()), value.strip()


def _name(text: str) -> str:
    return text.replace("`", "")


def unescaped(text: str) -> str:
    """What a text literal of Spark SQL says, given what stands between its quotes."""
    return re.sub(r"\\(.)", r"\1", text)


def literal(text: str) -> str:
    """The text as a literal of Spark SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
