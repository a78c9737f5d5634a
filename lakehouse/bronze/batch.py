"""One file into one batch: landed whole, with its faults in quarantine, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.bronze import tables
from lakehouse.bronze.protection import CAME_AS
from lakehouse.bronze.records import Block, Fault, RecordFile
from lakehouse.bronze.sealing import Sealing
from lakehouse.errors import LakehouseError
from lakehouse.settings import Settings

_FAULTS_AT_ONCE = 20_000


@dataclass(frozen=True)
class Batch:
    """Where a batch belongs."""

    source: str
    entity: str
    file: str
    batch_id: str
    loaded_at: datetime


@dataclass
class Counts:
    """Rows met in the file; rows that the tables' logs say were added; rows of erased persons, which were left out."""

    seen: int = 0
    landed: int = 0
    quarantined: int = 0
    erased: int = 0
    waiting: list[Fault] = field(default_factory=list)


class Watcher(Protocol):
    """Looks on while a file is landed."""

    def add(self, block: Block) -> None: ...

    def judge(self) -> None:
        """Raises InputError where the file must not be committed."""
        ...


@runtime_checkable
class TellsRows(Protocol):
    """A reader whose blocks may say what their rows came as."""

    @property
    def tells_rows(self) -> bool: ...


class UnforeseenColumns(Exception):
    """The file has a column that its beginning did not show."""


def write_batch(
    settings: Settings,
    batch: Batch,
    records: RecordFile,
    stored: Mapping[str, str],
    progress: Callable[[int], None],
    watcher: Watcher,
    sealing: Sealing,
    without_erased: Callable[[Block], tuple[Block, int]] = lambda block: (block, 0),
) -> Counts:
    """Write the file's records in one commit and its faults to the quarantine.

    Args:
        stored: raw name -> stored column, of all files of the entity: the table gets all of them.
        progress: told the records met so far, block by block.
        watcher: shown every block, and asked before the commit.
        sealing: takes the identifiers out of rows and faults; has them in the vault before they are in bronze.
        without_erased: takes erased persons out of a block, and says how many rows went with them.

    Raises:
        UnforeseenColumns: see there; nothing was committed to the entity's table.
        InputError: the watcher refuses the file.
        LakehouseError: the counts do not add up, or the file or the tables fail.
    """
    counts = Counts()
    kept = [CAME_AS] if isinstance(records, TellsRows) and records.tells_rows else []
    names = dict.fromkeys([*stored.values(), *sealing.columns, *kept])
    schema = pa.schema([*tables.LINEAGE, *(pa.field(name, pa.string()) for name in names)])

    with sealing, tables.Append(settings, f"bronze.{batch.entity}", schema, {"_source": batch.source}) as landing:
        for block in records.blocks():
            counts.seen += block.seen
            if not block.columns.keys() <= stored.keys():
                raise UnforeseenColumns
            block, erased = without_erased(block)
            counts.erased += erased
            _set_aside(settings, batch, counts, sealing.faults(block.faults))
            if len(block.row_numbers):
                landing.add(sealing.rows(_as_stored(batch, block, stored)))
            watcher.add(block)
            progress(counts.seen)
        watcher.judge()
        sealing.commit()
        counts.landed = landing.commit()
    _quarantine(settings, batch, counts)
    if counts.seen != counts.landed + counts.quarantined + counts.erased:
        raise LakehouseError(
            f"{batch.file}: {counts.seen} rows were read, but {counts.landed} landed, {counts.quarantined} "
            f"quarantined and {counts.erased} left out; nothing of it was kept, please report this"
        )
    return counts


def _as_stored(batch: Batch, block: Block, stored: Mapping[str, str]) -> pa.RecordBatch:
    """The block's rows under their stored names, beside where they come from."""
    count = len(block.row_numbers)
    columns: dict[str, pa.Array] = {
        "_file": pa.repeat(batch.file, count),
        "_batch_id": pa.repeat(batch.batch_id, count),
        "_row_number": block.row_numbers,
        "_loaded_at": pa.repeat(pa.scalar(batch.loaded_at, tables.UTC), count),
    }
    if block.came_as is not None:
        columns[CAME_AS] = block.came_as
    for raw, values in block.columns.items():
        name = stored[raw]
        columns[name] = pc.coalesce(columns[name], values) if name in columns else values
    return pa.RecordBatch.from_pydict(columns)


def _set_aside(settings: Settings, batch: Batch, counts: Counts, faults: list[Fault]) -> None:
    counts.waiting.extend(faults)
    if len(counts.waiting) >= _FAULTS_AT_ONCE:
        _quarantine(settings, batch, counts)


def _quarantine(settings: Settings, batch: Batch, counts: Counts) -> None:
    if not counts.waiting:
        return
    rows = [
        {
            "source": batch.source,
            "entity": batch.entity,
            "file": batch.file,
            "batch_id": batch.batch_id,
            "row_number": fault.row_number,
            "reason": fault.reason,
            "raw": fault.raw,
            "loaded_at": batch.loaded_at,
        }
        for fault in counts.waiting
    ]
    table = pa.Table.from_pylist(rows, schema=tables.QUARANTINE)
    counts.quarantined += tables.set_aside(settings, table)
    counts.waiting.clear()
