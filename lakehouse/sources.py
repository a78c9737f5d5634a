"""A source: the YAML file that maps what a user has to our entities, and what a home remembers of it."""

from __future__ import annotations

import codecs
import glob
import json
import os
import re
import stat
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, ConfigDict, ValidationError

from lakehouse.atomic_file import replace_file
from lakehouse.databases import declaration
from lakehouse.databases.address import is_database
from lakehouse.databases.declaration import DatabaseTable
from lakehouse.entities import ENTITIES, Entity
from lakehouse.errors import InputError
from lakehouse.expressions import ExpressionError, check_syntax, close_matches
from lakehouse.privacy.classes import check_entities
from lakehouse.settings import Settings
from lakehouse.source_yaml import read_yaml
from lakehouse.variables import expand_variables

Format = Literal["csv", "json", "parquet", "delta"]
Compression = Literal["none", "gzip", "bz2", "zstd"]

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}
_NO_ENCODINGS_OF_FILES = ("idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined")
_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


class EntitySource(BaseModel):
    """Where one entity's rows come from and how its columns are made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: tuple[str, ...]
    key: tuple[str, ...] = ()
    columns: dict[str, str]
    attributes: dict[str, str] = {}
    format: Format | None = None
    delimiter: str | None = None
    quote: str = '"'
    encoding: str | None = None
    header: bool | tuple[str, ...] = True
    compression: Compression | None = None
    database: DatabaseTable | None = None


class Source(BaseModel):
    """A user's definition: entities by name; `folder` is what relative paths start from.

    `personal_key`: the source's keys of persons are phones, e-mail addresses or the like; None where nobody has said.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    timezone: str = "UTC"
    currency: str | None = None
    personal_key: bool | None = None
    entities: dict[str, EntitySource]
    folder: Path


def load_source(path: Path) -> Source:
    """Read and check a source file, that each of its paths matches a file, and that secrets are where it says.

    Raises:
        InputError: one sentence saying what is wrong, where, and what to do.
    """
    try:
        source = parse_source(read_yaml(path), Path(os.path.abspath(path)).parent)
        for entity, definition in source.entities.items():
            if definition.database is None:
                entity_files(source, entity)
            else:
                check_reachable(entity, definition.database, source.folder)
    except InputError as error:
        message = str(error)
        raise InputError(message if message.startswith("source file") else f"source file {path}: {message}") from None
    return source


def parse_source(content: dict[str, Any], folder: Path) -> Source:
    """The source that a mapping describes; expressions are checked as far as possible without the data.

    Raises:
        InputError: see `load_source`.
    """
    check_entities()
    _refuse_unknown(content, ("name", "timezone", "currency", "personal_key", "entities"), "")
    name = content.get("name", "")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(f"`name: {name}` must be lower-case letters, digits and _, beginning with a letter")
    currency = content.get("currency") or None
    if currency is not None and not re.fullmatch("[A-Z]{3}", str(currency)):
        raise InputError(f"`currency: {currency}` must be an ISO 4217 code such as EUR or CNY")
    timezone = str(content.get("timezone") or "UTC")
    _check_timezone(timezone)
    entities = content.get("entities")
    if not isinstance(entities, dict) or not entities:
        raise InputError("`entities:` must map at least one entity, such as order_lines, to a path and columns")
    parsed = {entity: _parse_entity(entity, options, folder) for entity, options in entities.items()}
    personal_key = content.get("personal_key")
    if personal_key is not None and str(personal_key).lower() not in _TRUTH:
        raise InputError(f"`personal_key: {personal_key}` must be true or false")
    said = None if personal_key is None else _TRUTH[str(personal_key).lower()]
    return Source(name=name, timezone=timezone, currency=currency, personal_key=said, entities=parsed, folder=folder)


def entity_files(source: Source, entity: str) -> list[Path]:
    """The files (or Delta folders) of an entity, absolute, in the order to land them: later ones count as newer.

    That is the order of the paths in the source file, and of the names that one path matches.

    Raises:
        InputError: a path matches nothing, or is a folder that is no Delta table.
    """
    found: dict[Path, None] = {}
    for pattern in source.entities[entity].path:
        full = os.path.normpath(source.folder / os.path.expanduser(expand_variables(pattern)))
        matches = [Path(match) for match in glob.glob(full, recursive=True)] or [Path(full)] * os.path.lexists(full)
        if not matches:
            raise InputError(f"{entity}: no file matches `{pattern}` (looked for {full})")
        files = [match for match in matches if not match.is_dir() or (match / "_delta_log").is_dir()]
        if not files:
            raise InputError(f"{entity}: `{pattern}` is a folder; name the files in it, as {pattern.rstrip('/')}/*.csv")
        found.update(dict.fromkeys(sorted(files)))
    for path in found:
        _refuse_odd_file(entity, path)
    return list(found)


def _refuse_odd_file(entity: str, path: Path) -> None:
    """Nothing but a file is read: a pipe or a device can be read once only, or for ever."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if not path.is_symlink():
            return  # whoever opens it says why it cannot be read
        raise InputError(f"{entity}: {path} is a link that leads nowhere ({error.strerror})") from None
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise InputError(f"{entity}: {path} is a pipe, a socket or a device; copy what it holds into a file")
    if not str(path).isprintable() and any("\ud800" <= c <= "\udfff" for c in str(path)):
        raise InputError(f"{entity}: the name of {path} is not UTF-8 text; rename it")


def check_reachable(entity: str, table: DatabaseTable, folder: Path) -> declaration.Login:
    """The login of a database as it is now; the server is not asked.

    Raises:
        InputError: a variable is not set, a file of a password is missing, or the URL is none; names the entity.
    """
    try:
        table.address()
        return declaration.login(table, folder)
    except InputError as error:
        raise InputError(f"{entity}: {error}") from None


def remember(settings: Settings, source: Source) -> None:
    """Keep a copy of the definition in the home, so that later runs need not name it."""
    folder = settings.home / "sources"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(source.model_dump(mode="json"), indent=1, ensure_ascii=False)
    kept = folder / f"{source.name}.json"
    if not kept.exists() or kept.read_text(encoding="utf-8") != text:
        replace_file(kept, text)


def remembered_sources(settings: Settings) -> list[Source]:
    """The sources that have landed in this home, by name."""
    kept = sorted((settings.home / "sources").glob("*.json"))
    try:
        return [Source.model_validate_json(path.read_text(encoding="utf-8")) for path in kept]
    except ValidationError as error:
        raise InputError(f"a remembered source in {settings.home / 'sources'} is damaged: {error.title}") from None


def _parse_entity(name: str, options: Any, folder: Path) -> EntitySource:
    if name not in ENTITIES:
        known = close_matches(name, ENTITIES) or f"; known are {', '.join(ENTITIES)}"
        raise InputError(f"unknown entity `{name}`{known}")
    if not isinstance(options, dict):
        raise InputError(f"{name}: must be a mapping with `path:` and `columns:`")
    entity = ENTITIES[name]
    settings = (*(field for field in EntitySource.model_fields if field != "database"), *declaration.SETTINGS)
    _refuse_unknown(options, settings, f"{name}: ")
    columns = _texts(options, "columns", name)
    for column in columns:
        if column not in entity.columns:
            near = close_matches(column, entity.columns) or f"; it has {', '.join(entity.columns)}"
            raise InputError(f"{name}: unknown column `{column}`{near}; keep anything else under `attributes:`")
    key = tuple(_names(options, "key", name))
    _check_keys(entity, key, columns)
    attributes = _texts(options, "attributes", name)
    for kind, texts in (("column", columns), ("attribute", attributes)):
        for column, text in texts.items():
            try:
                check_syntax(text)
            except ExpressionError as error:
                raise InputError(f"{name}: {kind} {column}: `{text}` {error}") from None
    paths = tuple(_names(options, "path", name))
    if not paths:
        raise InputError(f"{name}: `path:` is missing")
    database = _database(name, paths, options, key)
    return EntitySource(
        path=paths, key=key, columns=columns, attributes=attributes, database=database, **_file_options(name, options)
    )


def _database(name: str, paths: tuple[str, ...], options: dict[str, Any], key: tuple[str, ...]) -> DatabaseTable | None:
    is_named = "table" in options or "query" in options  # the whole URL may stand in a variable
    if any(is_database(path) or (is_named and path.startswith("${")) for path in paths):
        if len(paths) > 1:
            raise InputError(f"{name}: a database must be the only `path:`; give another source file to the other")
        for setting in ("format", "delimiter", "quote", "encoding", "header", "compression"):
            if setting in options:
                raise InputError(f"{name}: `{setting}:` is for files, and `path:` is a database")
        return declaration.parse_database(name, paths[0], options, key)
    for setting in declaration.SETTINGS:
        if setting in options:
            raise InputError(f"{name}: `{setting}:` is for databases, and `path:` is none (jdbc:postgresql://…)")
    return None


def _check_keys(entity: Entity, key: tuple[str, ...], columns: dict[str, str]) -> None:
    for column in key:
        if column not in entity.columns:
            raise InputError(f"{entity.name}: unknown key column `{column}`{close_matches(column, entity.columns)}")
        if column not in columns:
            raise InputError(f"{entity.name}: the key column `{column}` is missing from `columns:`")
    for column in entity.required:
        if column not in columns:
            raise InputError(
                f"{entity.name}: the column `{column}` is missing from `columns:`; rows without an id can be "
                f"numbered by an expression such as concat(_file, '-', _row_number)"
            )


def _file_options(name: str, options: dict[str, Any]) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    for option, known in (("format", get_args(Format)), ("compression", get_args(Compression))):
        if option in options and options[option] not in known:
            raise InputError(f"{name}: unknown {option} `{options[option]}`; known are {', '.join(known)}")
        checked[option] = options.get(option)
    delimiter = options.get("delimiter")
    if delimiter is not None:
        delimiter = _DELIMITERS.get(delimiter, delimiter) if isinstance(delimiter, str) else delimiter
        if not isinstance(delimiter, str) or len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
            raise InputError(f"{name}: `delimiter: {delimiter}` must be one character, or tab")
    quote = options.get("quote", '"')
    if not isinstance(quote, str) or len(quote) > 1 or not quote.isascii() or quote in ("\r", "\n"):
        raise InputError(f"{name}: `quote: {quote}` must be one character, or '' for none")
    encoding = options.get("encoding")
    try:
        if encoding is not None:
            "".encode(encoding)
            if codecs.lookup(encoding).name in _NO_ENCODINGS_OF_FILES:
                raise LookupError
    except (LookupError, TypeError, ValueError):
        raise InputError(f"{name}: unknown encoding `{encoding}`; common are utf-8, gb18030, latin-1, utf-16") from None
    header = options.get("header", "true")
    if isinstance(header, str):
        if header.lower() not in _TRUTH:
            raise InputError(f"{name}: `header: {header}` must be true, false or a list of names")
        header = _TRUTH[header.lower()]
    else:
        header = tuple(_names(options, "header", name))
    return {**checked, "delimiter": delimiter, "quote": quote, "encoding": encoding, "header": header}


def _check_timezone(timezone: str) -> None:
    if re.fullmatch(r"[+-]\d\d:\d\d", timezone):
        return
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = close_matches(timezone, sorted(available_timezones()))
        raise InputError(f"unknown time zone `{timezone}`{near or '; write it as Asia/Shanghai or +08:00'}") from None


def _refuse_unknown(content: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in content:
        if key not in known:
            near = close_matches(key, known) or f"; known are {', '.join(known)}"
            raise InputError(f"{where}unknown setting `{key}`{near}")


def _texts(options: dict[str, Any], setting: str, entity: str) -> dict[str, str]:
    texts = options.get(setting) or {}
    if not isinstance(texts, dict):
        raise InputError(f"{entity}: `{setting}:` must be a mapping of our name to a column or an expression")
    for column, text in texts.items():
        if not isinstance(text, str):
            raise InputError(
                f"{entity}: `{setting}: {column}:` must be a column or an expression, not a list or a mapping"
            )
    return texts


def _names(options: dict[str, Any], setting: str, entity: str) -> list[str]:
    names = options.get(setting) or []
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise InputError(f"{entity}: `{setting}:` must be a text or a list of texts")
    return names
