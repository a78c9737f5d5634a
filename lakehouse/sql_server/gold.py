"""Gold as published, in a running server: prepared beside what readers see, then switched to in one step."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse import publication
from lakehouse.settings import Settings
from lakehouse.sql_server.comments import gold_comments
from lakehouse.storage import delta_table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

UNPACKED = 4
"""Bytes of kept rows for one of a Parquet file, about (docs/decisions/0024)."""
BYTES_WORTH_SHARING = 1 << 20
"""Of a table's files: kept rows of a smaller one lie in one part, for a task of its own costs more than it saves."""
GLOB = re.compile(r"[*?\[\]{}\\%]")
"""In a path: Spark would take it for a pattern."""


class Gold:
    """The published set of a server."""

    def __init__(self, spark: SparkSession, settings: Settings, memory: int) -> None:
        """
        Args:
            memory: bytes that kept rows may take; 0 keeps none.
        """
        self._spark = spark
        self._settings = settings
        self._memory = memory
        self._comments = gold_comments()
        self._seen: tuple[int, dict[str, int]] | None = None
        self.tables: list[str] = []

    def follow(self) -> bool:
        """Take up the set that `published.json` names, where it is another than readers see; whether it was."""
        published = publication.current(self._settings)
        if published is None or self._seen == (published.version, published.tables):
            return False
        names = sorted(published.tables)
        stored = {name: Stored.of(self._settings, name, published.tables[name]) for name in names}
        kept = fitting({name: one.size for name, one in stored.items()}, self._memory // UNPACKED)
        jvm: Any = self._spark._jvm
        session = self._spark._jsparkSession
        cores = self._spark.sparkContext.defaultParallelism
        prepared = jvm.java.util.ArrayList()
        for name, one in stored.items():
            schema, table = name.split(".")
            uri = self._settings.table_uri(schema, table)
            parts = 0 if name not in kept else cores if one.size >= BYTES_WORTH_SHARING else 1
            prepare = jvm.lakehouse.sql.Published.prepare
            prepared.add(prepare(session, table, uri, published.tables[name], one.files, one.schema, parts))
        jvm.lakehouse.sql.Published.switchTo(session, prepared, self._comments)
        self._seen = (published.version, dict(published.tables))
        self.tables = names
        return True


def fitting(sizes: dict[str, int], room: int) -> set[str]:
    """The tables that are kept in memory: the smallest first, as long as there is room."""
    kept: set[str] = set()
    for name, size in sorted(sizes.items(), key=lambda one: (one[1], one[0])):
        room -= size
        if room < 0:
            break
        kept.add(name)
    return kept


@dataclass(frozen=True)
class Stored:
    """A version of a Delta table, as its log tells without Spark.

    `files` is empty where more than the Parquet files make its rows: deletion vectors, renamed columns, partitions.
    """

    size: int
    files: list[str]
    schema: str

    @classmethod
    def of(cls, settings: Settings, name: str, version: int) -> Stored:
        table = delta_table(settings, name, version)
        actions = pa.table(table.get_add_actions(flatten=True))
        size = int(pc.sum(actions.column("size_bytes")).as_py() or 0)
        files = [_as_hadoop_has_it(uri) for uri in table.file_uris()]
        is_plain = table.protocol().min_reader_version == 1 and not table.metadata().partition_columns
        if not is_plain or any(GLOB.search(path) for path in files):
            files = []
        return cls(size, files, table.schema().to_json())


def _as_hadoop_has_it(uri: str) -> str:
    return re.sub(r"^s3://", "s3a://", uri)
