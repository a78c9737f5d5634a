"""Published gold tables into a database, whole: its readers see the rows of before or those of now, never a part.

Spark fills a table beside the target, which nobody reads; one transaction then brings its rows over, on one connection
(PostgreSQL and InnoDB alike). A table that was there keeps its indexes, rights and views.

Of tables about people only those leave who have agreed to the purpose, with the columns that it needs.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from lakehouse.databases.address import Address, is_secret, parse_target
from lakehouse.databases.connection import Connection, Database
from lakehouse.databases.declaration import Login
from lakehouse.errors import InputError, LakehouseError
from lakehouse.privacy.classes import is_about_people
from lakehouse.privacy.consent import refused
from lakehouse.privacy.exports_made import remember
from lakehouse.privacy.k_anonymity import Anonymity, among_others
from lakehouse.privacy.uses import export_purpose
from lakehouse.reader import query
from lakehouse.session import start_session
from lakehouse.settings import Settings
from lakehouse.storage import has_table
from lakehouse.variables import expand_variables

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

IfExists = Literal["replace", "append", "fail"]
PASSWORDS = {
    "postgresql": ("LAKEHOUSE_EXPORT_PASSWORD", "PGPASSWORD"),
    "mysql": ("LAKEHOUSE_EXPORT_PASSWORD", "MYSQL_PWD"),
}
ROWS_AT_ONCE = 5_000


@dataclass(frozen=True)
class Exported:
    """A finished export: `withheld` are columns that its purpose does not need, `anonymity` what was made coarser."""

    table: str
    target: str
    rows: int
    purpose: str | None = None
    channel: str | None = None
    withheld: tuple[str, ...] = ()
    anonymity: Anonymity | None = None


@dataclass(frozen=True)
class Leaving:
    """The rows of a table that may leave the house, and the columns that stay."""

    frame: DataFrame
    withheld: tuple[str, ...] = ()


def export_table(
    settings: Settings,
    table: str,
    target: str,
    if_exists: IfExists = "replace",
    purpose: str | None = None,
    channel: str | None = None,
    k: int | None = None,
) -> Exported:
    """Write a published gold table to a database.

    Args:
        table: `gold.dim_customer` or `dim_customer`.
        target: `postgresql://user@host/db[/schema]`, `mysql://user@host/db` or `mariadb://user@host/db`.
        if_exists: `replace` the rows of a table that is there, `append` to them, or `fail`.
        purpose: what for, as `lakehouse/privacy/uses.yml` declares it; needed where rows are about people.
        channel: over what, for a purpose with consent by channel.
        k: how many people alike there are at least of each; default: setting `k_anonymity`, which it may only exceed.

    Raises:
        InputError: there is no such table or database, the purpose is missing or has no use for the table, the login is
            wrong, or the rows do not fit the table there.
        LakehouseError: the server went away; the table there is as it was.
    """
    address, login = _login(target)
    schema, _, name = table.rpartition(".")
    if schema not in ("", "gold"):
        raise InputError(f"{table} is not a gold table: only what is published leaves the house")
    leaving = what_may_leave(settings, name.replace("`", ""), purpose, channel)
    frame, anonymity = leaving.frame, None
    if is_about_people(f"gold.{name}") and export_purpose(purpose, channel, table).is_k_anonymous:
        frame, anonymity = among_others(settings, f"gold.{name}", frame, k)
    database = Database(start_session(settings), address, login)
    with database.connect() as connection:
        there = _Target(connection, _schema_of(connection, address), name)
        rows = there.write(frame, if_exists)
    told = f"{address.plain}/{there.schema}.{name}"
    remember(settings, f"gold.{name}", told, rows, purpose=purpose, channel=channel)
    return Exported(f"gold.{name}", told, rows, purpose, channel, leaving.withheld, anonymity)


def what_may_leave(
    settings: Settings, table: str, purpose: str | None, channel: str | None, also: Sequence[str] = ()
) -> Leaving:
    """A published gold table without the people who have not agreed to the purpose, and the columns it does not need.

    A table of counts leaves as it is.

    Args:
        also: columns to be counted in the house, whatever the purpose allows.

    Raises:
        InputError: there is no such table, or it is about people and the purpose is missing or has no use for it.
    """
    everything = query(settings, f"select * from gold.`{table}`")
    if not is_about_people(f"gold.{table}"):
        return Leaving(everything)
    meant = export_purpose(purpose, channel, f"gold.{table}")
    columns = [name for name in everything.columns if name in also or meant.allows(f"gold.{table}", name, channel)]
    if "customer_id" not in columns:
        raise InputError(f"gold.{table} does not say whom its rows are about, so nobody can have agreed: it stays here")
    select = f"select {', '.join(f'told.`{name}`' for name in columns)} from gold.`{table}` as told"
    if meant.needs_consent:
        if not has_table(settings, "gold.dim_consent"):
            raise InputError("who has consented is not known yet (gold.dim_consent): `lakehouse run` finds out")
        select += (
            " inner join gold.dim_consent as consented on told.customer_id = consented.customer_id "
            f"and array_contains(consented.contact_channels, '{channel}')"
        )
    if has_table(settings, "silver.consents"):
        select += (
            f" left anti join ({refused(meant.name, channel)}) as refused on told.customer_id = refused.customer_id"
        )
    if has_table(settings, "ops.restrictions"):
        select += " left anti join ops.restrictions as restricted on told.customer_id = restricted.customer_id"
    if meant.needs_consent and has_table(settings, "silver.suppressions"):
        select += " left anti join silver.suppressions as suppressed on told.customer_id = suppressed.customer_id"
    return Leaving(query(settings, select), tuple(name for name in everything.columns if name not in columns))


class _Target:
    """A table in a database that rows are brought to."""

    def __init__(self, connection: Connection, schema: str, name: str) -> None:
        self.connection, self.schema, self.name = connection, schema, name
        self.database = connection.database
        self.dialect = self.database.dialect
        self.is_postgresql = self.database.address.kind == "postgresql"
        self.full = self._full(name)
        self.beside = self._full(f"lakehouse_export_{hashlib.sha256(name.encode()).hexdigest()[:8]}")

    def write(self, frame: DataFrame, if_exists: IfExists) -> int:
        columns = self._columns_there()
        if columns and if_exists == "fail":
            raise InputError(f"{self.full} is there already at {self.database.address.plain}, and --if-exists is fail")
        types = {field.name: self.dialect.column_type(field.dataType.simpleString()) for field in frame.schema.fields}
        with self._alone(), self._beside(types):
            self._fill(frame)
            (count,) = self.connection.rows(f"select count(*) from {self.beside}")[0]
            if not columns:
                self._rename()
                return int(count or 0)
            moved = self._bring_over(types, [name for name in types if name not in columns], if_exists)
            if moved != int(count or 0):
                raise LakehouseError(f"{moved} of {count} rows came over; please report this")
            return moved

    def _fill(self, frame: DataFrame) -> None:
        writer = frame.select(*(self._sent(field) for field in frame.schema.fields)).coalesce(1).write.format("jdbc")
        options = {**self.database.spark_options(), "dbtable": self.beside, "batchsize": str(ROWS_AT_ONCE)}
        with self.database.told_plainly("went away while it was written"):
            writer.options(**options).mode("append").save()

    def _sent(self, field: Any) -> Column:
        """Values whose Java form depends on a zone, or that have none, go as text: the server reads it by the type."""
        from pyspark.sql import functions as F

        kind, column = field.dataType.simpleString(), F.col(f"`{field.name}`")
        if kind in ("timestamp", "timestamp_ntz"):
            zone = "+00" if kind == "timestamp" and self.is_postgresql else ""
            column = F.concat(F.date_format(column, "yyyy-MM-dd HH:mm:ss.SSSSSS"), F.lit(zone))
        elif kind == "date":
            column = column.cast("string")
        elif kind.startswith(("map<", "array<", "struct<")):
            column = F.to_json(column, {"ignoreNullFields": "false"})
        return column.alias(field.name)

    def _bring_over(self, types: dict[str, str], new: list[str], if_exists: IfExists) -> int:
        listed = ", ".join(map(self.dialect.quoted, types))
        additions = [f"alter table {self.full} add column {self.dialect.quoted(name)} {types[name]}" for name in new]
        if not self.is_postgresql:  # there DDL ends a transaction; columns without values harm nobody
            for addition in additions:
                self.connection.execute(addition)
        with self.connection.transaction():
            if self.is_postgresql:
                for addition in additions:
                    self.connection.execute(addition)
            if if_exists == "replace":
                self.connection.execute(f"delete from {self.full}")
            return self.connection.execute(f"insert into {self.full} ({listed}) select {listed} from {self.beside}")

    def _rename(self) -> None:
        new = self.dialect.quoted(self.name) if self.is_postgresql else self.full
        self.connection.execute(f"alter table {self.beside} rename to {new}")

    def _columns_there(self) -> list[str]:
        """The columns of the table that is there, none where there is none.

        Raises:
            InputError: it is a view, or of an engine without transactions.
        """
        named = f"where table_schema = {_text(self.schema)} and table_name = {_text(self.name)}"
        engine = "'InnoDB'" if self.is_postgresql else "engine"
        for kind, held_by in self.connection.rows(
            f"select table_type, {engine} from information_schema.tables {named}"
        ):
            if kind != "BASE TABLE" or held_by != "InnoDB":
                what = f"of the engine {held_by}, which has no transactions" if kind == "BASE TABLE" else "not a table"
                raise InputError(f"{self.full} at {self.database.address.plain} is {what}")
        listed = self.connection.rows(f"select column_name from information_schema.columns {named}")
        return [str(column) for (column,) in listed]

    @contextmanager
    def _beside(self, types: dict[str, str]) -> Iterator[None]:
        """An empty table beside the target, dropped when the block ends, however it does."""
        declared = ", ".join(f"{self.dialect.quoted(name)} {kind}" for name, kind in types.items())
        engine = "" if self.is_postgresql else " engine = InnoDB default charset = utf8mb4"
        drop = f"drop table if exists {self.beside}"
        self.connection.execute(drop)  # a killed export leaves it
        self.connection.execute(f"create table {self.beside} ({declared}){engine}")
        try:
            yield
        except BaseException:
            if self.connection.is_alive():
                self.connection.execute(drop)
            raise
        self.connection.execute(drop)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other export to the same table at a time; the server frees the lock with the connection."""
        key = _text(f"lakehouse export {self.schema}.{self.name}")
        ask = f"pg_try_advisory_lock(hashtext({key}))" if self.is_postgresql else f"get_lock(md5({key}), 0)"
        if self.connection.rows(f"select {ask}")[0][0] not in ("t", "1"):
            raise LakehouseError(f"another export to {self.full} at {self.database.address.plain} is under way")
        yield

    def _full(self, name: str) -> str:
        return f"{self.dialect.quoted(self.schema)}.{self.dialect.quoted(name)}"


def _login(target: str) -> tuple[Address, Login]:
    written = parse_target(target)
    if written.password is not None and not re.fullmatch(r"\$\{\w+\}", written.password):
        raise InputError(
            "--to must not hold a password, which others would see among the processes: set LAKEHOUSE_EXPORT_PASSWORD, "
            "or name a variable in single quotes, as 'postgresql://me:${SHOP_DB_PASSWORD}@host/db'"
        )
    for name in filter(is_secret, written.parameters):
        raise InputError(f"--to must not hold a secret (`{name}=`): set LAKEHOUSE_EXPORT_PASSWORD")
    expand: Callable[[str | None], str | None] = lambda text: None if text is None else expand_variables(text)  # noqa: E731
    password = expand(written.password)
    for variable in PASSWORDS[written.kind]:
        password = password or os.environ.get(variable)
    address = replace(written, user=None, password=None, host=expand_variables(written.host))
    return address, Login(expand(written.user), password)


def _schema_of(connection: Connection, address: Address) -> str:
    if address.kind == "mysql":
        return address.database
    schema = address.schema or connection.rows("select current_schema()")[0][0]
    if schema is None or not connection.rows(f"select 1 from pg_namespace where nspname = {_text(schema)}"):
        raise InputError(f"there is no schema {schema or 'on the search path'} in {address.plain}")
    return schema


def _text(value: str) -> str:
    return "'" + value.replace("\\", "").replace("'", "''") + "'"
