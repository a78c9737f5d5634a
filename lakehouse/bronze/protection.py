"""What of an entity's rows bronze does not keep in the clear, by the source's mapping: a plan, without any data.

A raw column that an identifying column is made of is hidden (`***`). What silver needs of it is made before, into
columns of bronze that begin with `_shown_`: the mask of an identifying column and the facts beside it, and every other
column or attribute whose expression names a hidden column. The mapping that silver is told names these columns instead.
What no mapping gives a type (free text, URLs, attributes, columns that nobody maps) is searched for identifiers, but
not an attribute that is called what we call the key of a thing: among long numbers of orders some pass for a bank card.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakehouse.entities import ENTITIES
from lakehouse.expressions import LINEAGE_COLUMNS, named_columns, quoted
from lakehouse.privacy.classes import class_of, is_about_people
from lakehouse.privacy.identifiers import identifying_columns
from lakehouse.privacy.person_keys import plain_name

VERSION = 1
"""Of the masks and of what is searched for: with another one, what was landed before is protected anew."""
SHOWN = "_shown_"
CAME_AS = f"{SHOWN}came_as"
"""A keyed hash of a database's row as it came: an unkeyed one would tell, of a row that is known but for its phone
number, which number that is."""
PERSON_KEYS = ("customer_id", "member_id", "profile_id")
"""What `personal_key: true` puts pseudonyms in the place of."""
PSEUDONYM, TEXT, EMPTY, HIDDEN, SEARCHED = "pseudonym", "text", "empty", "hidden", "searched"
_MADE_OF: dict[str, tuple[tuple[str, str], ...]] = {
    "name": (("{}", "masked_name"), ("given_name", "given_name")),
    "phone": (("{}", "masked_phone"), ("{}_pseudonym", "phone_pseudonym")),
    "email": (("{}", "masked_email"), ("{}_pseudonym", "email_pseudonym")),
    "id_card": (("{}", HIDDEN),),
    "district": (("{}", "district_of"),),
    "year": (("birth_year", "year_of"),),
    "grid": (("{}", "cell_of"),),
    "withheld": (("{}", HIDDEN),),
}
"""Mask of `classes.yml` -> the columns that silver gets, and how each is made of the value."""
_THINGS = frozenset(
    ours
    for entity, described in ENTITIES.items()
    for ours in described.columns
    if ours.endswith("_id") and class_of(entity, ours).kind != "pseudonym"
)
"""What refers to no person: `order_id`, `product_id` and so on; an attribute may say more in front, as in
`original_order_id`."""


@dataclass(frozen=True)
class Shown:
    """A column of bronze that landing makes: `of` is an expression over stored columns, `how` a mask, or as below.

    `pseudonym`: of a key; `text`: as it is worked out; `searched`: that, without the identifiers in it; `empty`:
    nothing, for it is the identifier itself; `hidden`: `***`.
    """

    column: str
    of: str
    how: str


@dataclass(frozen=True)
class Protection:
    """The plan. `columns` and `attributes` are the mapping that silver is told.

    `values`: our identifying columns -> expressions, what the vault keeps; `key`: those of the entity's key;
    `personal`: key columns of persons that are pseudonyms; `hidden` and `searched`: stored columns; `left`: those that
    stay as they are because the mapping says what they hold; `looked_at`: key columns of persons, each with a stored
    column that it is made of, of which nobody has said whether they are identifiers.
    """

    entity: str
    columns: Mapping[str, str]
    attributes: Mapping[str, str]
    key: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    personal: Mapping[str, str] = field(default_factory=dict)
    shown: tuple[Shown, ...] = ()
    hidden: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    left: frozenset[str] = frozenset()
    looked_at: tuple[tuple[str, str], ...] = ()

    @property
    def is_about_people(self) -> bool:
        """Whether rows are of people, so that lines nobody could read may say who somebody is."""
        return is_about_people(self.entity)

    @property
    def expressions(self) -> dict[str, str]:
        """What an engine has to work out: everything that is made of more than one column's text."""
        texts = {**self.values, **{one.column: one.of for one in self.shown}, **self.personal}
        texts |= self.key if self.values or self.personal else {}
        return {name: text for name, text in texts.items() if plain_name(text) is None}

    def recorded(self) -> str:
        """The plan as `ops.loads` keeps it beside a batch that was landed by it."""
        if not self.is_about_people:
            return ""
        told: dict[str, Any] = {"version": VERSION, "values": dict(self.values), "hidden": sorted(self.hidden)}
        told["shown"] = {one.column: [one.of, one.how] for one in self.shown}
        told["left"] = sorted(self.left)
        return json.dumps(told, ensure_ascii=False, sort_keys=True)

    def holds_for(self, recorded: str | None) -> bool:
        """Whether a batch that was landed by that plan is protected as this one wants it."""
        if not self.is_about_people:
            return True
        if not recorded:
            return False
        then, now = json.loads(recorded), json.loads(self.recorded())
        same = all(then[name] == now[name] for name in ("version", "values", "hidden", "shown"))
        return same and not set(then["left"]) & set(self.searched)


def plan_protection(
    entity: str,
    columns: Mapping[str, str],
    attributes: Mapping[str, str],
    stored: Collection[str],
    personal_key: bool = False,
    given_names: bool = True,
    looks: bool = False,
) -> Protection:
    """The plan for an entity of a source.

    Args:
        columns: our column -> expression over stored columns, as `expressions.resolve` gives it; so `attributes`.
        stored: all stored columns of the source's files.
        personal_key: keys of persons are identifiers themselves.
        given_names: setting `gender_from_names`.
        looks: nobody has said what keys of persons are.
    """
    if not is_about_people(entity):
        return Protection(entity, columns, attributes)
    by_fold = {name.lower(): name for name in stored}

    def named(texts: Sequence[str]) -> set[str]:
        found = {name for text in texts for name in named_columns(text, by_fold.keys())}
        return {by_fold[name] for name in found if name in by_fold}

    brought = identifying_columns(entity)
    values = {ours: text for ours, text in columns.items() if ours in brought}
    personal = {ours: columns[ours] for ours in PERSON_KEYS if personal_key and ours in columns}
    # Where somebody was is shown by its cell, and kept nowhere: a key for each visit would be the price.
    coarse = {
        ours: text for ours, text in columns.items() if ours not in brought and class_of(entity, ours).mask == "grid"
    }
    sources = [*values.values(), *coarse.values(), *personal.values()]
    plainly = {name for text in sources if (name := plain_name(text)) is not None}
    others = [text for ours, text in columns.items() if ours not in {*values, *coarse, *personal}]
    # What the mapping also calls something harmless is that, unless it is an identifier by itself.
    said = {name for text in others if (name := plain_name(text)) is not None} - plainly
    hidden = (named(sources) - said) | (plainly & set(stored))
    shown: list[Shown] = []
    told, told_attributes = dict(columns), dict(attributes)
    for ours, text in columns.items():
        if ours in personal:
            shown.append(Shown(SHOWN + ours, text, PSEUDONYM))
            told[ours] = quoted(SHOWN + ours)
        elif ours in values or ours in coarse:
            del told[ours]
            for name, how in _MADE_OF[class_of(entity, ours).mask]:
                if how == "given_name" and not (given_names and entity == "customers"):
                    continue
                name = name.format(ours)
                shown.append(Shown(SHOWN + name, text, how))
                told[name] = quoted(SHOWN + name)
        elif named([text]) & hidden:
            shown.append(Shown(SHOWN + ours, text, _how(entity, ours, text)))
            told[ours] = quoted(SHOWN + ours)
    taken = {one.column for one in shown}
    for name, text in attributes.items():
        if named([text]) & hidden:
            column = _free(SHOWN + "attribute_" + re.sub(r"\W", "_", name), taken)
            shown.append(Shown(column, text, HIDDEN if plain_name(text) is not None else SEARCHED))
            told_attributes[name] = quoted(column)
    open_texts = [
        text for ours, text in columns.items() if ours not in {*values, *coarse} and not _is_written(entity, ours)
    ]
    open_texts += [text for name, text in attributes.items() if plain_name(text) and _refers_to_a_thing(name)]
    left = named(open_texts) - hidden
    searched = [name for name in dict.fromkeys(stored) if name not in hidden and name not in left]
    key = {ours: columns[ours] for ours in ENTITIES[entity].key if ours in columns}
    return Protection(
        entity, told, told_attributes, key, values, personal, tuple(shown), tuple(sorted(hidden)), tuple(searched),
        frozenset(left),
        tuple((ours, name) for ours in PERSON_KEYS if looks for name in sorted(named([columns.get(ours, "''")]))),
    )  # fmt: skip


def personal_key_unsaid(entity: str, columns: Mapping[str, str]) -> tuple[str, str] | None:
    """A key column of persons that is made of the very raw column that an identifying column of ours is; both names."""
    plainly = {
        name.lower(): ours for ours in identifying_columns(entity) if (name := plain_name(columns.get(ours, "")))
    }
    for ours in PERSON_KEYS:
        for name in sorted(named_columns(columns.get(ours, "''"), plainly.keys())):
            if name in plainly:
                return ours, plainly[name]
    return None


def is_shown(column: str) -> bool:
    """Whether a column of bronze is one that landing makes."""
    return column.startswith(SHOWN)


def named_by(text: str, stored: Collection[str]) -> list[str]:
    """The stored columns, and those of the lineage, that an expression names."""
    by_fold = {name.lower(): name for name in (*stored, *LINEAGE_COLUMNS)}
    found = named_columns(text, by_fold.keys())
    lineage = {name for name in LINEAGE_COLUMNS if name in text}
    return sorted({by_fold[name] for name in found if name in by_fold} | lineage)


def _how(entity: str, ours: str, text: str) -> str:
    """How a column that is no identifier is shown where it is made of one."""
    if ours.endswith("_id"):
        return PSEUDONYM
    if plain_name(text) is not None:
        return EMPTY
    return SEARCHED if ENTITIES[entity].columns[ours].type == "string" else TEXT


def _refers_to_a_thing(attribute: str) -> bool:
    """Whether an attribute is, by the name that the mapping gives it, the key of something that is no person."""
    return any(attribute == thing or attribute.endswith(f"_{thing}") for thing in _THINGS)


def _is_written(entity: str, ours: str) -> bool:
    """Words that a person or program wrote, such as interests."""
    one = class_of(entity, ours)
    return one.mask == "withheld" or (one.kind == "sensitive" and ENTITIES[entity].columns[ours].type == "string")


def _free(name: str, taken: set[str]) -> str:
    found = name
    while found.lower() in {one.lower() for one in taken}:
        found += "_"
    taken.add(found)
    return found
