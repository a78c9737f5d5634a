"""SQLAlchemy over Spark Thrift Server by PyHive, with what PyHive's own dialect for Hive gets wrong put right.

Hive answers `SHOW TABLES` in one column, Spark in three (namespace, tableName, isTemporary): PyHive takes the first, so
every table is called like its schema (superset#30208). And PyHive has no TLS for the binary protocol.
"""

from __future__ import annotations

import ssl
from typing import Any

from pyhive.hive import get_installed_sasl
from pyhive.sqlalchemy_hive import HiveCompiler, HiveDialect
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.engine.url import URL
from sqlalchemy.sql.compiler import SQLCompiler
from thrift.transport.TSocket import TSocket
from thrift.transport.TSSLSocket import TSSLSocket
from thrift_sasl import TSaslClientTransport

_NAME_COLUMN = {"TABLES": "tableName", "VIEWS": "viewName"}
SECONDS_TO_ANSWER = 300
"""How long the endpoint may be silent: a statement on cold executors takes a minute, a dead peer never answers."""


class SparkCompiler(HiveCompiler):  # type: ignore[misc]
    """PyHive counts the dots of what it takes for a column's name, and fails on an expression with three of them."""

    def visit_column(self, column: Any, *args: Any, **kwargs: Any) -> str:
        """An expression as it stands, a column by PyHive's rules."""
        visit = SQLCompiler.visit_column if column.is_literal else HiveCompiler.visit_column
        return str(visit(self, column, *args, **kwargs))


class SparkDialect(HiveDialect):  # type: ignore[misc]
    """`spark://user:password@host:10000/gold?tls=verify&ca=/path/ca.crt`.

    Query part of the address, all optional:
        tls: `verify` (the server must show a certificate for its host name), `none` (default).
        ca: file of the authority that vouches for the certificate; default the system's.
    """

    name = "spark"
    driver = "thrift"
    supports_statement_cache = False
    statement_compiler = SparkCompiler

    def create_connect_args(self, url: URL) -> tuple[list[Any], dict[str, Any]]:
        """What `connect` below takes."""
        asked = dict(url.query)
        mode, authority = asked.pop("tls", "none"), asked.pop("ca", None)
        if asked or mode not in ("none", "verify"):
            raise ValueError(f"{url!r}: after ? there may be tls=verify or tls=none, and ca=/path/of/certificate")
        return [], {
            "host": url.host or "localhost",
            "port": url.port or 10000,
            "username": url.username or "anonymous",
            "password": url.password or "none",
            "database": url.database or "default",
            "verified": mode == "verify",
            "authority": authority,
        }

    def connect(self, *_: Any, username: str, database: str, **asked: Any) -> Any:
        """A PyHive connection over a transport of our own: with PyHive's, password and TLS do not go together."""
        configuration = asked.pop("configuration", None)
        return self.dbapi.connect(
            username=username,
            database=database,
            configuration=configuration,
            thrift_transport=transport(user=username, **asked),
        )

    def get_table_names(self, connection: Connection, schema: str | None = None, **_: Any) -> list[str]:
        """Names of tables and views, without temporary ones, sorted."""
        return sorted(self._names(connection, "TABLES", schema))

    def get_view_names(self, connection: Connection, schema: str | None = None, **_: Any) -> list[str]:
        """Names of views, without temporary ones, sorted."""
        return sorted(self._names(connection, "VIEWS", schema))

    def get_columns(
        self, connection: Connection, table_name: str, schema: str | None = None, **_: Any
    ) -> list[dict[str, Any]]:
        """Name, type and comment of each column, in order; PyHive's leaves the comments out."""
        columns = super().get_columns(connection, table_name, schema)
        told = {row[0]: row[2] for row in self._get_table_columns(connection, table_name, schema)}
        return [{**column, "comment": told.get(column["name"]) or None} for column in columns]

    def _get_table_columns(self, connection: Connection, table_name: str, schema: str | None) -> list[Any]:
        quote = self.identifier_preparer.quote_identifier
        full_name = ".".join(quote(part) for part in (schema, table_name) if part)
        return list(connection.execute(text(f"DESCRIBE {full_name}")).fetchall())

    def _names(self, connection: Connection, kind: str, schema: str | None) -> set[str]:
        within = f" IN {self.identifier_preparer.quote_identifier(schema)}" if schema else ""
        rows = connection.execute(text(f"SHOW {kind}{within}")).fetchall()
        # By the column's name: a server may answer the name first, for clients that read the first column.
        return {row._mapping[_NAME_COLUMN[kind]] for row in rows if row._mapping["isTemporary"] in (False, "false")}


def transport(
    host: str, port: int, user: str, password: str, verified: bool, authority: str | None
) -> TSaslClientTransport:
    """A SASL PLAIN transport, over TLS where the certificate is to be verified; opened by PyHive."""
    if verified:
        socket = TSSLSocket(host, port, ssl_context=ssl.create_default_context(cafile=authority))
    else:
        socket = TSocket(host, port)
    socket.setTimeout(SECONDS_TO_ANSWER * 1000)

    def login() -> Any:
        return get_installed_sasl(host=host, sasl_auth="PLAIN", username=user, password=password)

    return TSaslClientTransport(login, "PLAIN", socket)
