"""A table or query of a database, read by Spark over JDBC into files that are then landed like any other.

Whole: every row; the extract replaces what was current of the entity. With a watermark: the rows from the last
watermark less the overlap on, without those whose newest landed version is the same; the rest is one more batch.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from functools import reduce
from operator import and_
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from lakehouse.bronze import tables
from lakehouse.bronze.protection import CAME_AS, Protection
from lakehouse.bronze.records import Block
from lakehouse.bronze.sealing import Keys
from lakehouse.bronze.watermark import OrderedColumn
from lakehouse.databases.connection import Database
from lakehouse.databases.dialects import Column
from lakehouse.errors import InputError, LakehouseError
from lakehouse.expressions import LINEAGE_COLUMNS, close_matches, quoted
from lakehouse.session import open_session
from lakehouse.settings import Settings
from lakehouse.sources import Source, check_reachable
from lakehouse.storage import exchange_folder, file_system_of, remove_exchange_folder

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

FETCH_ROWS = 10_000
"""Rows that a connection holds in memory at a time."""
KEYS_TO_BROADCAST = 200_000
_ROWS = 64 << 10
_HASHES = ("_hash", "_other_hash")


@dataclass(frozen=True)
class Extract:
    """What a read has found: whether there is anything to land, and what that replaces."""

    is_new: bool
    content_sha256: str = ""
    watermark: str | None = None
    superseded_batch_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Rows:
    """How many rows, a digest of their contents in any order, and the address of the folder that they are in."""

    count: int
    sha256: str
    folder: str


class DatabaseRead:
    """One read of one entity; a `RecordFile` once `extract` is done. Its files go with the `with` block."""

    def __init__(self, settings: Settings, source: Source, entity: str) -> None:
        definition = source.entities[entity]
        assert definition.database is not None
        self._settings, self._source, self._entity = settings, source, entity
        self._definition, self._table = definition, definition.database
        self._login = check_reachable(entity, self._table, source.folder)
        self._where = f"source {source.name}, {entity}"
        self._folder = ""
        """Of what Spark writes, by its address; what is landed of it lies at `path`, on this machine."""
        self._columns: list[Column] = []
        self._names: list[tuple[str, str]] = []
        """A raw name and the stored name of each column `c0`, `c1`, … of the files."""
        self.path = settings.home / "reading"
        self.file = self._table.name()
        self._keys: Keys | None = None
        self._known: set[str] = set()

    def __enter__(self) -> DatabaseRead:
        self._spark: SparkSession = open_session(self._settings)
        self._remove_files()  # a killed read leaves some
        self._folder = exchange_folder(self._settings, "reading")
        self._database = Database(self._spark, self._table.address(), self._login)
        with self._told_plainly(), self._database.connect() as connection:
            self._columns = connection.columns(self._relation)
        names = self.columns()
        twins = sorted({name for name in names if names.count(name) > 1})
        if twins:
            raise InputError(f"{self._where}: the query gives two columns named {twins[0]}; name them apart")
        return self

    def __exit__(self, *fault: object) -> None:
        self._remove_files()

    def columns(self) -> list[str]:
        return [column.name for column in self._columns]

    def all_columns(self) -> list[str]:
        return self.columns()

    def blocks(self) -> Iterator[Block]:
        """The rows of the extract, part after part."""
        seen = 0
        for part in sorted(self.path.glob("part-*.parquet")):
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches(batch_size=_ROWS, use_threads=False):
                    came_as = self._came_as(batch) if self.tells_rows else None
                    if came_as is not None and self._known:
                        is_new = self._is_new(came_as)
                        batch, came_as = batch.filter(is_new), came_as.filter(is_new)
                    if batch.num_rows == 0:
                        continue
                    numbers = pa.array(np.arange(seen + 1, seen + batch.num_rows + 1, dtype=np.int64))
                    texts = {raw: batch.column(f"c{i}").cast(pa.string()) for i, (raw, _) in enumerate(self._names)}
                    yield Block(batch.num_rows, numbers, texts, [], came_as)
                    seen += batch.num_rows

    def extract(
        self,
        current: Sequence[Mapping[str, Any]],
        stored: Mapping[str, str],
        whole: bool,
        plan: Protection,
        keys: Keys,
    ) -> Extract:
        """Read what is to be read into files.

        Args:
            current: the rows of `ops.loads` of this source and entity that are current.
            stored: raw name -> stored column.
            whole: read every row, whatever the watermark.
            plan: what bronze hides of the rows: such are compared by what they came as.
            keys: of the home.

        Raises:
            InputError: the watermark's or partition's column is not there or of a type that has no order.
            LakehouseError: the server went away; nothing of the read is kept.
        """
        raw_names: dict[str, str] = {}
        for name in self.columns():
            raw_names.setdefault(stored[name], name)
        self._names = [(raw, name) for name, raw in raw_names.items()]
        watermark = self._ordered("watermark", self._table.watermark)
        if watermark is not None and plan.is_about_people:
            self._keys = keys
        partition = self._ordered("partition_column", self._table.partition_column)
        last = None if whole or watermark is None else watermark.last(current, self.file)
        bound = None if watermark is None or last is None else watermark.less_overlap(last, self._table)
        condition = "1 = 1" if watermark is None or bound is None else watermark.since(bound)
        with self._told_plainly():
            reached, ends = self._ask(watermark, partition, condition)
            rows = self._write(self._frame(partition, ends, condition, stored), "read")
        if watermark is None or bound is None:
            self._bring(rows)
            mark = None if watermark is None else watermark.mark(reached)
            landed = {(row["content_sha256"], row.get("watermark"), row["file"]) for row in current}
            is_new = landed != {(rows.sha256, mark, self.file)}
            return Extract(is_new, rows.sha256, mark, tuple(row["batch_id"] for row in current))
        batch_ids = self._with_versions(rows, watermark, bound, current, stored)
        if batch_ids and self.tells_rows:
            self._bring(rows)
            rows = self._without_known(rows, self._newest_landed(None, False, batch_ids, stored, plan))
        elif batch_ids:
            rows = self._without_landed(rows, batch_ids, stored, plan)
            self._bring(rows)
        else:
            self._bring(rows)
        mark = watermark.mark(last if reached is None else max(last, reached))
        return Extract(rows.count > 0, rows.sha256, mark)

    def _ask(self, watermark: OrderedColumn | None, partition: OrderedColumn | None, condition: str) -> tuple[Any, Any]:
        """The watermark that this read will have reached, asked before it begins, and the ends of the partitions."""
        with self._database.connect() as connection:
            reached, ends = None, None
            if watermark is not None:
                highest = watermark.extreme("max", self._relation, watermark.can_be(datetime.now(timezone.utc)))
                reached = watermark.value(connection.rows(highest)[0][0])
            if partition is not None and self._table.max_connections > 1:
                asked = [partition.extreme(which, self._relation, condition) for which in ("min", "max")]
                ends = [partition.value(connection.rows(query)[0][0]) for query in asked]
                if None in ends:
                    ends = None  # no rows, or nothing but nulls
            return reached, ends

    def _frame(
        self, partition: OrderedColumn | None, ends: list[Any] | None, condition: str, stored: Mapping[str, str]
    ) -> DataFrame:
        """The rows as texts `c0`, `c1`, … in the order of `_names`, with their hashes."""
        from pyspark.sql import functions as F

        texts = [f"{self._database.dialect.text(column)} as t{i}" for i, column in enumerate(self._columns)]
        options = {**self._database.spark_options(), "fetchsize": str(FETCH_ROWS)}
        if partition is not None and ends is not None:
            texts.append(f"{partition.quoted} as p")
            lower, upper = (
                str(int(end)) if partition.kind == "number" else partition.text(end).replace("T", " ") for end in ends
            )
            options |= {"partitionColumn": "p", "lowerBound": lower, "upperBound": upper}
            options["numPartitions"] = str(self._table.max_connections)
        options["dbtable"] = f"(select {', '.join(texts)} from {self._relation} where {condition}) lakehouse_rows"
        read = self._spark.read.format("jdbc").options(**options).load()
        columns = []
        for i, (_, name) in enumerate(self._names):
            sharing = [F.col(f"t{n}") for n, column in enumerate(self._columns) if stored[column.name] == name]
            columns.append(F.coalesce(*sharing).alias(f"c{i}"))
        return read.select(*columns).select("*", *_hashes({name: f"c{i}" for i, (_, name) in enumerate(self._names)}))

    @property
    def tells_rows(self) -> bool:
        """Whether bronze hides some of the rows, so that what they came as is kept beside them."""
        return self._keys is not None

    def _with_versions(
        self,
        rows: _Rows,
        watermark: OrderedColumn,
        bound: Any,
        current: Sequence[Mapping[str, Any]],
        stored: Mapping[str, str],
    ) -> list[str]:
        """The batches in which earlier versions of the rows may be."""
        from pyspark.sql import functions as F

        read = self._spark.read.parquet(rows.folder)
        place = next(i for i, (_, name) in enumerate(self._names) if name == stored[watermark.column.name])
        undated = watermark.column.is_nullable and read.where(F.col(f"c{place}").isNull()).head() is not None
        # A version of a row that is read now was landed by a batch that had reached as far, or by a later one.
        batch_ids = [row["batch_id"] for row in current if undated or watermark.marked(row) >= bound]
        return batch_ids if rows.count else []

    def _without_landed(self, rows: _Rows, batch_ids: list[str], stored: Mapping[str, str], plan: Protection) -> _Rows:
        """Leave out the rows whose key's newest landed version has the same content."""
        read = self._spark.read.parquet(rows.folder)
        few = rows.count <= KEYS_TO_BROADCAST
        newest = self._newest_landed(read, few, batch_ids, stored, plan)
        landed = newest.select(*_hashes({name: name for _, name in self._names}))
        return self._write(read.join(landed, list(_HASHES), "left_anti"), "new")

    def _without_known(self, rows: _Rows, newest: DataFrame) -> _Rows:
        """The same by what the rows came as: worked out here, for the key of it must not stand in a plan of Spark's.

        What was landed before bronze hid anything has no such hash, and is landed once more.
        """
        self._known = {row[0] for row in newest.select(CAME_AS).collect()} - {None}
        count, sums = 0, [0, 0]
        for part in sorted(self.path.glob("part-*.parquet")):
            hashes = pq.read_table(part, columns=list(_HASHES))
            kept = hashes.filter(self._is_new(self._came_as(hashes)))
            count += kept.num_rows
            sums = [sum(kept[name].to_pylist(), total) for name, total in zip(_HASHES, sums)]
        names = sorted(name for _, name in self._names)
        sha256 = hashlib.sha256(repr((count, [Decimal(total) for total in sums], names)).encode()).hexdigest()
        return _Rows(count, sha256, rows.folder)

    def _came_as(self, hashes: pa.Table | pa.RecordBatch) -> pa.Array:
        assert self._keys is not None
        names = self._keys.pseudonyms
        return pa.array([names.pseudonym(f"{a} {b}") for a, b in zip(*(hashes[name].to_pylist() for name in _HASHES))])

    def _is_new(self, came_as: pa.Array) -> pa.Array:
        return pc.invert(pc.is_in(came_as, pa.array(sorted(self._known), pa.string())))

    def _newest_landed(
        self, read: DataFrame | None, few: bool, batch_ids: list[str], stored: Mapping[str, str], plan: Protection
    ) -> DataFrame:
        """The newest landed version of each key; where `read` is given, of keys that were read."""
        from pyspark.sql import Window
        from pyspark.sql import functions as F

        # The files by delta-rs, the rows by Spark: through Spark's own reading of the log it is 2 CPU seconds more.
        files = tables.files_of_batches(self._settings, self._source.name, self._entity, batch_ids)
        names = dict.fromkeys([*stored.values(), *(one.column for one in plan.shown), CAME_AS])
        schema = ", ".join(["_batch_id string, _row_number bigint, _loaded_at timestamp", *map(_as_text, names)])
        bronze = self._spark.read.schema(schema).parquet(*files)
        bronze = bronze.withColumn("_source", F.lit(self._source.name)).withColumn("_file", F.lit(self.file))
        made = [plan.columns[name] for name in self._definition.key]
        landed = bronze.where(F.col("_batch_id").isin(batch_ids))
        landed = landed.select("*", *(F.expr(text).alias(f"_key{n}") for n, text in enumerate(made)))
        key = [f"_key{n}" for n in range(len(made))]
        # Those of the lineage the read does not have yet.
        if read is not None and not any(name in text for text in made for name in LINEAGE_COLUMNS):
            named = read.select(*(F.col(f"c{i}").alias(name) for i, (_, name) in enumerate(self._names)))
            keys = named.select(*(F.expr(text).alias(f"_read{n}") for n, text in enumerate(made))).distinct()
            same = [F.col(f"_key{n}").eqNullSafe(F.col(f"_read{n}")) for n in range(len(made))]
            landed = landed.join(F.broadcast(keys) if few else keys, reduce(and_, same), "left_semi")
        newest_first = [F.desc(name) for name in ("_loaded_at", "_batch_id", "_row_number")]
        return landed.withColumn(
            "_version", F.row_number().over(Window.partitionBy(*key).orderBy(*newest_first))
        ).where(F.col("_version") == 1)

    def _write(self, frame: DataFrame, name: str) -> _Rows:
        from pyspark.sql import functions as F

        folder = f"{self._folder}/{name}"
        frame.write.mode("overwrite").parquet(folder)
        hashes = self._spark.read.schema(", ".join(f"{name} bigint" for name in _HASHES)).parquet(folder)
        sums = [F.sum(F.col(name).cast("decimal(38,0)")) for name in _HASHES]
        count, *found = hashes.agg(F.count("*"), *sums).collect()[0]
        names = sorted(name for _, name in self._names)
        return _Rows(int(count), hashlib.sha256(repr((count, found, names)).encode()).hexdigest(), folder)

    def _bring(self, rows: _Rows) -> None:
        """Have at `path` what Spark wrote, wherever its executors are."""
        files, folder = file_system_of(self._settings, rows.folder)
        if isinstance(files, pafs.LocalFileSystem):
            self.path = Path(folder)
            return
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)
        pafs.copy_files(folder, str(self.path), source_filesystem=files, destination_filesystem=pafs.LocalFileSystem())

    def _ordered(self, setting: str, name: str | None) -> OrderedColumn | None:
        """The column that a setting names."""
        if name is None:
            return None
        exact = [column for column in self._columns if column.name == name]
        found = exact or [column for column in self._columns if column.name.lower() == name.lower()]
        if len(found) != 1:
            near = close_matches(name, self.columns()) or f"; there are {', '.join(self.columns()[:12])}"
            raise InputError(f"{self._where}: `{setting}: {name}` is no column of {self.file}{near}")
        kind = self._database.dialect.kind(found[0])
        if kind is None:
            what = f"{self._where}: `{setting}: {name}` is of type {found[0].type_name}"
            raise InputError(f"{what}; it must be a time, a date or a number")
        return OrderedColumn(found[0], kind, self._database.dialect)

    @property
    def _relation(self) -> str:
        if self._table.table is not None:
            return self._table.table
        return f"({(self._table.query or '').strip().rstrip(';')}\n) lakehouse_query"

    @contextmanager
    def _told_plainly(self) -> Iterator[None]:
        """Errors of the database as one sentence that names the source and entity."""
        try:
            with self._database.told_plainly():
                yield
        except LakehouseError as error:
            raise type(error)(f"{self._where}: {error}") from None

    def _remove_files(self) -> None:
        shutil.rmtree(self._settings.home / "reading", ignore_errors=True)
        remove_exchange_folder(self._settings, "reading")


def _as_text(name: str) -> str:
    return f"{quoted(name)} string"


def _hashes(columns: Mapping[str, str]) -> list[Any]:
    """128 bits of a row's content, by stored name -> column. JSON leaves nulls out: a new column changes no old row."""
    from pyspark.sql import functions as F

    content = F.to_json(F.struct(*(F.col(quoted(columns[name])).alias(name) for name in sorted(columns))))
    return [F.xxhash64(content).alias(_HASHES[0]), F.xxhash64(F.lit("other"), content).alias(_HASHES[1])]
