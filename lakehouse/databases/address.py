"""A database's URL, taken apart; one that holds a secret is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from lakehouse.errors import InputError

KINDS = {"postgresql": "postgresql", "postgres": "postgresql", "mysql": "mysql", "mariadb": "mysql"}
_PORTS = {"postgresql": 5432, "mysql": 3306}
_SECRET = re.compile(r"pass|pwd|secret|token|credential|private", re.IGNORECASE)


@dataclass(frozen=True)
class Address:
    """A database on a server; `kind` is postgresql or mysql, `scheme` the word that was written."""

    scheme: str
    host: str
    port: int
    database: str
    parameters: dict[str, str]
    user: str | None = None
    password: str | None = None
    schema: str | None = None

    @property
    def kind(self) -> str:
        return KINDS[self.scheme]

    @property
    def plain(self) -> str:
        """The address as it may be shown and stored: neither user nor parameters."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/{self.database}"

    @property
    def query(self) -> str:
        return urlencode(self.parameters)


def is_database(path: str) -> bool:
    """Whether a source file's `path:` names a database."""
    return path.lower().startswith("jdbc:")


def is_secret(parameter: str) -> bool:
    """Whether a URL's parameter of this name would hold a secret."""
    return _SECRET.search(parameter) is not None


def parse_jdbc(url: str) -> Address:
    """The address of `jdbc:postgresql://host:5432/db?sslmode=require`, `jdbc:mysql://…` or `jdbc:mariadb://…`.

    Raises:
        InputError: it is none, or holds a user or a secret; the sentence never repeats what follows the scheme.
    """
    if not is_database(url):
        raise InputError("a database's URL begins with jdbc:, as jdbc:postgresql://HOST:PORT/DATABASE")
    address = _parse(url[len("jdbc:") :], "jdbc:")
    if address.user is not None or address.password is not None:
        raise InputError("a `jdbc:` URL must not hold a user or password: write `user:` and `password: ${NAME}` beside")
    if address.schema is not None:
        raise InputError("a `jdbc:` URL ends with the database; write a schema as `table: schema.table`")
    for name in address.parameters:
        if is_secret(name):
            raise InputError(f"a `jdbc:` URL must not hold a secret (`{name}=`): write `password: ${{NAME}}` beside")
    return address


def parse_target(url: str) -> Address:
    """The address of `postgresql://user@host/db[/schema]`, `mysql://user@host/db` or `mariadb://user@host/db`.

    Raises:
        InputError: it is none; the sentence never repeats what follows the scheme.
    """
    return _parse(url, "")


def _parse(url: str, prefix: str) -> Address:
    form = f"{prefix}postgresql://HOST:PORT/DATABASE ({prefix}mysql: or {prefix}mariadb: alike)"
    scheme = url.split(":", 1)[0].lower()
    if scheme not in KINDS:
        known = ", ".join(name for name in KINDS if name != "postgres")
        raise InputError(f"`{prefix}{scheme}:` is no database that can be spoken to; known are {known}: write {form}")
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[KINDS[scheme]]
    except ValueError:
        raise InputError(f"the database URL has a port or host that cannot be read: write {form}") from None
    folders = [unquote(folder) for folder in parts.path.split("/") if folder]
    if not parts.hostname or not folders or len(folders) > 2 or "," in parts.netloc:
        raise InputError(f"the database URL must name one server and a database: write {form}")
    scheme = "postgresql" if scheme == "postgres" else scheme
    if len(folders) == 2 and KINDS[scheme] == "mysql":
        raise InputError(f"{scheme} has no schemas within a database: write {form}")
    return Address(
        scheme,
        parts.hostname,
        port,
        folders[0],
        dict(parse_qsl(parts.query, keep_blank_values=True)),
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
        folders[1] if len(folders) == 2 else None,
    )
