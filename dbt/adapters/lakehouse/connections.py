"""Connections to the one engine of the process, which dbt_project/__init__.py has opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dbt.adapters.contracts.connection import AdapterResponse, Connection, ConnectionState, Credentials
from dbt.adapters.spark.connections import SparkConnectionManager

from lakehouse.engine import Answer, execute


@dataclass
class LakehouseCredentials(Credentials):
    """A schema, and nothing to log in to."""

    schema: str = "gold"
    database: str | None = None  # type: ignore[assignment]

    @property
    def type(self) -> str:
        return "lakehouse"

    @property
    def unique_field(self) -> str:
        return self.schema

    def _connection_keys(self) -> tuple[str, ...]:
        return ("schema",)


class Cursor:
    """As Python's database interface has it, for what dbt asks of it."""

    def __init__(self) -> None:
        self._answer = Answer()
        self._rows: list[tuple[Any, ...]] | None = None

    def execute(self, sql: str, bindings: Sequence[Any] | None = None) -> None:
        self._answer = execute(sql % tuple(bindings) if bindings else sql)
        self._rows = None

    @property
    def description(self) -> list[tuple[Any, ...]]:
        return [(name, kind, None, None, None, None, True) for name, kind in self._answer.columns]

    def fetchall(self) -> list[tuple[Any, ...]]:
        if self._rows is None:
            self._rows = self._answer.fetch()
        return self._rows

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        return self.fetchall()[:size]

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(iter(self.fetchall()), None)

    def close(self) -> None:
        self._rows = None


class Handle:
    """What dbt calls a connection."""

    def cursor(self) -> Cursor:
        return Cursor()

    def cancel(self) -> None: ...

    def close(self) -> None: ...

    def rollback(self) -> None: ...


class LakehouseConnectionManager(SparkConnectionManager):
    """Opens handles."""

    TYPE = "lakehouse"

    @classmethod
    def open(cls, connection: Connection) -> Connection:
        connection.handle = Handle()
        connection.state = ConnectionState.OPEN
        return connection

    @classmethod
    def get_response(cls, cursor: Any) -> AdapterResponse:
        return AdapterResponse(_message="OK")
