"""What an entity's mapping makes of each raw column: which may be judged by its values, and which are private."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lakehouse.bronze.protection import PERSON_KEYS
from lakehouse.entities import ENTITIES
from lakehouse.expressions import named_columns
from lakehouse.privacy.classes import is_about_people, masked_columns
from lakehouse.sources import EntitySource

_NUMERIC = ("int", "bigint", "double", "decimal")
_HAPPENED = {
    "order_lines": "ordered_at",
    "events": "event_at",
    "impressions": "shown_at",
    "sends": "sent_at",
    "tickets": "opened_at",
    "consents": "changed_at",
    "locations": "seen_at",
    "store_traffic": "counted_at",
    "inventory": "counted_on",
    "holdings": "as_of_on",
    "ratings": "rated_at",
}
"""When a row of the entity happened; entities without one are lists of things, whose batches have no age."""


@dataclass(frozen=True)
class Roles:
    """Raw columns in lower case.

    `mapped`: our column or attribute -> the raw columns it is made of. `amounts` become numbers that are no keys,
    `happened` become the time of the row, `needed` become columns of ours (not attributes).
    """

    mapped: dict[str, frozenset[str]]
    personal: frozenset[str]
    amounts: frozenset[str]
    happened: frozenset[str]
    needed: frozenset[str]

    @property
    def all_mapped(self) -> frozenset[str]:
        """Every raw column that the mapping names."""
        return frozenset().union(*self.mapped.values())

    def made_of(self, raw: str) -> list[str]:
        """Our columns and attributes that the raw column goes into."""
        return [ours for ours, raws in self.mapped.items() if raw in raws]


def roles(entity: str, definition: EntitySource, raw_names: Collection[str], has_personal_key: bool = False) -> Roles:
    """The roles of an entity's raw columns.

    Personal is what goes into a column with a mask (`lakehouse/privacy/classes.yml`) or into a key that is an
    identifier, and of entities about people whatever is an attribute or in no mapping, for nobody has said what it is:
    no value of these is kept in `ops`.

    Args:
        raw_names: names that files have, in lower case.
    """
    texts = {**definition.attributes, **definition.columns}
    mapped = {ours: frozenset(named_columns(text, raw_names)) for ours, text in texts.items()}
    columns, masked = ENTITIES[entity].columns, masked_columns()

    def of(chosen: Collection[str]) -> frozenset[str]:
        return frozenset(raw for ours in chosen if ours in definition.columns for raw in mapped[ours])

    personal = of(masked | (set(PERSON_KEYS) if has_personal_key else set()))
    if is_about_people(entity):
        said = frozenset().union(*(mapped[ours] for ours in definition.columns))
        personal |= frozenset(name for name in raw_names if name not in said)
    keys = {ours for ours in columns if ours.endswith("_id")} | set(definition.key) | set(ENTITIES[entity].key)
    amounts = [o for o, column in columns.items() if column.type.startswith(_NUMERIC) and o not in keys | masked]
    return Roles(
        mapped=mapped,
        personal=personal,
        amounts=of(amounts) - of(keys | masked),
        happened=of([_HAPPENED[entity]] if entity in _HAPPENED else []),
        needed=of(list(definition.columns)),
    )
