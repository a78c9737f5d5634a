"""What a source file writes beside a column: a raw column's name, or a Spark SQL expression over raw columns.

The text is checked without Spark (sqlglot's Spark dialect) and rewritten to the names that bronze stores.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

LINEAGE_COLUMNS = ("_source", "_file", "_batch_id", "_row_number", "_loaded_at")
"""What every bronze row carries; expressions may use them."""

_PREFIX = "select "
_DEEPEST = 200
_ONLY_SQL_HAS = re.compile(r"[()'\"`=<>+*/|\[\]]")


class ExpressionError(ValueError):
    """The text is neither a column nor an expression that can be read; the message says why and where."""


class _NoExpressionAtAll(ExpressionError):
    """It does not parse, or only as one word beside another."""


def check_syntax(text: str) -> None:
    """Refuse what cannot be right whatever columns the file has.

    Text that may still be a column's name (`Order No.`) passes: `resolve` decides when the header is known.

    Raises:
        ExpressionError: the expression does not parse.
    """
    try:
        _parse(text)
    except ExpressionError:
        if not text.strip() or _ONLY_SQL_HAS.search(text):
            raise


def resolve(text: str, stored_names: Mapping[str, str]) -> str:
    """The expression over stored bronze columns, ready to stand in a Spark `select`.

    Args:
        text: a raw column's name or an expression.
        stored_names: raw name -> stored bronze column.

    Raises:
        ExpressionError: it does not parse, or names a column that is not there (with close matches).
    """
    known = {name: name for name in LINEAGE_COLUMNS}
    known.update({raw.lower(): stored for raw, stored in stored_names.items()})
    exact = stored_names.get(text) or known.get(text.strip().lower())
    if exact is not None:
        return quoted(exact)
    if _can_only_be_a_name(text):
        raise ExpressionError(_no_column([text.strip()], stored_names))
    select = _parse(text)
    edits: list[tuple[int, int, str]] = []
    unknown: list[str] = []
    for name, start, end in _identifiers(select):
        stored = stored_names.get(name) or known.get(name.lower())
        if stored is None:
            unknown.append(name)
        elif stored != name or not re.fullmatch(r"\w+", name):
            edits.append((start, end, quoted(stored)))
    if unknown:
        raise ExpressionError(_no_column(list(dict.fromkeys(unknown)), stored_names))
    rewritten = _PREFIX + text
    for start, end, replacement in sorted(edits, reverse=True):
        rewritten = rewritten[:start] + replacement + rewritten[end:]
    return rewritten[len(_PREFIX) :].strip()


def named_columns(text: str, raw_names: Collection[str] = ()) -> set[str]:
    """The raw columns that a mapping's text names, in lower case; none if it does not parse.

    Args:
        raw_names: names of raw columns, in lower case, that are known to be: such a one may look like an expression
            (`E-mail`). All other names are taken as they parse.
    """
    whole = text.strip().lower()
    if whole in raw_names:
        return {whole}
    return set(_named_as_parsed(text))


@lru_cache(maxsize=1 << 10)
def _named_as_parsed(text: str) -> frozenset[str]:
    if _can_only_be_a_name(text):
        return frozenset({text.strip().lower()}.difference(LINEAGE_COLUMNS))
    try:
        found = {name.lower() for name, _, _ in _identifiers(_parse(text))}
    except ExpressionError:
        return frozenset()
    return frozenset(found.difference(LINEAGE_COLUMNS))


def with_alternative(text: str, old: str, new: str) -> str:
    """The text with `coalesce(old, new)` wherever it names the raw column `old`, as a person would write it."""
    either = f"coalesce({_as_needed(old)}, {_as_needed(new)})"
    if text.strip().lower() == old.lower():
        return either
    rewritten = _PREFIX + text
    for name, start, end in sorted(_identifiers(_parse(text)), key=lambda found: -found[1]):
        if name.lower() == old.lower():
            rewritten = rewritten[:start] + either + rewritten[end:]
    return rewritten[len(_PREFIX) :].strip()


def _identifiers(select: exp.Select) -> list[tuple[str, int, int]]:
    """Each column named, with where its name begins and ends in the parsed text."""
    found = []
    for column in select.find_all(exp.Column):
        parts = [part for part in column.parts if isinstance(part, exp.Identifier)]
        name = ".".join(part.name for part in parts)
        found.append((name, int(parts[0].meta["start"]), int(parts[-1].meta["end"]) + 1))
    return found


def _as_needed(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else quoted(name)


def quoted(name: str) -> str:
    """The name as a Spark SQL identifier."""
    return "`" + name.replace("`", "``") + "`"


def close_matches(name: str, candidates: Iterable[str]) -> str:
    """`; did you mean A or B?` for the nearest candidates, nothing where none is near."""
    by_folded = {candidate.lower().replace("_", ""): candidate for candidate in candidates}
    near = difflib.get_close_matches(name.lower().replace("_", ""), by_folded, n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(f'`{by_folded[match]}`' for match in near)}?" if near else ""


def _can_only_be_a_name(text: str) -> bool:
    """One bare word, several words in a row (`Customer ID`), or nothing that parses and nothing that only SQL has."""
    if not text.strip() or _ONLY_SQL_HAS.search(text):
        return False
    try:
        return isinstance(_parse(text).selects[0], exp.Column)
    except _NoExpressionAtAll:
        return True
    except ExpressionError:
        return False


def _parse(text: str) -> exp.Select:
    if not text.strip():
        raise ExpressionError("is empty; write a column's name or an expression")
    try:
        statements = sqlglot.parse(_PREFIX + text, dialect="spark")
    except ParseError as error:
        fault = error.errors[0]
        where = max(1, int(fault.get("col") or 1) - len(_PREFIX))
        what = re.sub(r" for <class '[\w.]+'>", "", str(fault.get("description") or "it does not parse"))
        raise _NoExpressionAtAll(f"does not parse at character {where}: {what}") from None
    except SqlglotError as error:
        raise _NoExpressionAtAll(f"does not parse: {str(error).splitlines()[0]} (an open quote?)") from None
    except RecursionError:
        raise ExpressionError("is nested too deep to be read") from None
    select = statements[0]
    if select is not None and _depth(select) > _DEEPEST:
        raise ExpressionError(f"is nested too deep: more than {_DEEPEST} levels, which Spark would not compile")
    if (
        len(statements) != 1
        or not isinstance(select, exp.Select)
        or select.args.get("from_")
        or len(select.selects) != 1
    ):
        raise ExpressionError("must be one expression over the row's columns, without a list, FROM or `;`")
    projection = select.selects[0]
    if isinstance(projection, exp.Alias):
        raise _NoExpressionAtAll(
            f"is no column of the file, and as an expression must not have an alias (`{projection.alias}`)"
        )
    if isinstance(projection, exp.Star) or select.find(exp.Subquery):
        raise ExpressionError("must be one expression over the row's columns, not `*` or a query")
    for aggregate in select.find_all(exp.AggFunc):
        if aggregate.find_ancestor(exp.Window) is None:
            raise ExpressionError(f"uses the aggregate {aggregate.sql_name().lower()}(), but is computed row by row")
    if any(node.comments for node in select.walk()):
        raise ExpressionError("holds a SQL comment; put comments after # in the YAML")
    return select


def _depth(root: exp.Expression) -> int:
    deepest, waiting = 0, [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting += [(child, depth + 1) for child in node.iter_expressions()]
    return deepest


def _no_column(names: list[str], stored_names: Mapping[str, str]) -> str:
    listed = ", ".join(f"`{name}`" for name in names)
    near = close_matches(names[0], stored_names)
    has = ", ".join(list(stored_names)[:12]) + (", …" if len(stored_names) > 12 else "")
    return f"the file has no column {listed}{near or f'; it has {has}'}"
