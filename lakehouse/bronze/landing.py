"""Landing: every file of every source into bronze, once, with an account of every row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakehouse import ops
from lakehouse.bronze import mapping, tables
from lakehouse.bronze.batch import Batch, Counts, UnforeseenColumns, write_batch
from lakehouse.bronze.database_read import DatabaseRead
from lakehouse.bronze.fingerprints import Fingerprints, batch_id
from lakehouse.bronze.formats import open_records
from lakehouse.bronze.journal import Journal
from lakehouse.bronze.naming import require_few, stored_names
from lakehouse.bronze.plan import EntityPlan, NewFile, plan_entity
from lakehouse.bronze.records import Block, RecordFile, text_array
from lakehouse.bronze.reprotection import protect_anew
from lakehouse.bronze.rights import Rights
from lakehouse.bronze.sealing import Keys, Sealing
from lakehouse.bronze.streams import require_space, told_plainly, written_plainly
from lakehouse.bronze.watch import Watch, WatchedFile
from lakehouse.errors import InputError, LakehouseError
from lakehouse.privacy.vault import Origin
from lakehouse.profiling import span
from lakehouse.settings import Settings
from lakehouse.sources import Source, entity_files, remember

Progress = Callable[[str], None]
_SECONDS_BETWEEN_COMMITS = 2.0
"""A kill costs at most this much work again; fewer, larger commits keep `ops.loads` small."""


@dataclass(frozen=True)
class Load:
    """A row of `ops.loads`."""

    source: str
    entity: str
    file: str
    batch_id: str
    content_sha256: str
    rows_read: int
    rows_landed: int
    rows_quarantined: int
    bytes_read: int
    loaded_at: datetime
    run_id: str
    is_current: bool = True
    watermark: str | None = None
    rows_sealed: int = 0
    protection: str = ""
    rows_erased: int = 0


def land(
    settings: Settings,
    sources: Sequence[Source],
    run_id: str,
    loaded_at: datetime,
    progress: Progress = lambda what: None,
    whole_tables: bool = False,
    noted: Progress = lambda what: None,
) -> list[Load]:
    """Land what is new in the sources' files; what has been landed, by content, is left alone.

    Args:
        loaded_at: the time to write beside the rows (with a zone); each further file is a microsecond later, so
            that of several versions of a row the one of the later file is the newest.
        progress: told in words what is being read.
        whole_tables: read databases whole, whatever their watermarks: finds what was deleted or is older.
        noted: told what was done to what had been landed before.

    Returns:
        One load for each file that was landed now.

    Raises:
        InputError: a file or a mapping is wrong; nothing of the file is landed, files before it are.
        LakehouseError: the tables cannot be written.
    """
    require_space(settings.home)
    with written_plainly(settings.home):
        settings.home.mkdir(parents=True, exist_ok=True)
        ops.ensure_tables(settings)
    tables.ensure_tables(settings)
    done: list[Load] = []
    with Keys(settings) as keys:
        landing = _Landing(settings, keys, run_id, loaded_at, progress, whole_tables)
        landing.journal.recover(landing.loads)
        protected = protect_anew(settings, keys, progress)
        try:
            for source in sources:
                done += landing.land_source(source)
            landing.fingerprints.save()
            protected += protect_anew(settings, keys, progress)
        except BaseException:
            with suppress(LakehouseError):  # what is not committed now is taken back by the next landing
                landing.commit()
            raise
    if protected:
        noted(
            f"identifiers of {protected:,} batch{'es' if protected > 1 else ''} that had been landed otherwise are "
            "hidden in bronze now, and its old files are removed (docs/landing.md)"
        )
    return done


def land_row(
    settings: Settings, source: Source, entity: str, row: Mapping[str, str | None], run_id: str, loaded_at: datetime
) -> Load:
    """Land one row that no file brought, as the newest of its key: a correction on request.

    Args:
        row: raw name -> text, with every column that the source has landed of the entity.
    """
    stored = mapping.known_columns(settings, source.name)[entity]
    file = f"rectified {run_id}"
    identifier = batch_id(source.name, entity, file)
    batch = Batch(source.name, entity, file, identifier, loaded_at)
    with Keys(settings) as keys:
        landing = _Landing(settings, keys, run_id, loaded_at, lambda what: None, whole_tables=False)
        landing.journal.recover(landing.loads)
        plan = mapping.plan(settings, source, entity, stored)
        sealing = Sealing(settings, keys, plan, Origin(source.name, entity, identifier, loaded_at))
        landing.journal.begin(batch)
        try:
            records = OneRow(Path(file), row)
            counts = write_batch(settings, batch, records, stored, lambda seen: None, Unwatched(), sealing)
        except BaseException:
            landing.journal.take_back(batch)
            raise
    told = (source.name, entity, file, identifier, identifier, counts.seen, counts.landed, counts.quarantined, 0)
    load = Load(
        *told, loaded_at=loaded_at, run_id=run_id, rows_sealed=sealing.kept.rows, protection=sealing.plan.recorded()
    )
    landing.journal.commit([asdict(load)], [])
    return load


class OneRow:
    """A record that somebody gives, in place of a file."""

    def __init__(self, path: Path, row: Mapping[str, str | None]) -> None:
        self.path, self._row = path, row

    def columns(self) -> list[str]:
        return list(self._row)

    def all_columns(self) -> list[str]:
        return list(self._row)

    def blocks(self) -> Iterator[Block]:
        columns = {name: text_array([value]) for name, value in self._row.items()}
        yield Block(1, pa.array([1], pa.int64()), columns, [])


class Unwatched:
    """One row is no file, and is compared with none."""

    def add(self, block: Block) -> None: ...

    def judge(self) -> None: ...


class _Landing:
    """One call of `land`."""

    def __init__(
        self, settings: Settings, keys: Keys, run_id: str, loaded_at: datetime, progress: Progress, whole_tables: bool
    ) -> None:
        self.keys = keys
        self.settings, self.run_id, self.loaded_at, self.progress = settings, run_id, loaded_at, progress
        self.whole_tables = whole_tables
        self.loads = ops.read(settings, "loads")
        self.journal = Journal(settings)
        self.fingerprints = Fingerprints(settings.home / "landed.json")
        self.rights = Rights.of(settings)
        self._waiting: list[Load] = []
        self._superseded: list[str] = []
        self._source: Source | None = None
        self._raw_columns: dict[str, dict[str, str]] = {}
        self._known_of_batches: dict[str, list[dict[str, Any]]] = {table: [] for table in ops.OF_A_BATCH}
        self._committed_at = time.monotonic()

    def land_source(self, source: Source) -> list[Load]:
        """All entities of one source, then its rows of `ops.sources`."""
        known = mapping.known_columns(self.settings, source.name)
        done: list[Load] = []
        self._source, self._raw_columns = source, {}
        for entity in source.entities:
            with span(entity):
                done += self._land_entity(source, entity, known.get(entity, {}))
        self._superseded += [
            row["batch_id"]
            for row in self.loads
            if row["source"] == source.name and row["is_current"] and row["entity"] not in source.entities
        ]
        self.commit()
        mapping.write_definition(self.settings, source, self._raw_columns)
        remember(self.settings, source)
        return done

    def _land_entity(self, source: Source, entity: str, known: Mapping[str, str]) -> list[Load]:
        if source.entities[entity].database is not None:
            done = self._land_table(source, entity, known)
            self._commit_now_and_then()
            return done
        plan = self._plan(source, entity)
        self._superseded += plan.superseded_batch_ids
        files = [(new, open_records(new.path, source.entities[entity])) for new in plan.to_land]
        stored = self._stored_columns(source, entity, known, [file for _, file in files])
        watch = Watch(self.settings, source, entity, *self._before(source, entity, plan), self.run_id)
        done = []
        for new, records in files:
            load, stored = self._land_file(new, records, stored, watch)
            done.append(load)
            self._raw_columns[entity] = stored
            self._commit_now_and_then()
        self._raw_columns[entity] = stored
        return done

    def commit(self) -> None:
        """Bring `ops.loads` up to what has been written; what is known of the columns is written before."""
        if self._waiting or self._superseded:
            if self._source is not None:
                mapping.write_definition(self.settings, self._source, self._raw_columns)
            self.journal.commit([asdict(load) for load in self._waiting], self._superseded, self._known_of_batches)
        self._waiting, self._superseded = [], []
        self._committed_at = time.monotonic()

    def _commit_now_and_then(self) -> None:
        if time.monotonic() - self._committed_at > _SECONDS_BETWEEN_COMMITS:
            self.commit()

    def _land_table(self, source: Source, entity: str, known: Mapping[str, str]) -> list[Load]:
        """What is new in a database's table as one batch; the batches that it replaces are current no longer."""
        loads = [row for row in self.loads if (row["source"], row["entity"]) == (source.name, entity)]
        current = [row for row in loads if row["is_current"]]
        done: list[Load] = []
        with DatabaseRead(self.settings, source, entity) as read:
            self.progress(f"{source.name} {entity}: {read.file}")
            stored = self._stored_columns(source, entity, known, [read])
            plan = mapping.plan(self.settings, source, entity, stored)
            extract = read.extract(current, stored, self.whole_tables, plan, self.keys)
            if extract.is_new:
                new = NewFile(read.path, read.file, extract.content_sha256)
                staying = [row for row in current if row["batch_id"] not in extract.superseded_batch_ids]
                watch = Watch(self.settings, source, entity, staying, {row["file"] for row in loads}, self.run_id)
                load, stored = self._land_file(new, read, stored, watch, extract.watermark)
                done.append(load)
                self._superseded += [name for name in extract.superseded_batch_ids if name != load.batch_id]
        self._raw_columns[entity] = stored
        return done

    def _plan(self, source: Source, entity: str) -> EntityPlan:
        loads = [row for row in self.loads if (row["source"], row["entity"]) == (source.name, entity)]
        try:
            files = entity_files(source, entity)
        except InputError:
            if not loads:
                raise
            files = []  # the files that were landed have been cleared away since
        return plan_entity({file: self.fingerprints.of(file) for file in files}, source.folder, loads)

    def _before(self, source: Source, entity: str, plan: EntityPlan) -> tuple[list[dict[str, Any]], set[str]]:
        """The rows of `ops.loads` of this source and entity that stay current, and all files that were ever landed."""
        gone = {*plan.superseded_batch_ids, *self._superseded}
        loads = [row for row in self.loads if (row["source"], row["entity"]) == (source.name, entity)]
        staying = [row for row in loads if row["is_current"] and row["batch_id"] not in gone]
        return staying, {row["file"] for row in loads}

    def _stored_columns(
        self, source: Source, entity: str, known: Mapping[str, str], files: Sequence[RecordFile]
    ) -> dict[str, str]:
        """Raw name -> stored name of all columns seen so far, once all expressions of the mapping can be resolved."""
        in_table = tables.raw_column_names(self.settings, entity) if files else []
        seen = [name for file in files for name in file.columns()]
        stored = stored_names(seen, known, in_table)
        if files and mapping.unresolved(source, entity, stored) is not None:
            seen = [name for file in files for name in file.all_columns()]
            stored = stored_names(seen, known, in_table)
        if files:
            require_few(files[-1].path, len(stored))
        fault = mapping.unresolved(source, entity, stored)
        if fault is not None:
            raise InputError(
                fault
                + (f" ({', '.join(str(getattr(file, 'file', file.path)) for file in files[:3])})" if files else "")
            )
        return stored

    def _land_file(
        self, new: NewFile, records: RecordFile, stored: dict[str, str], watch: Watch, watermark: str | None = None
    ) -> tuple[Load, dict[str, str]]:
        source, entity = watch.source, watch.entity
        identifier = batch_id(source.name, entity, new.content_sha256)
        batch = Batch(source.name, entity, new.file, identifier, self.loaded_at)
        self.loaded_at += timedelta(microseconds=1)
        watched = watch.over(batch, new.path, records)
        if any(row["batch_id"] == identifier for row in self.loads):
            tables.delete_batch(self.settings, source.name, entity, identifier)
        require_space(self.settings.home, _bytes(new.path))
        self.journal.begin(batch)
        try:
            counts, stored, sealing = self._write(batch, records, stored, watch, watched, source)
            if not self.fingerprints.still_stands(new.path):
                raise InputError(f"{new.path} changed while it was read; run again when it is complete")
            size = _bytes(new.path)
        except BaseException:
            self.journal.take_back(batch)
            raise
        load = Load(
            *(source.name, entity, new.file, identifier, new.content_sha256),
            *(counts.seen, counts.landed, counts.quarantined, size),
            loaded_at=batch.loaded_at,
            run_id=self.run_id,
            watermark=watermark,
            rows_sealed=sealing.kept.rows,
            protection=sealing.plan.recorded(),
            rows_erased=counts.erased,
        )
        self._waiting.append(load)
        for table, rows in watch.keep(watched).items():
            self._known_of_batches[table] += rows
        return load, stored

    def _write(
        self,
        batch: Batch,
        records: RecordFile,
        stored: dict[str, str],
        watch: Watch,
        watched: WatchedFile,
        source: Source,
    ) -> tuple[Counts, dict[str, str], Sealing]:
        def write(stored: dict[str, str]) -> tuple[Counts, dict[str, str], Sealing]:
            plan = mapping.plan(self.settings, watch.source, watch.entity, stored)
            origin = Origin(batch.source, batch.entity, batch.batch_id, batch.loaded_at)
            sealing = Sealing(self.settings, self.keys, plan, origin)
            rewriting = [] if self.rights is None else [self.rights.rewriting(source, batch.entity, stored)]
            return (
                write_batch(self.settings, batch, records, stored, tell, watched, sealing, *rewriting),
                stored,
                sealing,
            )

        def tell(seen: int) -> None:
            self.progress(f"{batch.source} {batch.entity}: {Path(batch.file).name}, {seen:,} rows")

        try:
            return write(stored)
        except UnforeseenColumns:
            self.journal.take_back(batch)
            watched.begin_again()
        names = records.all_columns()
        wider = stored_names(names, stored, tables.raw_column_names(self.settings, batch.entity))
        return write(wider)


def _bytes(path: Path) -> int:
    with told_plainly(path):
        files = path.rglob("*") if path.is_dir() else [path]
        return sum(file.stat().st_size for file in files if file.is_file() or file == path)
