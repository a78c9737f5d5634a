"""The columns of the entities that say who somebody is: the vault has their values, silver their masks."""

from __future__ import annotations

from functools import lru_cache

from lakehouse.entities import ENTITIES
from lakehouse.privacy.classes import class_of


@lru_cache(maxsize=1)
def entities_with_identifiers() -> dict[str, tuple[str, ...]]:
    """Entity -> its columns that the vault keeps: of whoever has a direct identifier, all that silver masks.

    A day of birth and the coordinates of a home are among them: silver makes them coarse, and who asks what is held of
    a person must see what was given.
    """
    found = {}
    for name, entity in ENTITIES.items():
        classes = {column: class_of(name, column) for column in entity.columns if column not in entity.key}
        if any(one.kind == "direct_identifier" for one in classes.values()):
            found[name] = tuple(column for column, one in classes.items() if one.mask)
    return found


def identifying_columns(entity: str) -> tuple[str, ...]:
    """The columns of an entity whose values are kept in the vault only; none for most entities."""
    return entities_with_identifiers().get(entity, ())
