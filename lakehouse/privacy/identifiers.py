"""The columns of the entities that say who somebody is: the vault has their values, silver their masks."""

from __future__ import annotations

DIRECT_IDENTIFIERS: dict[str, tuple[str, ...]] = {
    "customers": ("full_name", "phone", "email", "id_card", "birth_on", "address", "latitude", "longitude"),
    "partner_members": ("full_name", "phone", "email"),
    "third_party_profiles": ("phone", "email"),
}
"""Entity -> its columns. A day of birth and the coordinates of a home are here too: silver makes them coarse, and who
asks what is held of a person must see what was given. Replaced by the catalogue of classes once that is there."""


def identifying_columns(entity: str) -> tuple[str, ...]:
    """The columns of an entity whose values are kept in the vault only; none for most entities."""
    return DIRECT_IDENTIFIERS.get(entity, ())
