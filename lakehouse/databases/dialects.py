"""How PostgreSQL and MySQL or MariaDB are spoken to, and how they write every value as exact text.

Each column is turned into text by the server itself, so that no driver, JVM or time zone stands between: times as
ISO 8601 with six digits of a second (and `Z` where the type knows the instant), binary as `\\x` and hexadecimal digits,
decimals, JSON and everything else as the server prints them. What is no real time (`0000-00-00`, `infinity`) stays the
text that it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from lakehouse.databases.address import Address

Kind = Literal["instant", "local", "date", "number"]


@dataclass(frozen=True)
class Column:
    """A column of a table or query; `type_name` in lower case, as the driver calls it."""

    name: str
    type_name: str
    is_nullable: bool


class Dialect(ABC):
    """What differs between the kinds of database."""

    driver: str
    session: str
    """Sets what a connection must have before it reads."""
    parameters: dict[str, str]
    kinds: dict[str, Kind]
    """Type name -> what a watermark or partition column of it is."""

    @abstractmethod
    def jdbc_url(self, address: Address) -> str: ...

    @abstractmethod
    def quoted(self, name: str) -> str: ...

    @abstractmethod
    def text(self, column: Column) -> str:
        """An expression: the column's value as exact text."""
        ...

    @abstractmethod
    def literal(self, text: str, kind: Kind) -> str:
        """A value that `text` gave (of a watermark) as a literal of its type."""
        ...

    @abstractmethod
    def column_type(self, spark_type: str) -> str:
        """The type of a table's column for a Spark type as `simpleString` writes it."""
        ...

    def kind(self, column: Column) -> Kind | None:
        return self.kinds.get(column.type_name.split("(")[0].removesuffix(" unsigned"))


class PostgreSql(Dialect):
    driver = "org.postgresql.Driver"
    session = "SET TIME ZONE 'UTC'"
    # stringtype: text is sent without a type, so that an exported JSON text may become jsonb.
    parameters = {
        "connectTimeout": "15",
        "tcpKeepAlive": "true",
        "ApplicationName": "lakehouse",
        "stringtype": "unspecified",
    }
    kinds = {
        **dict.fromkeys(("int2", "int4", "int8", "smallserial", "serial", "bigserial", "numeric"), "number"),
        "timestamptz": "instant",
        "timestamp": "local",
        "date": "date",
    }

    def jdbc_url(self, address: Address) -> str:
        parameters = {**self.parameters, **address.parameters}
        return f"jdbc:postgresql://{_host(address)}/{address.database}?{urlencode(parameters)}"

    def quoted(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def text(self, column: Column) -> str:
        name = self.quoted(column.name)
        if column.type_name == "bytea":
            return f"'\\x' || encode({name}, 'hex')"
        if column.type_name not in ("timestamptz", "timestamp"):
            return f"{name}::text"
        zone = "Z" if column.type_name == "timestamptz" else ""
        usual = f"{name} >= '0001-01-01' and {name} < '10000-01-01'"
        return f'case when {usual} then to_char({name}, \'YYYY-MM-DD"T"HH24:MI:SS.US"{zone}"\') else {name}::text end'

    def literal(self, text: str, kind: Kind) -> str:
        types = {"instant": "timestamptz", "local": "timestamp", "date": "date"}
        return f"'{text}'::{types[kind]}" if kind in types else text

    def column_type(self, spark_type: str) -> str:
        types = {
            "tinyint": "smallint",
            "int": "integer",
            "float": "real",
            "double": "double precision",
            "string": "text",
            "binary": "bytea",
            "timestamp": "timestamptz",
            "timestamp_ntz": "timestamp",
        }
        if spark_type.startswith(("map<", "array<", "struct<")):
            return "jsonb"
        return types.get(spark_type, spark_type)


class MySql(Dialect):
    driver = "org.mariadb.jdbc.Driver"
    session = "SET time_zone = '+00:00'"
    parameters = {"connectTimeout": "15000", "tcpKeepAlive": "true"}
    kinds = {
        **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "integer", "bigint", "decimal"), "number"),
        "timestamp": "instant",
        "datetime": "local",
        "date": "date",
    }
    _binary = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "geometry")

    def jdbc_url(self, address: Address) -> str:
        """`jdbc:mysql:` for MariaDB too: under its own scheme Spark quotes columns so that they become texts."""
        parameters = {"permitMysqlScheme": "true", **self.parameters, **address.parameters}
        return f"jdbc:mysql://{_host(address)}/{address.database}?{urlencode(parameters)}"

    def quoted(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    def text(self, column: Column) -> str:
        name, kind = self.quoted(column.name), column.type_name.split("(")[0]
        if kind in self._binary:
            return f"concat('\\\\x', lower(hex({name})))"
        if kind == "bit":
            return f"cast({name} + 0 as char)"
        if kind == "float":  # printed with six digits unless it is a double
            return f"cast(cast({name} as double) as char)"
        if kind in ("timestamp", "datetime"):
            return f"date_format({name}, '%Y-%m-%dT%H:%i:%s.%f{'Z' if kind == 'timestamp' else ''}')"
        return f"cast({name} as char)"

    def literal(self, text: str, kind: Kind) -> str:
        return text if kind == "number" else f"'{text.rstrip('Z').replace('T', ' ')}'"

    def column_type(self, spark_type: str) -> str:
        types = {
            "string": "longtext",
            "binary": "longblob",
            "timestamp": "datetime(6)",  # in UTC: its TIMESTAMP ends in 2038
            "timestamp_ntz": "datetime(6)",
        }
        if spark_type.startswith(("map<", "array<", "struct<")):
            return "json"
        return types.get(spark_type, spark_type)


DIALECTS: dict[str, Dialect] = {"postgresql": PostgreSql(), "mysql": MySql()}


def _host(address: Address) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{host}:{address.port}"
