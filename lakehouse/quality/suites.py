"""Suites as they are declared: `expectations/<layer>/<table>.yml`, read and checked without Spark or GX.

    table: silver.order_lines
    about: one sentence, the head of the suite's page in Data Docs
    key: [source, order_id, line_number] # columns that name a row in the samples of a failed rule
    rules:
      - type: expect_column_values_to_not_be_null   # a Great Expectations type, snake or Camel
        columns: [order_id, ordered_at]             # one rule per column; or `column` in kwargs
        severity: error                             # error stops the run, warn reports
        owner: what it means when it fails, and to whom
      - type: expect_rows_to_satisfy                # ours, see row_expectations.py
        name: net_is_gross_minus_discount           # the rule's name; needed when the type alone is not unique
        kwargs: {condition: net_amount = gross_amount - coalesce(discount_amount, 0)}
        mostly: 0.99                                # share of rows that must pass
        row_condition: is_sale                      # Spark SQL: only these rows are judged

Instead of a table's own rows a suite may judge those of a `query:` (Spark SQL across tables) or of a `measure:`
(figures about the layer that measures.py counts without a query); `table` is then only the suite's name.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lakehouse.errors import InputError
from lakehouse.privacy.classes import hidden_columns
from lakehouse.settings import CHECKOUT

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same YAML, read by libyaml where there is one
LAYERS = ("bronze", "silver", "ml", "gold")
EXPECTATIONS_DIR = CHECKOUT / "expectations"
COLUMN_KWARGS = ("column", "column_A", "column_B")
COLUMN_LIST_KWARGS = ("columns", "column_list")
SEVERITIES = ("error", "warn")
SUITE_FIELDS = {"table", "query", "measure", "about", "key", "rules"}
RULE_FIELDS = {"type", "name", "columns", "kwargs", "severity", "owner", "mostly", "row_condition"}


@dataclass(frozen=True)
class Rule:
    """One expectation of a suite. `name` and `column` together are unique in the suite."""

    type: str
    severity: str
    owner: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    mostly: float | None = None
    row_condition: str | None = None

    @property
    def label(self) -> str:
        """What the rule is called in `ops.validations` and in messages."""
        return self.name or self.type

    @property
    def column(self) -> str | None:
        """The column or columns that the rule is about, None for a rule about rows or the table."""
        named = [self.kwargs.get(key) for key in COLUMN_KWARGS if key in self.kwargs]
        listed = self.kwargs.get("columns") or self.kwargs.get("column_list") or []
        return ", ".join(str(name) for name in [*named, *listed]) or None


@dataclass(frozen=True)
class Suite:
    """The rules of one table (`schema.table`), or of one query that bears such a name."""

    layer: str
    table: str
    path: Path
    rules: tuple[Rule, ...]
    key: tuple[str, ...] = ()
    about: str = ""
    query: str | None = None
    measure: str | None = None


def load_suites(layer: str, tables: Iterable[str] | None = None, folder: Path = EXPECTATIONS_DIR) -> list[Suite]:
    """The suites of a layer sorted by table, or those of `tables` (`schema.table`) only.

    Raises:
        InputError: the layer is unknown, a file is wrong, or a table of `tables` has no suite.
    """
    if layer not in LAYERS:
        raise InputError(f"unknown layer {layer!r}: one of {', '.join(LAYERS)}")
    suites = [read_suite(path, layer) for path in sorted((folder / layer).glob("*.yml"))]
    if tables is None:
        return suites
    wanted = set(tables)
    missing = wanted - {suite.table for suite in suites}
    if missing:
        raise InputError(
            f"no suite for {', '.join(sorted(missing))}: write {folder / layer}/<table>.yml "
            f"(there are suites for {', '.join(suite.table for suite in suites) or 'no table'})"
        )
    return [suite for suite in suites if suite.table in wanted]


def read_suite(path: Path, layer: str) -> Suite:
    """One suite file, checked.

    Raises:
        InputError: names the file, the rule (by place and type) and what is wrong.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    except ValueError as error:  # bytes that are no UTF-8, a date that there is not
        raise InputError(f"{path} cannot be read: {error}") from None
    except RecursionError:
        raise InputError(f"{path} cannot be read: it is nested too deep") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a mapping with `table` and `rules`, found {_kind(content)}")
    _known_fields(content, SUITE_FIELDS, str(path))
    table = content.get("table")
    if not isinstance(table, str) or not re.fullmatch(r"\w+\.\w+", table):
        raise InputError(f"{path}: `table` must be schema.table, as silver.order_lines; found {table!r}")
    if path.stem != table.split(".")[1]:
        raise InputError(f"{path}: table {table} belongs in a file named {table.split('.')[1]}.yml")
    listed = content.get("rules")
    if not isinstance(listed, list) or not listed:
        raise InputError(f"{path}: `rules` must be a list of at least one rule")
    rules = tuple(rule for place, given in enumerate(listed, 1) for rule in _rules(given, f"{path}, rule {place}"))
    _unique_labels(rules, path)
    if "query" in content and "measure" in content:
        raise InputError(f"{path}: give a `query` or a `measure`, not both")
    return Suite(
        layer=layer,
        table=table,
        path=path,
        rules=rules,
        key=_key(content, path),
        about=str(content.get("about", "")),
        query=_text(content, "query", path),
        measure=_text(content, "measure", path),
    )


def _rules(given: Any, where: str) -> Iterator[Rule]:
    """The rule or, with `columns`, the rules that one entry declares."""
    if not isinstance(given, dict):
        raise InputError(f"{where}: expected a mapping with `type`, found {_kind(given)}")
    if not isinstance(given.get("type"), str):
        raise InputError(f"{where}: `type` is missing: a Great Expectations type")
    kind = snake_case(given["type"])
    where = f"{where} ({kind})"
    _known_fields(given, RULE_FIELDS, where)
    severity = given.get("severity")
    if severity not in SEVERITIES:
        raise InputError(f"{where}: `severity` must be error or warn, found {severity!r}")
    owner = given.get("owner")
    if not isinstance(owner, str) or not owner.strip():
        raise InputError(f"{where}: `owner` is missing: one sentence, what it means when the rule fails")
    kwargs = given.get("kwargs", {})
    if not isinstance(kwargs, dict):
        raise InputError(f"{where}: `kwargs` must be a mapping, found {_kind(kwargs)}")
    mostly = given.get("mostly")
    if mostly is not None and not (_is_number(mostly) and 0 <= mostly <= 1):
        raise InputError(f"{where}: `mostly` must be a share in 0..1, found {mostly!r}")
    condition = given.get("row_condition")
    if condition is not None and not isinstance(condition, str):
        raise InputError(f"{where}: `row_condition` must be a Spark SQL text, found {_kind(condition)}")
    columns = _texts(given.get("columns", []), f"{where}: `columns`")
    for expanded in [{**kwargs, "column": column} for column in columns] or [kwargs]:
        yield Rule(
            type=kind,
            severity=severity,
            owner=" ".join(owner.split()),
            kwargs=expanded,
            name=str(given.get("name", "")),
            mostly=None if mostly is None else float(mostly),
            row_condition=condition,
        )


def snake_case(name: str) -> str:
    """`ExpectColumnValuesToNotBeNull` as `expect_column_values_to_not_be_null`; snake names stay."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _key(content: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    key = tuple(_texts(content.get("key", []), f"{path}: `key`"))
    personal = sorted(hidden_columns() & set(key))
    if personal:
        raise InputError(
            f"{path}: `key` names {', '.join(personal)}: samples of failed rules would show personal data; "
            "name a row by ids"
        )
    return key


def _text(content: Mapping[str, Any], name: str, path: Path) -> str | None:
    value = content.get(name)
    if value is not None and not isinstance(value, str):
        raise InputError(f"{path}: `{name}` must be a text, found {_kind(value)}")
    return value


def _unique_labels(rules: tuple[Rule, ...], path: Path) -> None:
    seen: set[tuple[str, str | None]] = set()
    for rule in rules:
        if (rule.label, rule.column) in seen:
            on = f" on {rule.column}" if rule.column else ""
            raise InputError(f"{path}: rule {rule.label}{on} is declared twice; give each its own `name`")
        seen.add((rule.label, rule.column))


def _known_fields(given: Mapping[str, Any], known: set[str], where: str) -> None:
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(str(name), sorted(known), 1)
            hint = f" (did you mean `{close[0]}`?)" if close else f"; known: {', '.join(sorted(known))}"
            raise InputError(f"{where}: unknown field `{name}`{hint}")


def _texts(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{where} must be a list of names, found {value!r}")
    return list(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _kind(value: Any) -> str:
    return {dict: "a mapping", list: "a list", str: "a text", type(None): "nothing"}.get(
        type(value), type(value).__name__
    )
