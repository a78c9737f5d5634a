"""A connection to a database through its JDBC driver in Spark's Java, and its errors in a person's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from lakehouse.databases.address import Address
from lakehouse.databases.declaration import Login
from lakehouse.databases.dialects import DIALECTS, Column, Dialect
from lakehouse.errors import InputError, LakehouseError
from lakehouse.expressions import close_matches

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_NULLABLE = 1
_REFUSED = ("28",)
_REFUSED_CODES = (1044, 1045, 1698, 4151)
_NO_DATABASE, _NO_DATABASE_CODES = ("3D",), (1049,)
_NO_TABLE, _NO_TABLE_CODES = ("42P01", "3F000", "42S02"), (1146,)
_NO_COLUMN, _NO_COLUMN_CODES = ("42703", "42S22"), (1054,)
_NOT_ALLOWED, _NOT_ALLOWED_CODES = ("42501",), (1142, 1143, 1227)
_TOO_MANY, _TOO_MANY_CODES = ("53300",), (1040, 1203, 1226)
_AWAY = ("08", "57P")
_UNKNOWN_HOST = ("UnknownHostException", "is not a known host")


@dataclass(frozen=True)
class Database:
    """A database, and who speaks to it."""

    spark: SparkSession
    address: Address
    login: Login

    @property
    def dialect(self) -> Dialect:
        return DIALECTS[self.address.kind]

    def spark_options(self) -> dict[str, str]:
        """What Spark's JDBC reader and writer need to connect."""
        options = {
            "url": self.dialect.jdbc_url(self.address),
            "driver": self.dialect.driver,
            "sessionInitStatement": self.dialect.session,
        }
        if self.login.user is not None:
            options["user"] = self.login.user
        if self.login.password is not None:
            options["password"] = self.login.password
        return options

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection that ends with the block, and what was not committed on it with it.

        Raises:
            InputError: the database, the user or the password is wrong.
            LakehouseError: the server is away.
        """
        jvm: Any = self.spark._jvm
        properties = jvm.java.util.Properties()
        for name in ("user", "password"):
            value = getattr(self.login, name)
            if value is not None:
                properties.setProperty(name, value)
        with self.told_plainly("cannot be reached"):
            driver = getattr(jvm, self.dialect.driver)()
            made = driver.connect(self.dialect.jdbc_url(self.address), properties)
            connection = Connection(self, made)
            connection.execute(self.dialect.session)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def told_plainly(self, when_away: str = "went away while it was read") -> Iterator[None]:
        """Turn an error of the driver, within Spark's or by itself, into one sentence without a secret in it."""
        try:
            yield
        except LakehouseError:
            raise
        except Exception as error:
            java = _sql_exception(error)
            if java is None:
                raise
            raise self._sentence(java, when_away) from None

    def _sentence(self, java: Any, when_away: str) -> LakehouseError:
        state, code = str(java.getSQLState() or ""), int(java.getErrorCode())
        said, place = self._scrubbed(_chain_text(java)), self.address.plain
        first = self._scrubbed(str(java.getMessage() or java.getClass().getSimpleName()))

        def is_one(states: tuple[str, ...], codes: tuple[int, ...] = ()) -> bool:
            return state.startswith(states) or (self.address.kind == "mysql" and code in codes)

        if any(words in said for words in _UNKNOWN_HOST):
            return InputError(f"there is no host {self.address.host} ({place}): check the database's URL")
        if is_one(_NO_DATABASE, _NO_DATABASE_CODES):
            return InputError(f"there is no database {self.address.database} at {place}")
        if is_one(_REFUSED, _REFUSED_CODES):
            return InputError(
                f"{place} refused the user {self.login.user or '(none given)'}: "
                "check the password, and that the user may use this database from this machine"
            )
        if is_one(_NO_TABLE, _NO_TABLE_CODES):
            return NoSuchTable(f"{place}: {first}")
        if is_one(_NOT_ALLOWED, _NOT_ALLOWED_CODES):
            return InputError(f"the user {self.login.user} lacks a right at {place}: {first}")
        if is_one(_TOO_MANY, _TOO_MANY_CODES):
            return LakehouseError(f"{place} takes no more connections ({first}): lower `max_connections:` or wait")
        if is_one(_NO_COLUMN, _NO_COLUMN_CODES) or state.startswith(("42", "22")):
            return InputError(f"{place}: the database says: {first}")
        if state.startswith(_AWAY) or "SocketException" in said or "EOFException" in said:
            return LakehouseError(f"{place} {when_away} ({first}); run again when it is back")
        return LakehouseError(f"{place}: the database says: {first}")

    def _scrubbed(self, text: str) -> str:
        """One line of bounded length, without the password and the parameters of a URL."""
        line = re.sub(r"^(ERROR|FATAL): |^\(conn=\d+\) | Position: \d+$", "", " ".join(text.split()))
        secret = self.login.password
        for shape in {secret, quote(secret), quote_plus(secret)} if secret else ():
            line = line.replace(shape, "***")
        return re.sub(r"(jdbc:\S+?)\?\S*", r"\1", line)[:400].rstrip(". ")


class NoSuchTable(InputError):
    """The database has no such table."""


@dataclass(frozen=True)
class Connection:
    """An open connection; statements commit by themselves unless within `transaction`."""

    database: Database
    java: Any

    def close(self) -> None:
        try:
            self.java.close()
        except Exception as error:
            if _sql_exception(error) is None:
                raise

    def is_alive(self) -> bool:
        """Whether the server still answers."""
        try:
            return bool(self.java.isValid(5))
        except Exception as error:
            if _sql_exception(error) is None:
                raise
            return False

    def rows(self, sql: str) -> list[tuple[str | None, ...]]:
        """All rows of a small result, as texts."""
        with self.database.told_plainly():
            statement = self.java.createStatement()
            try:
                result = statement.executeQuery(sql)
                places = range(1, result.getMetaData().getColumnCount() + 1)
                found = []
                while result.next():
                    found.append(tuple(result.getString(place) for place in places))
                return found
            finally:
                statement.close()

    def execute(self, sql: str) -> int:
        """Do something; returns the rows that it changed."""
        with self.database.told_plainly():
            statement = self.java.createStatement()
            try:
                return int(statement.executeUpdate(sql))
            finally:
                statement.close()

    def columns(self, relation: str) -> list[Column]:
        """The columns of a table or of a query in brackets.

        Raises:
            InputError: there is no such table (with close matches), or the query is wrong.
        """
        try:
            with self.database.told_plainly():
                statement = self.java.createStatement()
                try:
                    facts = statement.executeQuery(f"select * from {relation} where 1 = 0").getMetaData()
                    return [
                        Column(
                            str(facts.getColumnLabel(place)),
                            str(facts.getColumnTypeName(place)).lower(),
                            int(facts.isNullable(place)) != 0,
                        )
                        for place in range(1, facts.getColumnCount() + 1)
                    ]
                finally:
                    statement.close()
        except NoSuchTable as error:
            raise InputError(f"{error}{self._near(relation)}") from None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements of the block, or none of them."""
        with self.database.told_plainly("went away while it was written"):
            self.java.setAutoCommit(False)
            try:
                yield
                self.java.commit()
            except BaseException:
                try:
                    self.java.rollback()
                except Exception as error:
                    if _sql_exception(error) is None:
                        raise
                raise
            finally:
                if not self.java.isClosed():
                    self.java.setAutoCommit(True)

    def _near(self, relation: str) -> str:
        schemas = "not in ('information_schema', 'pg_catalog', 'mysql', 'performance_schema', 'sys')"
        listed = self.rows(
            f"select table_schema, table_name from information_schema.tables where table_schema {schemas}"
        )
        ours = {"public", self.database.address.database}
        names = [str(table) if schema in ours else f"{schema}.{table}" for schema, table in listed]
        return close_matches(re.sub(r"[\"`]", "", relation), names)


def _sql_exception(error: BaseException) -> Any:
    """The java.sql.SQLException within an error that came through py4j, or None."""
    java: Any = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    for _ in range(20):
        if java is None:
            return None
        if hasattr(java, "getClass") and _is_sql(java):
            return java
        java = java.getCause()
    return None


def _is_sql(java: Any) -> bool:
    kind = java.getClass()
    while kind is not None:
        if str(kind.getName()) == "java.sql.SQLException":
            return True
        kind = kind.getSuperclass()
    return False


def _chain_text(java: Any) -> str:
    texts = []
    for _ in range(10):
        if java is None:
            break
        texts.append(str(java.toString()))
        java = java.getCause()
    return " ".join(texts)
