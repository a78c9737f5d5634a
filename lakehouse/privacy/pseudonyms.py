"""Names that stand for personal keys: HMAC-SHA-256 under a key that is in no table.

Who has a phone number cannot work its pseudonym out without the key, so that a list of all numbers is of no use; an
unkeyed hash would fall to one within minutes.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from lakehouse.privacy.keyring import PSEUDONYMS, Keyring, open_keyring
from lakehouse.settings import Settings

DIGITS = 32
"""Hexadecimal digits that are kept, 128 bits: a million persons share one with a probability below 1e-26."""
_BETWEEN = "\x1f"


class Pseudonyms:
    """One house's pseudonyms."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of(cls, keyring: Keyring) -> Pseudonyms:
        """Those of the house that a keyring belongs to."""
        return cls(keyring.house_key(PSEUDONYMS))

    def pseudonym(self, *parts: str) -> str:
        """What stands for a value, or for several that make one key: the same for every source and every run."""
        text = _BETWEEN.join(part.strip() for part in parts)
        return hmac.digest(self._key, text.encode(), "sha256").hex()[:DIGITS]

    def all_of(self, values: Iterable[str | None]) -> list[str | None]:
        """Of a column; null stays null."""
        known: dict[str | None, str | None] = {None: None}
        return [known[v] if v in known else known.setdefault(v, self.pseudonym(v or "")) for v in values]


def pseudonym(settings: Settings, value: str) -> str:
    """What stands for one value in a home.

    Raises:
        InputError: the home has no keys yet, or the master key is lost or wrong.
    """
    with open_keyring(settings) as keyring:
        return Pseudonyms.of(keyring).pseudonym(value)
