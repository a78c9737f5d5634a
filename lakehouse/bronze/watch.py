"""Watching a source's files as they land: each is profiled, held against those before it, refused or remembered."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from lakehouse import ops
from lakehouse.bronze.batch import Batch
from lakehouse.bronze.csv_repair import UNDECODABLE
from lakehouse.bronze.drift import Finding, compare
from lakehouse.bronze.garbling import likely_encoding
from lakehouse.bronze.layouts import Header, content_fault, header_fault
from lakehouse.bronze.profiles import BatchProfile, ColumnProfile, as_rows, from_rows, profile_columns
from lakehouse.bronze.records import Block, RecordFile
from lakehouse.bronze.roles import Roles, roles
from lakehouse.bronze.streams import open_stream, told_plainly
from lakehouse.bronze.tallies import Tally, merge, tally
from lakehouse.bronze.text_blocks import encoding_of
from lakehouse.errors import InputError
from lakehouse.expressions import named_columns
from lakehouse.settings import Settings
from lakehouse.sources import Source
from lakehouse.variables import expand_variables

BATCHES_LOOKED_BACK = 30
"""A month of daily files: what moved more slowly than that is no drift of a batch."""
_UNDECODABLE_KEPT = 50


@dataclass
class Watch:
    """One entity of one source while its new files are landed.

    `current` are the entity's rows of `ops.loads` that will still be current, `files_before` all files that were ever
    landed: one that is landed again is a correction, which is late by nature. Batches are compared under the path of
    the source file that names them: files that differ by nature, as a full history and the days after it, or two
    systems' exports, have a path each and are never compared.
    """

    settings: Settings
    source: Source
    entity: str
    current: Sequence[Mapping[str, Any]]
    files_before: Collection[str]
    run_id: str
    _landed: list[BatchProfile] = field(default_factory=list)
    _since: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def over(self, batch: Batch, path: Path, records: RecordFile) -> WatchedFile:
        """Begin to watch a file.

        Raises:
            InputError: by its column names it must not be landed.
        """
        definition = self.source.entities[self.entity]
        pattern = self._pattern(path)
        header = Header(
            file=batch.file,
            entity=self.entity,
            names=tuple(records.columns()),
            has_names=definition.header is True or not hasattr(records, "header"),
            is_sparse=not hasattr(records, "header") and hasattr(records, "block_bytes"),
        )
        earlier = self._earlier(pattern)
        names = {name for b in earlier for name in b.layout} | header.layout
        watched = WatchedFile(
            header=header,
            path=pattern,
            batch=batch,
            run_id=self.run_id,
            encoding=_encoding_read(path, records),
            earlier=earlier,
            roles=roles(self.entity, definition, names, bool(self.source.personal_key)),
            texts={**definition.attributes, **definition.columns},
        )
        others = {
            other: frozenset(name for text in options.columns.values() for name in named_columns(text, header.layout))
            for other, options in self.source.entities.items()
            if other != self.entity
        }
        fault = header_fault(
            header, earlier, watched.roles, watched.texts, others, lambda: _columns_at_the_beginning(records)
        )
        if fault:
            raise InputError(fault)
        return watched

    def keep(self, watched: WatchedFile) -> dict[str, list[dict[str, Any]]]:
        """Remember a file that was landed; returns its rows of `ops.batch_profiles` and of `ops.drift`."""
        profile = watched.profile
        since: dict[str, datetime] = {}
        for name in profile.columns:
            known = [self._since[b.batch_id, name] for b in watched.earlier if name in b.columns]
            since[name] = min(known, default=profile.loaded_at)
            self._since[profile.batch_id, name] = since[name]
        self._landed.append(profile)
        found = compare(profile, watched.earlier, watched.roles)
        if profile.file in self.files_before:
            found = [finding for finding in found if finding.check != "freshness"]
        return {
            "batch_profiles": as_rows(profile, self.source.name, self.entity, since),
            "drift": [self._row(profile, finding, watched.roles) for finding in found],
        }

    def _row(self, profile: BatchProfile, found: Finding, known: Roles) -> dict[str, Any]:
        return {
            "source": self.source.name,
            "entity": self.entity,
            "file": profile.file,
            "batch_id": profile.batch_id,
            "run_id": self.run_id,
            "column_name": found.column,
            "is_mapped": found.column.lower() in known.all_mapped,
            "check_name": found.check,
            "value": found.value,
            "usual": found.usual,
            "deviation": found.deviation,
            "finding": found.sentence,
            "loaded_at": profile.loaded_at,
        }

    def _earlier(self, pattern: str) -> list[BatchProfile]:
        """Of the same path; where there is one path and was one, it is the same whatever it was called."""
        known = [*self._remembered, *self._landed]
        same = [profile for profile in known if profile.path == pattern]
        if not same and len(self.source.entities[self.entity].path) == 1 and len({p.path for p in known}) == 1:
            same = known
        return same[-BATCHES_LOOKED_BACK:]

    @cached_property
    def _remembered(self) -> list[BatchProfile]:
        newest = sorted(self.current, key=lambda row: row["loaded_at"])
        paths = max(1, len(self.source.entities[self.entity].path))
        wanted = [row["batch_id"] for row in newest[-BATCHES_LOOKED_BACK * paths :]]
        by_batch: dict[str, list[dict[str, Any]]] = {}
        equal = {"source": self.source.name, "entity": self.entity}
        for row in ops.read_where(self.settings, "batch_profiles", "batch_id", wanted, **equal):
            by_batch.setdefault(row["batch_id"], []).append(row)
            self._since[row["batch_id"], row["column_name"].lower()] = row["known_since"]
        return [from_rows(by_batch[batch_id]) for batch_id in wanted if batch_id in by_batch]

    def _pattern(self, path: Path) -> str:
        patterns = self.source.entities[self.entity].path
        if not patterns:  # a table of a database
            return self.entity
        for pattern in patterns[:-1]:
            full = os.path.normpath(self.source.folder / Path(expand_variables(pattern)).expanduser())
            if str(path) == full or str(path) in glob.glob(full, recursive=True):
                return pattern
        return patterns[-1]


@dataclass
class WatchedFile:
    """One file: counted block by block, judged before it is committed."""

    header: Header
    path: str
    batch: Batch
    run_id: str
    encoding: str
    earlier: list[BatchProfile]
    roles: Roles
    texts: dict[str, str]
    seen: int = 0
    undecodable: int = 0
    escaped: list[str] = field(default_factory=list)
    counted: Tally | None = None

    def add(self, block: Block) -> None:
        """Count a block."""
        halvings = 0 if self.counted is None else self.counted.halvings
        new = tally(block.row_numbers, block.columns, halvings)
        self.counted = new if self.counted is None else merge(self.counted, new)
        self.seen += block.seen
        undecodable = [fault.raw for fault in block.faults if fault.reason == UNDECODABLE]
        self.undecodable += len(undecodable)
        self.escaped += undecodable[: _UNDECODABLE_KEPT - len(self.escaped)]

    def begin_again(self) -> None:
        """Forget what was counted: the file is read once more."""
        self.seen = self.undecodable = 0
        self.escaped, self.counted = [], None

    def judge(self) -> None:
        """Before anything is committed.

        Raises:
            InputError: by what stands in it the file must not be landed.
        """
        fault = content_fault(
            self.header, self.profile.columns, self.profile.landed, self.earlier, self.roles, self.texts
        )
        if fault:
            raise InputError(fault)

    @cached_property
    def profile(self) -> BatchProfile:
        """What the file looks like, once it is counted."""
        if self.counted is None:
            columns = {name.lower(): ColumnProfile(name, place, 0, 0) for place, name in enumerate(self.header.names)}
        else:
            columns = profile_columns(self.counted, self.roles.personal)
        return BatchProfile(
            **{name: getattr(self.batch, name) for name in ("batch_id", "file", "loaded_at")},
            path=self.path,
            run_id=self.run_id,
            rows=self.seen,
            landed=0 if self.counted is None else self.counted.rows,
            encoding=self.encoding,
            undecodable_share=self.undecodable / max(1, self.seen),
            columns=columns,
            encoding_guess=likely_encoding(self.escaped),
            is_sparse=self.header.is_sparse,
        )


def _columns_at_the_beginning(records: RecordFile) -> dict[str, ColumnProfile]:
    first = next(iter(records.blocks()), None)
    return {} if first is None else profile_columns(tally(first.row_numbers, first.columns))


def _encoding_read(path: Path, records: RecordFile) -> str:
    """The encoding of a text file as it was read; empty for others."""
    if not hasattr(records, "encoding") or not hasattr(records, "compression"):
        return ""
    with told_plainly(path), open_stream(path, records.compression) as stream:
        return encoding_of(stream.read(4), records.encoding)
