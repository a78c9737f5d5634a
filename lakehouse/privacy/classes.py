"""What every column says of a person, as `classes.yml` declares it: its class, why it is kept, and for how long.

What is made of it: which values samples, logs and statistics may show (`hidden_columns`), what exports
and models may have (`lakehouse/privacy/uses.py`), what charts offer, what dbt's docs say of each column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from lakehouse.entities import ENTITIES
from lakehouse.errors import LakehouseError

DECLARED = Path(__file__).with_name("classes.yml")
CLASSES = ("direct_identifier", "pseudonym", "quasi_identifier", "sensitive", "behaviour", "none")
MASKS = ("name", "phone", "email", "id_card", "district", "year", "grid", "withheld")
PURPOSES = ("contract", "service", "marketing", "analytics", "legal_duty", "catalogue", "operations")
LANDED, ACTIVITY = "landed", "activity"
TELLING = frozenset(("direct_identifier", "quasi_identifier", "sensitive"))
"""Classes of which no value is shown beside a verdict."""


@dataclass(frozen=True)
class ColumnClass:
    """What a column says of a person.

    `kind` is one of `CLASSES`, `mask` what stands in for its value (empty: nothing has to), `retention_days` counts
    from the time of the row (None: as long as what it is made of) and is the row's own or shorter, `in_silver` says
    whether it goes beyond bronze.
    """

    kind: str
    purpose: str
    retention_days: int | None = None
    mask: str = ""
    in_silver: bool = True

    @property
    def is_personal(self) -> bool:
        """Whether it says anything of a person at all."""
        return self.kind != "none"

    @property
    def is_hidden(self) -> bool:
        """Whether its values are kept out of samples, messages and logs."""
        return self.kind in TELLING or bool(self.mask)


@dataclass(frozen=True)
class Retention:
    """How long rows of an entity are kept: `days` from the latest of the times in `since`.

    These are columns of the row, `LANDED` (the time at which it came), or `ACTIVITY` (the last deed of its customer). A
    row with none of them counts from the time at which it came. `shorter` are the columns that rows lose before they go
    themselves, and after how many days.
    """

    days: int
    since: tuple[str, ...]
    shorter: Mapping[str, int] = field(default_factory=dict)


def class_of(table: str, column: str) -> ColumnClass:
    """The class of a column.

    Args:
        table: an entity (`customers`), a dbt model (`stg_customers`, `dim_customer`), or a table with its schema
            (`silver.customers`, `gold.dim_customer`, `ml.recommendations`).

    Raises:
        LakehouseError: the column has no class; says where to give it one.
    """
    return _classes().of(table, column)


def hidden_columns() -> frozenset[str]:
    """Names of which no value is shown: those that say who, where or what somebody is in any table."""
    return _classes().named(lambda one: one.is_hidden)


def masked_columns() -> frozenset[str]:
    """Names of columns with a mask in any table of people: of their values not even counts are kept or charted."""
    return _classes().named(lambda one: bool(one.mask))


def vaulted_columns(entity: str) -> tuple[str, ...]:
    """The columns of an entity that the vault keeps: of whoever has a direct identifier, all that silver masks."""
    return _classes().vaulted(entity)


def retentions() -> Mapping[str, Retention]:
    """Entity -> how long its rows are kept; those that are kept for good are not among them."""
    return _classes().retentions


def activity() -> Mapping[str, tuple[str, ...]]:
    """Entity -> its columns that say when a customer did something."""
    return _classes().activity


def is_about_people(table: str) -> bool:
    """Whether rows of a table (as in `class_of`) are about a person, or a deed of a person."""
    return _classes().is_about_people(table)


def is_detached(table: str) -> bool:
    """Whether rows of a table (as in `class_of`) stay without the person when somebody is erased; else they go."""
    return _classes().is_detached(table)


def check_entities() -> None:
    """Let a build go on in which every column of every entity has a class.

    Raises:
        LakehouseError: one has none, or `classes.yml` is wrong.
    """
    _classes()


class Classes:
    """The declaration, read."""

    def __init__(self, declared: Mapping[str, Any]) -> None:
        self._entities = {name: _entity(name, told) for name, told in declared["entities"].items()}
        for name, entity in ENTITIES.items():
            for column in entity.columns:
                if column not in self._entities.get(name, {}):
                    raise _unclassified(f"entity {name}", column)
        for name, columns in self._entities.items():
            for column in columns:
                if name not in ENTITIES or column not in ENTITIES[name].columns:
                    raise LakehouseError(f"{DECLARED.name} gives {name}.{column} a class, which no entity has")
        fates = {name: told.get("erasure", "remove") for name, told in declared["entities"].items()}
        for name, fate in fates.items():
            if fate not in ("remove", "detach"):
                raise LakehouseError(f"{DECLARED.name}: the erasure of {name} is {fate!r}, neither remove nor detach")
        self._detached = {name for name, fate in fates.items() if fate == "detach"}
        self._detached |= set(declared["derived"]["detached"])
        self.activity = {name: _times(name, columns, ()) for name, columns in declared["activity"].items()}
        self.retentions = {
            name: Retention(
                told["retention_days"],
                _times(name, told.get("since", ()), (LANDED, ACTIVITY)),
                {column: self._shorter(name, told, column) for column in _with_own_days(told)},
            )
            for name, told in declared["entities"].items()
            if told["retention_days"] is not None or _with_own_days(told)
        }
        self._attributes = _column("attributes", {**declared["attributes"], "purpose": "analytics"}, None)
        made = declared["derived"]
        self._purposes: Mapping[str, str] = made["purposes"]
        self._without_people: list[str] = made["without_people"]
        self._of_tables: Mapping[str, Mapping[str, str]] = made["of_tables"]
        self._derived = self._shared()
        for kind, names in made["columns"].items():
            for name in names:
                mask = {"mask": made["masks"][name]} if name in made["masks"] else {}
                self._derived[name] = _column(name, {"class": kind, "purpose": "analytics", **mask}, None)

    def _shared(self) -> dict[str, ColumnClass]:
        """Columns that mean one and the same in every entity that has them."""
        found: dict[str, set[tuple[str, str]]] = {}
        for columns in self._entities.values():
            for name, one in columns.items():
                found.setdefault(name, set()).add((one.kind, one.mask))
        alike = {name: next(iter(kinds)) for name, kinds in found.items() if len(kinds) == 1}
        return {name: ColumnClass(kind, "analytics", None, mask) for name, (kind, mask) in alike.items()}

    def of(self, table: str, column: str) -> ColumnClass:
        entity = _entity_of(table)
        if column in self._entities.get(entity, {}):
            return self._entities[entity][column]
        if entity in self._entities and column == "attributes":
            return replace(self._attributes, retention_days=self._retention(entity))
        if not self.is_about_people(table):
            return ColumnClass("none", "operations" if table.startswith("ops") else "analytics")
        kind = self._of_tables.get(table, self._of_tables.get(_plain(table), {})).get(column)
        if kind is not None:
            return ColumnClass(kind, self._purpose(table))
        if column in self._derived:
            found = self._derived[column]
            if entity in self._entities:
                return replace(found, purpose=self._first(entity).purpose, retention_days=self._retention(entity))
            return replace(found, purpose=self._purpose(table))
        raise _unclassified(table, column)

    def is_about_people(self, table: str) -> bool:
        entity = _entity_of(table)
        if entity in self._entities:
            return any(one.is_personal for one in self._entities[entity].values())
        return not any(fnmatchcase(name, p) for p in self._without_people for name in (table, _plain(table)))

    def is_detached(self, table: str) -> bool:
        return (_entity_of(table) or _plain(table)) in self._detached

    def vaulted(self, entity: str) -> tuple[str, ...]:
        columns, about = self._entities[entity], ENTITIES[entity]
        told = {name: columns[name] for name in about.columns if name not in about.key}
        if all(one.kind != "direct_identifier" for one in told.values()):
            return ()
        return tuple(name for name, one in told.items() if one.mask)

    def named(self, chosen: Any) -> frozenset[str]:
        found = {name for columns in self._entities.values() for name, one in columns.items() if chosen(one)}
        return frozenset(found | {name for name, one in self._derived.items() if chosen(one)})

    def _purpose(self, table: str) -> str:
        return next(purpose for pattern, purpose in self._purposes.items() if fnmatchcase(_plain(table), pattern))

    def _first(self, entity: str) -> ColumnClass:
        return next(iter(self._entities[entity].values()))

    def _retention(self, entity: str) -> int | None:
        kept = self.retentions.get(entity)
        return None if kept is None else kept.days

    def _shorter(self, entity: str, told: Mapping[str, Any], column: str) -> int:
        """The days of a column that is kept less long than its row, where a row can be without it."""
        days, columns = int(told["columns"][column]["retention_days"]), self._entities[entity]
        times = (*told.get("since", ()), *self.activity.get(entity, ()))
        if told["retention_days"] is None:
            why = "its rows are kept for good"
        elif not 0 < days < told["retention_days"]:
            why = "that is no shorter than its row is kept"
        elif column in ENTITIES[entity].key or column in times or columns[column].kind == "pseudonym":
            why = "rows are told by it, or their age"
        elif column in self.vaulted(entity):
            why = "the vault has it as one with its row"
        else:
            return days
        raise LakehouseError(f"{DECLARED.name}: {entity}.{column} cannot have a retention of {days} days: {why}")


@lru_cache(maxsize=1)
def _classes() -> Classes:
    return Classes(
        yaml.load(DECLARED.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    )


def _entity(name: str, told: Mapping[str, Any]) -> dict[str, ColumnClass]:
    return {
        column: _column(
            f"{name}.{column}",
            {"purpose": told["purpose"], **({"class": about} if isinstance(about, str) else about)},
            told["retention_days"],
        )
        for column, about in told["columns"].items()
    }


def _column(name: str, about: Mapping[str, Any], retention_days: int | None) -> ColumnClass:
    for said, known in (("class", CLASSES), ("purpose", PURPOSES), ("mask", ("", *MASKS))):
        if about.get(said, "") not in known:
            raise LakehouseError(
                f"{DECLARED.name}: the {said} of {name} is {about.get(said)!r}, which is none of {', '.join(known)}"
            )
    mask, in_silver = about.get("mask", ""), about.get("silver", True)
    return ColumnClass(about["class"], about["purpose"], about.get("retention_days", retention_days), mask, in_silver)


def _with_own_days(told: Mapping[str, Any]) -> list[str]:
    """The columns of an entity, as declared, that have a retention of their own."""
    return [name for name, about in told["columns"].items() if not isinstance(about, str) and "retention_days" in about]


def _times(entity: str, named: Sequence[str], others: tuple[str, ...]) -> tuple[str, ...]:
    """The names, each of a time of the entity or one of `others`, and `ACTIVITY` only where a row names a customer."""
    columns = ENTITIES[entity].columns if entity in ENTITIES else {}
    times = {name for name, column in columns.items() if column.type in ("timestamp", "date")}
    known = times | set(others) - (set() if "customer_id" in columns else {ACTIVITY})
    for name in named or ("none",):
        if name not in known:
            raise LakehouseError(
                f"{DECLARED.name}: {entity} cannot be kept since {name!r}: name {', '.join(sorted(known)) or 'nothing'}"
            )
    return tuple(named)


def _plain(table: str) -> str:
    return table.rpartition(".")[2]


def _entity_of(table: str) -> str:
    """The entity whose rows a table holds as they came; empty for others."""
    schema, _, name = table.rpartition(".")
    name = name.removeprefix("stg_") if not schema else name
    return name if schema in ("", "bronze", "silver") and name in ENTITIES else ""


def _unclassified(table: str, column: str) -> LakehouseError:
    return LakehouseError(
        f"column {column} of {table} has no class: say in lakehouse/privacy/{DECLARED.name} what it tells of a person"
    )
