"""What a source file says of an entity that lies in a database; secrets are only referred to."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from lakehouse.databases.address import Address, parse_jdbc
from lakehouse.errors import InputError
from lakehouse.variables import expand_variables

DEFAULT_OVERLAP = "1 hour"
DEFAULT_NUMBER_OVERLAP = 1000
MOST_CONNECTIONS = 32
_REFERENCE = re.compile(r"\$\{\w+\}")
_PART = r"""(?:[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|"(?:[^"\0]|"")+"|`(?:[^`\0]|``)+`)"""
_TABLE = re.compile(rf"{_PART}(?:\.{_PART}){{0,2}}")
_OVERLAP = re.compile(r"(\d{1,9})\s*(second|minute|hour|day|week)?s?", re.IGNORECASE)


class DatabaseTable(BaseModel):
    """A table or query in a database, and how to read it. `url` and `password` are kept as written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    table: str | None = None
    query: str | None = None
    user: str | None = None
    password: str | None = None
    password_file: str | None = None
    watermark: str | None = None
    overlap: str | None = None
    partition_column: str | None = None
    max_connections: int = 2

    def address(self) -> Address:
        """Where it is, with `${NAME}` replaced."""
        return parse_jdbc(expand_variables(self.url))

    def name(self) -> str:
        """What bronze calls it: server, database and table, or a digest of the query."""
        digest = hashlib.sha256((self.query or "").encode()).hexdigest()[:8]
        return f"{self.address().plain}#{self.table or f'query-{digest}'}"

    @property
    def overlap_time(self) -> timedelta:
        """How far before the last watermark a read begins, for times and dates."""
        match = _OVERLAP.fullmatch(self.overlap or DEFAULT_OVERLAP)
        assert match is not None
        return timedelta(**{f"{(match.group(2) or 'second').lower()}s": int(match.group(1))})

    @property
    def overlap_number(self) -> int:
        """The same for a watermark that counts."""
        match = _OVERLAP.fullmatch(self.overlap or str(DEFAULT_NUMBER_OVERLAP))
        assert match is not None
        return int(match.group(1))


SETTINGS = tuple(name for name in DatabaseTable.model_fields if name != "url")


@dataclass(frozen=True)
class Login:
    """Who reads or writes; the password is shown nowhere."""

    user: str | None
    password: str | None = field(repr=False)


def parse_database(entity: str, url: str, options: dict[str, Any], key: tuple[str, ...]) -> DatabaseTable:
    """The settings beside a `path: jdbc:…`, checked as far as possible without the database.

    Raises:
        InputError: one sentence; what may be a secret is not repeated in it.
    """
    texts = {name: _text(entity, name, options[name]) for name in SETTINGS if name in options}
    try:
        if "${" not in url:  # else when it is used
            parse_jdbc(url)
    except InputError as error:
        raise InputError(f"{entity}: `path:` {error}") from None
    if ("table" in texts) == ("query" in texts):
        raise InputError(f"{entity}: a database needs `table:` or `query:`, one of them")
    if "table" in texts and not _TABLE.fullmatch(texts["table"]):
        raise InputError(f"{entity}: `table: {texts['table']}` must be a name as SQL has it, such as public.orders")
    _check_secrets(entity, texts)
    if "watermark" in texts and not key:
        raise InputError(f"{entity}: a `watermark:` needs a `key:`, by which the newest version of a row is found")
    if "overlap" in texts and "watermark" not in texts:
        raise InputError(f"{entity}: `overlap:` means something only beside `watermark:`")
    if "overlap" in texts and not _OVERLAP.fullmatch(texts["overlap"]):
        raise InputError(
            f"{entity}: `overlap: {texts['overlap']}` must be a span such as 30 minutes, 1 hour or 2 days "
            "(a plain number where the watermark is one)"
        )
    connections = texts.pop("max_connections", "2")
    if not connections.isdigit() or not 1 <= int(connections) <= MOST_CONNECTIONS:
        raise InputError(f"{entity}: `max_connections: {connections}` must be a number from 1 to {MOST_CONNECTIONS}")
    return DatabaseTable(url=url, max_connections=int(connections), **texts)


def login(table: DatabaseTable, folder: Path) -> Login:
    """User and password as they are now.

    Raises:
        InputError: a variable is not set, or the file of the password cannot be read.
    """
    user = expand_variables(table.user) if table.user else None
    if table.password is not None:
        return Login(user, expand_variables(table.password))
    if table.password_file is None:
        return Login(user, None)
    path = folder / Path(expand_variables(table.password_file)).expanduser()
    try:
        return Login(user, path.read_text(encoding="utf-8").rstrip("\r\n"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputError(f"`password_file: {table.password_file}` cannot be read ({path}): {why}") from None


def _check_secrets(entity: str, texts: dict[str, str]) -> None:
    if "password" in texts and "password_file" in texts:
        raise InputError(f"{entity}: `password:` and `password_file:` are both there; keep one")
    if "password" in texts and not _REFERENCE.fullmatch(texts["password"]):
        raise InputError(
            f"{entity}: `password:` must name a variable of the environment, as ${{SHOP_DB_PASSWORD}}, and "
            "nothing else; a password is never written in a source file (or write `password_file:`)"
        )


def _text(entity: str, name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{entity}: `{name}:` must be a text")
    return value.strip()
