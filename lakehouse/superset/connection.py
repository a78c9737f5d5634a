"""The address by which Superset reads the lakehouse, and the password that is in none of our files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from lakehouse.errors import InputError

KINDS = ("spark", "hive")
MASK = "XXXXXXXXXX"
"""What Superset takes for: the password comes apart."""


@dataclass(frozen=True)
class Connection:
    """`spark://USER@HOST:PORT/gold` (Superset with helm/superset in it) or `hive://…?auth=CUSTOM` (with PyHive).

    Attributes:
        address: without a password.
        password: of the user; empty where the server asks for none.
    """

    address: str
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Raise InputError for an address that is none of ours, or that has a password in it."""
        try:
            parts = urlsplit(self.address)
            known = parts.scheme in KINDS and bool(parts.hostname) and parts.port is not None
        except ValueError:
            known = False
        if not known:
            raise InputError(
                f"{self.address!r} is no address like spark://USER@HOST:10000/gold or hive://USER@HOST:10000/gold"
            )
        if parts.password is not None:
            raise InputError(
                "leave the password out of --database-uri, where others see it: --database-password-file reads it, or "
                "LAKEHOUSE_SUPERSET_DATABASE_PASSWORD"
            )
        if self.password and not parts.username:
            raise InputError("--database-uri has no user for the password: spark://USER@HOST:10000/gold")

    @property
    def kind(self) -> str:
        """`spark` or `hive`."""
        return urlsplit(self.address).scheme

    @property
    def shown(self) -> str:
        """The address for a message."""
        return self.address

    @property
    def uri(self) -> str:
        """With the password."""
        return self._with(quote(self.password, safe=""))

    @property
    def masked_uri(self) -> str:
        """With Superset's mask where there is a password."""
        return self._with(MASK)

    @property
    def extra(self) -> dict[str, Any]:
        """What Superset's database wants besides.

        Superset's grammar of weeks for `hive://` has a letter that Spark 3 takes in its older way only.
        """
        if self.kind != "hive":
            return {}
        older = {"spark.sql.legacy.timeParserPolicy": "LEGACY"}
        return {"engine_params": {"connect_args": {"configuration": older}}}

    def _with(self, password: str) -> str:
        if not self.password:
            return self.address
        scheme, rest = self.address.split("://", 1)
        user, where = rest.split("@", 1)
        return f"{scheme}://{user}:{password}@{where}"
