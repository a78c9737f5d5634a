"""By which columns the rows of a table say whose they are, and what stays of a row whose person is erased.

A person has several keys: a customer's id, the cookies that only this customer used, the accounts that are theirs, and
their keys among partners' members and bought profiles (found by phone and e-mail). A row with one of them is theirs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from lakehouse import ops
from lakehouse.entities import ENTITIES
from lakehouse.privacy.classes import class_of, is_detached
from lakehouse.privacy.keyring import OTHER_KEYS
from lakehouse.privacy.pseudonyms import Pseudonyms
from lakehouse.privacy.vault import subject_of
from lakehouse.settings import Settings

KEY_COLUMNS: dict[str, tuple[str, ...]] = {
    "customer": ("customer_id",),
    "visitor": ("anonymous_id",),
    "account": ("account_id",),
    "member": ("partner_id", "member_id"),
    "profile": ("provider", "profile_id"),
}
"""Kind of key -> the columns that it is made of, in every layer."""
OF_ENTITY = {"customers": "customer", "partner_members": "member", "third_party_profiles": "profile"}
"""Whom the vault keeps identifiers of -> the kind of their key."""
BETWEEN = "\x1f"
BLANKS = " \t\r\n\u00a0\u3000\ufeff"
"""What silver takes off the ends of a text (macro `tidy`)."""


@dataclass
class Keys:
    """The keys of some persons: kind -> keys, the parts of each joined by `BETWEEN`."""

    of: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in KEY_COLUMNS})

    def add(self, kind: str, *parts: str) -> None:
        self.of[kind].add(BETWEEN.join(parts))

    def values(self) -> set[str]:
        """Every key, of those with several parts the last, which tells the person."""
        return {key.rpartition(BETWEEN)[2] for keys in self.of.values() for key in keys}

    def as_lists(self) -> dict[str, list[str]]:
        return {kind: sorted(keys) for kind, keys in self.of.items()}

    @classmethod
    def from_lists(cls, told: Mapping[str, Iterable[str]]) -> Keys:
        return cls({kind: set(told.get(kind, ())) for kind in KEY_COLUMNS})


@dataclass(frozen=True)
class Match:
    """Rows of a table whose `columns`, trimmed and joined, are one of `keys`."""

    kind: str
    columns: tuple[str, ...]
    keys: frozenset[str]


@dataclass(frozen=True)
class Mapped:
    """How a source's columns of an entity, as bronze stores them, are ours: a row of `ops.sources`.

    `raw` are its columns, by the names that its files have, as bronze stores them; `came` how the source itself maps
    them, where bronze hides some of what came.
    """

    source: str
    entity: str
    columns: Mapping[str, str]
    raw: Mapping[str, str]
    has_key: bool
    came: Mapping[str, str] = field(default_factory=dict)

    @property
    def stored(self) -> frozenset[str]:
        """The columns of its rows, as bronze stores them."""
        return frozenset(self.raw.values())

    def plain(self, ours: str) -> str | None:
        """The one stored column that a column of ours is; None where it is an expression, or not brought."""
        return plain_name(self.columns.get(ours, ""))

    def brought(self, ours: str) -> str | None:
        """The one stored column that brings a column of ours, hidden there or not; None as in `plain`."""
        return plain_name(self.came.get(ours, "")) or self.plain(ours)

    def kinds(self) -> list[str]:
        """The kinds of key that its rows can be told by."""
        return [kind for kind, columns in KEY_COLUMNS.items() if set(columns) <= self.columns.keys()]

    def is_plain(self, kind: str) -> bool:
        """Whether no expression stands between its columns and the key."""
        return all(self.plain(column) is not None for column in KEY_COLUMNS[kind])

    def match(self, kind: str, keys: Keys) -> Match:
        """The rows of bronze of these persons, where the key is plain."""
        return Match(kind, tuple(self.plain(c) or "" for c in KEY_COLUMNS[kind]), frozenset(keys.of[kind]))

    def made_only_into(self, ours: Collection[str]) -> tuple[str, ...]:
        """The stored columns of which these columns of ours are made, and no other of ours is."""
        theirs: set[str] = set()
        others: set[str] = set()
        for name, expression in self.columns.items():
            (theirs if name in ours else others).update(self._named_in(expression))
        return tuple(sorted(theirs - others))

    def emptied(self) -> tuple[str, ...] | None:
        """The stored columns that a row loses which stays without its person; None where it cannot stay.

        It keeps what a column of ours is made of that says nothing of a person by itself, unless one that does is made
        of the same.
        """
        kept: set[str] = set()
        lost: set[str] = set()
        for ours, theirs in self.columns.items():
            kind = class_of(self.entity, ours).kind if ours != "currency" else "none"
            (kept if kind in ("behaviour", "none") else lost).update(self._named_in(theirs))
        if kept & lost:
            return None
        return tuple(sorted((self.stored | lost) - kept))

    def _named_in(self, expression: str) -> set[str]:
        name = plain_name(expression)
        if name is not None:
            return {name}
        words = set(re.findall(r"\w+", expression)) | set(re.findall(r"`([^`]+)`", expression))
        return set(self.stored & words)


def mappings(settings: Settings) -> list[Mapped]:
    """Of every source and entity that has landed anything."""
    return [
        Mapped(
            row["source"],
            row["entity"],
            dict(row["columns"] or []),
            dict(row["raw_columns"] or []),
            bool(row["key_columns"]),
            dict(row.get("mapped_columns") or []),
        )
        for row in ops.read(settings, "sources")
    ]


def matches_of(columns: Iterable[str], keys: Keys) -> list[Match]:
    """By which columns of a table of silver, gold, ml or ops rows of these persons are told."""
    there = set(columns)
    return [
        Match(kind, named, frozenset(keys.of[kind]))
        for kind, named in KEY_COLUMNS.items()
        if keys.of[kind] and set(named) <= there
    ]


def stays_without_person(table: str) -> bool:
    """Whether a row of a table stays, without its person, when they are erased (`classes.yml` says so)."""
    return is_detached(table)


@lru_cache(maxsize=1)
def entities_of_people() -> frozenset[str]:
    """Entities whose rows say whose they are by one of the keys."""
    return frozenset(
        name
        for name, entity in ENTITIES.items()
        if any(set(columns) <= set(entity.columns) for columns in KEY_COLUMNS.values())
    )


def name_of(pseudonyms: Pseudonyms, kind: str, key: str) -> str:
    """The name of a key in the keyring: of whom the vault keeps, their name there; of a cookie or account one that says
    that no person's key is meant (`~`)."""
    entity = next((entity for entity, of in OF_ENTITY.items() if of == kind), None)
    if entity is None:
        return OTHER_KEYS + pseudonyms.pseudonym(kind, key)
    return subject_of(pseudonyms, entity, *key.split(BETWEEN))


def plain_name(theirs: str) -> str | None:
    """The one stored column that a mapping names in back quotes; None of an expression."""
    if len(theirs) > 2 and theirs[0] == theirs[-1] == "`" and theirs.count("`") == 2:
        return theirs[1:-1]
    return None


def joined(parts: Iterable[Any]) -> str:
    """A key of its parts, as `Keys` has it."""
    return BETWEEN.join(str(part).strip(BLANKS) for part in parts)
