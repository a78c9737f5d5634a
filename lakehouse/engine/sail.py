"""Sail in this process: a server that speaks Spark Connect, and the one session that asks it."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
from deltalake import DeltaTable

from lakehouse.engine import commits
from lakehouse.engine.casts import forgiving
from lakehouse.engine.statements import (
    Describe,
    Drop,
    Insert,
    LastCommit,
    ListSchemas,
    ListTables,
    MakeTable,
    Merge,
    Nothing,
    PutAside,
    Query,
    Statement,
    literal,
    statement_of,
    unescaped,
)
from lakehouse.errors import LakehouseError
from lakehouse.profiling import span
from lakehouse.scratch import renew_scratch_folder, scratch_folder
from lakehouse.session import machine_bytes, settle_environment
from lakehouse.settings import SCHEMAS, Settings
from lakehouse.storage import changed_at, delta_table, list_tables

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

TABLE = re.compile(rf"\b({'|'.join(SCHEMAS)})\.`?(\w+)`?")
UNCOMPRESSED = [("grpc.compression_enabled_algorithms_bitset", 1)]
"""Else Sail packs every answer by gzip, which takes longer than the query."""
LONGEST_ANSWER = 2**31 - 1
"""Bytes of a batch, all that gRPC can. A join ends in one batch with all rows that met none: at 400,000 customers that
is more than the 128 MiB which PySpark's client allows by itself."""
CHANGES = re.compile(r"table_changes_by_path\('((?:[^'\\]|\\.)*)', (\d+)\)")


class _Known(NamedTuple):
    """A table that the session has by name: when its log last had a new file, and its columns then."""

    at: int = 0
    columns: str = ""


class Sail:
    """The session: statements in, rows out; tables are known by their names in the home's folders."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.token = ""
        self._known: dict[tuple[str, str], _Known] = {}
        self._changes: dict[tuple[str, int, int], str] = {}
        self._lock = threading.Lock()
        with span("start Sail"):
            self._session = _new_session(_address(settings))

    def rows(self, sql: str) -> pa.Table:
        """What a query answers."""
        return self.reader(sql).read_all()

    def reader(self, sql: str) -> pa.RecordBatchReader:
        """What a query answers, batch by batch, in columns as Spark would store them."""
        sql = self._with_changes(forgiving(sql))
        self._know_tables(sql)
        batches = self._batches(sql)
        first = next(batches, None)
        if first is None:
            return pa.RecordBatchReader.from_batches(self._schema_of(sql), iter([]))
        schema = pa.schema([commits.nullable(field) for field in first.schema])
        return pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in chain([first], batches)))

    def rows_over(self, name: str, rows: pa.Table, sql: str) -> pa.Table:
        """What a query answers over rows of texts, integers and times that only memory has, which it calls `name`."""
        from pyspark.sql.connect.dataframe import DataFrame
        from pyspark.sql.connect.plan import LocalRelation

        schema = ", ".join(f"`{column}` {kind}" for column, kind in spark_types(rows.schema))
        frame = DataFrame.withPlan(LocalRelation(rows, schema), self._session)
        try:
            frame.createOrReplaceTempView(name)
            return self.rows(sql)
        finally:
            self._session.catalog.dropTempView(name)

    def _batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        from pyspark.sql.connect.plan import SQL

        client = self._session.client
        try:
            for table in client.to_table_as_iterator(SQL(sql, None).to_proto(client)):
                if isinstance(table, pa.Table):
                    yield from table.to_batches()
        except Exception as error:
            raise LakehouseError(str(error)) from None

    def frames(self) -> SparkSession:
        """The session, that knows the tables of gold by name: for those who ask it by data frames."""
        names = [f"{schema}.{table}" for schema, table in list_tables(self.settings) if schema == "gold"]
        self._know_tables(" ".join(names))
        return self._session

    def execute(self, sql: str) -> pa.Table:
        """Do what a statement of the dbt project says."""
        statement = statement_of(sql)
        with span(type(statement).__name__):
            return self._done(statement)

    def _done(self, statement: Statement) -> pa.Table:
        if isinstance(statement, Query):
            return self.rows(statement.sql)
        if isinstance(statement, MakeTable):
            day = statement.laid_out_by
            rows = self.reader(f"select * from ({statement.sql}) order by {day}" if day else statement.sql)
            commits.make(self._uri(statement.table), rows, statement.properties, self.token, in_parts=bool(day))
        elif isinstance(statement, PutAside):
            commits.put_in_file(Path(statement.folder), self.reader(statement.sql))
            self._command(f"create table {statement.name} using parquet location {literal(statement.folder)}")
        elif isinstance(statement, Insert):
            uri = self._uri(statement.table)
            rows = _in_order(self.reader(statement.sql), commits.stored_schema(uri))
            if statement.replaced:
                commits.replace(uri, rows, statement.replaced, self.token)
            else:
                commits.add(uri, rows, self.token)
        elif isinstance(statement, Merge):
            source = statement.source.strip()
            rows = self.reader(source[1:-1] if source.startswith("(") else f"select * from {source}")
            commits.merge(self._uri(statement.table), rows, statement, self.token)
        elif isinstance(statement, Drop):
            self._drop(statement.name)
        else:
            return self._told(statement)
        return pa.table({})

    def _told(self, statement: LastCommit | ListSchemas | ListTables | Describe | Nothing) -> pa.Table:
        """What is known without Sail."""
        if isinstance(statement, LastCommit):
            return pa.table({"version": [delta_table(self.settings, statement.table).version()]})
        if isinstance(statement, ListSchemas):
            return pa.table({"namespace": [*SCHEMAS, "default"]})
        if isinstance(statement, ListTables):
            names = [table for schema, table in list_tables(self.settings) if schema == statement.schema]
            said = "Type: MANAGED\nProvider: delta\n"
            rows = [
                {"namespace": statement.schema, "tableName": n, "isTemporary": False, "information": said}
                for n in names
            ]
            kinds = [("namespace", pa.string()), ("tableName", pa.string()), ("isTemporary", pa.bool_())]
            return pa.Table.from_pylist(rows, pa.schema([*kinds, ("information", pa.string())]))
        if isinstance(statement, Describe):
            return self._described(statement.name)
        return pa.table({})

    def _described(self, name: str) -> pa.Table:
        sql = f"select * from {name}"
        self._know_tables(sql)
        columns: list[tuple[str, str, str | None]] = [
            (field.name, field.dataType.simpleString(), None) for field in self._session.sql(sql).schema.fields
        ]
        columns += [("# Detailed Table Information", "", ""), ("Type", "MANAGED", ""), ("Provider", "delta", "")]
        return pa.table(
            {
                title: pa.array([row[place] for row in columns], pa.string())
                for place, title in enumerate(("col_name", "data_type", "comment"))
            }
        )

    def _uri(self, table: str) -> str:
        return self.settings.table_uri(*table.split("."))

    def _command(self, sql: str) -> None:
        try:
            self._session.sql(sql)
        except Exception as error:
            raise LakehouseError(str(error)) from None

    def _drop(self, name: str) -> None:
        self._command(f"drop table if exists {name}")
        self._command(f"drop view if exists {name}")

    def _know_tables(self, sql: str) -> None:
        """Register the tables that a text names and that are there; anew where one has other columns by now."""
        for schema, table in sorted(set(TABLE.findall(sql))):
            at = changed_at(self.settings, f"{schema}.{table}")
            if at is None or self._known.get((schema, table), _Known()).at == at:
                continue
            uri = self.settings.table_uri(schema, table)
            known = _Known(at, str(commits.stored_schema(uri)))
            with self._lock:
                if self._known.get((schema, table), _Known()).columns != known.columns:
                    self._command(f"create schema if not exists {schema}")
                    self._command(f"drop table if exists {schema}.{table}")
                    self._command(f"create table {schema}.{table} using delta location {literal(uri)}")
                self._known[schema, table] = known

    def _with_changes(self, sql: str) -> str:
        """The text with each call of `table_changes_by_path` as the Parquet file that has these changes."""
        return CHANGES.sub(lambda call: self._changes_since(unescaped(call[1]), int(call[2])), sql)

    def _changes_since(self, path: str, since: int) -> str:
        version = DeltaTable(path).version()
        with self._lock:
            name = self._changes.get((path, since, version))
            if name is None:
                name = f"changes_{Path(path).parent.name}_{Path(path).name}_{since}_{version}"
                folder = scratch_folder(self.settings) / name
                commits.put_in_file(folder, commits.changes(path, since))
                self._command(f"create table {name} using parquet location {literal(str(folder))}")
                self._changes[path, since, version] = name
        return name

    def _schema_of(self, sql: str) -> pa.Schema:
        """The columns of a query that answers no row."""
        from pyspark.sql.pandas.types import to_arrow_schema

        return to_arrow_schema(self._session.sql(sql).schema)

    def close(self) -> None:
        """End the session; what changes were read is removed."""
        self._session.stop()
        for name in self._changes.values():
            shutil.rmtree(scratch_folder(self.settings) / name, ignore_errors=True)


_running: list[Sail] = []
_servers: list[Any] = []


def running_sail() -> Sail | None:
    """The session of this process."""
    return _running[0] if _running else None


def open_sail(settings: Settings) -> Sail:
    """The session of this process over this home, begun where there is none; one over another home is ended."""
    running = running_sail()
    if running is None or (running.settings.home, running.settings.storage) != (settings.home, settings.storage):
        close_sail()
        _running.append(Sail(settings))
    return _running[0]


def close_sail() -> None:
    """End the session of this process, if there is one."""
    while _running:
        _running.pop().close()


@contextmanager
def commits_marked(token: str) -> Iterator[None]:
    """Every commit of the running session carries this token while the block runs."""
    running = running_sail()
    if running is None:
        raise LakehouseError("no engine is open to write with; run again")
    running.token = token
    try:
        yield
    finally:
        running.token = ""


def _address(settings: Settings) -> str:
    """Where the server of this process listens; it is started by the first session."""
    settle_environment()
    renew_scratch_folder(settings)
    if not _servers:
        for name, value in _server_environment(settings).items():
            os.environ.setdefault(name, value)
        from pysail.spark import SparkConnectServer

        _servers.append(SparkConnectServer(ip="127.0.0.1", port=0))
        _servers[0].start(background=True)
    _, port = _servers[0].listening_address
    return f"sc://127.0.0.1:{port}"


def _server_environment(settings: Settings) -> dict[str, str]:
    """What Sail may take: beyond half of the machine's memory, by its own count, it sorts and groups on disk."""
    return {
        "RUST_LOG": "error",
        "SAIL_SPARK__SESSION_TIMEOUT_SECS": str(30 * 86_400),  # else a training of 15 minutes ends what waits for it
        "SAIL_RUNTIME__MEMORY_POOL__TYPE": "fair",
        "SAIL_RUNTIME__MEMORY_POOL__FAIR__MAX_SIZE": str(machine_bytes() // 2),
        "SAIL_RUNTIME__TEMPORARY_FILES__PATHS": f'["{scratch_folder(settings)}"]',
    }


def _new_session(address: str) -> SparkSession:
    from pyspark.sql.connect.client import ChannelBuilder
    from pyspark.sql.connect.session import SparkSession

    ChannelBuilder.MAX_MESSAGE_LENGTH = LONGEST_ANSWER  # of options that are given twice gRPC takes the client's own
    session = SparkSession.builder.channelBuilder(ChannelBuilder(address, UNCOMPRESSED)).create()
    session.client.disable_reattachable_execute()  # a closed session that is collected would end the calls of this one
    session.conf.set("spark.sql.ansi.enabled", "false")
    session.conf.set("spark.sql.session.timeZone", "UTC")
    return session


def _in_order(rows: pa.RecordBatchReader, schema: pa.Schema) -> pa.RecordBatchReader:
    """The rows in the columns of a table, found by name."""
    wanted = pa.schema([commits.nullable(field) for field in schema])
    batches = (
        pa.RecordBatch.from_arrays([batch.column(n).cast(wanted.field(n).type) for n in wanted.names], schema=wanted)
        for batch in rows
    )
    return pa.RecordBatchReader.from_batches(wanted, batches)


def spark_types(schema: pa.Schema) -> list[tuple[str, str]]:
    """The names and Spark types of columns."""
    from pyspark.sql.pandas.types import from_arrow_type

    return [(field.name, from_arrow_type(field.type).simpleString()) for field in schema]
