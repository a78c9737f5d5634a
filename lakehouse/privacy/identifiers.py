"""The columns of the entities that say who somebody is: the vault has their values, silver their masks."""

from __future__ import annotations

from functools import lru_cache

from lakehouse.entities import ENTITIES
from lakehouse.privacy.classes import vaulted_columns


@lru_cache(maxsize=1)
def entities_with_identifiers() -> dict[str, tuple[str, ...]]:
    """Entity -> its columns that the vault keeps, of those that have any.

    A day of birth and the coordinates of a home are among them: silver makes them coarse, and who asks what is held of
    a person must see what was given.
    """
    return {name: columns for name in ENTITIES if (columns := vaulted_columns(name))}


def identifying_columns(entity: str) -> tuple[str, ...]:
    """The columns of an entity whose values are kept in the vault only; none for most entities."""
    return entities_with_identifiers().get(entity, ())
