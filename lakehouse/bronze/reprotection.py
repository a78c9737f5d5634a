"""What was landed by another plan of protection, protected anew where it is: no file has to be there for it.

So it is with a home of before bronze hid identifiers, with a mapping of identifiers that changed, and with setting
`gender_from_names`. A row is put together again from bronze and the vault and protected by the plan of now. The vault
is exchanged first and keeps the values under either plan, then bronze, then bronze's old files are removed, and last
`ops.loads` says so: wherever this is killed, the next landing does it again and finds all of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake
from deltalake import Schema as DeltaSchema

from lakehouse import ops
from lakehouse.bronze import mapping, tables
from lakehouse.bronze.protection import CAME_AS, Protection, is_shown
from lakehouse.bronze.sealing import Keys, Sealing
from lakehouse.bronze.streams import written_plainly
from lakehouse.privacy import vault
from lakehouse.privacy.classes import is_about_people
from lakehouse.privacy.masks import HIDDEN
from lakehouse.privacy.person_keys import plain_name
from lakehouse.scratch import renew_scratch_folder, scratch_folder
from lakehouse.settings import Settings
from lakehouse.storage import delta_table

_TOLD = ("category_counts", "min_value", "max_value", "mean_value", "p10_value", "p50_value", "p90_value", "newest_at")
"""What `ops.batch_profiles` may tell of values."""


@dataclass(frozen=True)
class _Batch:
    """A batch that was landed by another plan: `then` is what `ops.loads` recorded of that one."""

    origin: vault.Origin
    plan: Protection
    then: Mapping[str, Any]
    raw_names: Mapping[str, str]


def protect_anew(settings: Settings, keys: Keys, progress: Callable[[str], None]) -> int:
    """Protect every batch by the plan that its source's mapping makes now; returns how many were not.

    Raises:
        InputError: the master key is lost or wrong, or an expression does not fit the rows.
    """
    _delete_what_nobody_maps(settings)
    stale = list(_stale(settings))
    for place, batch in enumerate(stale):
        origin = batch.origin
        progress(f"hiding identifiers of {origin.source} {origin.entity}, batch {place + 1} of {len(stale)}")
        with written_plainly(settings.home):
            _exchange(settings, keys, batch)
    by_table: dict[tuple[str, str], list[_Batch]] = {}
    for batch in stale:
        by_table.setdefault((batch.origin.source, batch.origin.entity), []).append(batch)
    with written_plainly(settings.home):
        for batches in by_table.values():
            _forget_profiles(settings, batches[0])
        for name in sorted({f"bronze.{batch.origin.entity}" for batch in stale}) + ["bronze.quarantine"] * bool(stale):
            # Old files have what the new ones hide, so none is kept for readers of old versions.
            delta_table(settings, name).vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)
        _record(settings, by_table)
    return len(stale)


def _stale(settings: Settings) -> Iterator[_Batch]:
    loads = ops.read(settings, "loads")
    for row in ops.read(settings, "sources") if loads else []:
        plan = mapping.plan_of_row(settings, row)
        for load in loads:
            is_of_row = (load["source"], load["entity"]) == (row["source"], row["entity"])
            recorded = load.get("protection")
            if is_of_row and not plan.holds_for(recorded):
                origin = vault.Origin(load["source"], load["entity"], load["batch_id"], load["loaded_at"])
                yield _Batch(origin, plan, json.loads(recorded or "{}"), dict(row["raw_columns"] or []))


def _delete_what_nobody_maps(settings: Settings) -> None:
    """Batches of before bronze hid identifiers, of an entity that its source has no more: no table is made of them.

    And no mapping says what is in them.
    """
    mapped = {(row["source"], row["entity"]) for row in ops.read(settings, "sources")}
    for load in ops.read(settings, "loads"):
        is_mapped = (load["source"], load["entity"]) in mapped
        if not is_mapped and load.get("protection") is None and is_about_people(load["entity"]):
            tables.delete_batch(settings, load["source"], load["entity"], load["batch_id"])
            for name in (load["entity"], "quarantine"):
                table = delta_table(settings, f"bronze.{name}")
                table.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)


def _exchange(settings: Settings, keys: Keys, batch: _Batch) -> None:
    """The vault's rows of a batch, then bronze's."""
    origin, plan = batch.origin, batch.plan
    known = _Known(settings, keys, batch)
    is_changed = bool(plan.shown or plan.hidden or batch.then.get("shown") or batch.then.get("hidden"))
    with _spooled(settings, "rows") as rows, _spooled(settings, "sealed") as identifiers:
        sealing = Sealing(settings, keys, plan, origin, identifiers.add, known.hidden)
        for stored in _rows_of(settings, batch):
            protected = sealing.rows(known.restored(stored))
            raw = [name for name in stored.schema.names if not is_shown(name)]
            is_changed = is_changed or any(
                not protected.column(n).equals(stored.column(n)) for n in raw if n in plan.searched
            )
            rows.add(protected.append_column("_source", pa.repeat(origin.source, protected.num_rows)))
        here = f"batch_id = '{origin.batch_id}'"
        if identifiers.rows:
            vault.make(settings)
            _replace(vault.find(settings), identifiers, here)
        if is_changed:
            condition = f"_source = '{origin.source}' AND _batch_id = '{origin.batch_id}'"
            _replace(delta_table(settings, f"bronze.{origin.entity}"), rows, condition)
        if not identifiers.rows:  # bronze hides nothing any more, and has what was in the vault
            vault.delete_batch(settings, origin.batch_id)
    lines = vault.Lines(keys.keyring, origin.batch_id) if plan.is_about_people else None
    found = [row for row in _faults(settings, origin.batch_id) if not vault.Lines.is_sealed(row["raw"])]
    if lines is not None and found:
        table = delta_table(settings, "bronze.quarantine")
        kept = _faults(settings, origin.batch_id)
        sealed = [
            {**row, "raw": row["raw"] if vault.Lines.is_sealed(row["raw"]) else lines.sealed(row["raw"])}
            for row in kept
        ]
        write_deltalake(table, pa.Table.from_pylist(sealed, schema=tables.QUARANTINE), mode="overwrite", predicate=here)


class _Known:
    """What the vault has of a batch, to put it back in the place of `***`."""

    def __init__(self, settings: Settings, keys: Keys, batch: _Batch) -> None:
        self.hidden = set(batch.then.get("hidden", []))
        there = vault.find(settings)
        found = vault.values_of_batch(settings, keys.keyring, batch.origin.batch_id) if there is not None else []
        self._by_row = {row: values for row, _, values in found}
        self._by_subject = {subject: values for _, subject, values in found}
        plans = [batch.then.get("values", {}), batch.plan.values, *_personal_of(batch.then), batch.plan.personal]
        self._ours: dict[str, list[str]] = {}
        for mapped in plans:
            for ours, text in mapped.items():
                name = plain_name(text)
                if name is not None:
                    self._ours.setdefault(name, []).append(ours)
        # What was killed between vault and bronze has the values of both plans under their raw names.
        self.hidden |= {name for values in self._by_row.values() for name in values.get(vault.AS_IT_CAME, {})}
        self._candidates = self.hidden | set(batch.plan.hidden)

    def restored(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The rows as they came; where the vault has nothing more of a value (an erased person's), null."""
        columns = {n: c for n, c in zip(rows.schema.names, rows.columns) if not is_shown(n) or n == CAME_AS}
        numbers = columns["_row_number"].to_pylist()
        persons = [None] * len(numbers)
        if "_shown_customer_id" in rows.schema.names:
            persons = rows.column("_shown_customer_id").to_pylist()
        for name in self._candidates & columns.keys():
            column = columns[name]
            if not pc.any(pc.equal(column, HIDDEN)).as_py():
                continue
            values = column.to_pylist()
            for place, value in enumerate(values):
                if value == HIDDEN:
                    kept = self._by_row.get(numbers[place]) or self._by_subject.get(persons[place] or "") or {}
                    values[place] = kept.get(vault.AS_IT_CAME, {}).get(name) or self._of_ours(kept, name)
            columns[name] = pa.array(values, pa.string())
        return pa.RecordBatch.from_pydict(columns)

    def _of_ours(self, kept: Mapping[str, Any], name: str) -> str | None:
        return next((kept[ours] for ours in self._ours.get(name, []) if ours in kept), None)


def _personal_of(then: Mapping[str, Any]) -> list[dict[str, str]]:
    """Of a recorded plan the keys that were identifiers, as our column -> expression."""
    return [
        {name.removeprefix("_shown_"): of for name, (of, how) in then.get("shown", {}).items() if how == "pseudonym"}
    ]


def _rows_of(settings: Settings, batch: _Batch) -> Iterator[pa.RecordBatch]:
    """The rows of a batch as bronze has them, but for the columns that none of the source's files has."""
    table = delta_table(settings, f"bronze.{batch.origin.entity}")
    dataset = table.to_pyarrow_dataset()
    raw = set(batch.raw_names.values())
    names = [
        n for n in dataset.schema.names if n in raw or is_shown(n) or (n in tables.LINEAGE.names and n != "_source")
    ]
    ours = (pc.field("_source") == batch.origin.source) & (pc.field("_batch_id") == batch.origin.batch_id)
    for fragment in dataset.get_fragments(ours):
        scan = fragment.scanner(columns=names, schema=dataset.schema, batch_size=vault.ROWS_AT_ONCE, use_threads=False)
        for found in scan.to_batches():
            kept = found.filter(pc.equal(found.column("_batch_id").cast(pa.string()), batch.origin.batch_id))
            if kept.num_rows:
                kinds = {
                    n: pa.string() if n not in ("_row_number", "_loaded_at") else kept.column(n).type for n in names
                }
                yield pa.RecordBatch.from_pydict({n: kept.column(n).cast(kinds[n]) for n in names})


def _faults(settings: Settings, batch_id: str) -> list[dict[str, Any]]:
    dataset = delta_table(settings, "bronze.quarantine").to_pyarrow_dataset()
    found = dataset.to_table(filter=pc.field("batch_id") == batch_id, use_threads=False)
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


class _Spool:
    """Rows without identifiers, or sealed ones, in a file: delta-rs cannot be asked for rows while it takes some in."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None
        self.rows = 0

    def add(self, rows: pa.RecordBatch) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, rows.schema, compression="zstd")
        self._writer.write_batch(rows)
        self.rows += rows.num_rows

    def reader(self) -> pa.RecordBatchReader | None:
        """What was added; None for nothing."""
        if self._writer is None:
            return None
        self._writer.close()
        file = pq.ParquetFile(self._path)
        return pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(vault.ROWS_AT_ONCE))

    def remove(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._path.unlink(missing_ok=True)


@contextmanager
def _spooled(settings: Settings, name: str) -> Iterator[_Spool]:
    renew_scratch_folder(settings)
    folder = scratch_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    spool = _Spool(folder / f"{name}.parquet")
    try:
        yield spool
    finally:
        spool.remove()


def _replace(table: DeltaTable | None, rows: _Spool, condition: str) -> None:
    """In one commit these rows in the place of those that fit the condition; nothing for no rows."""
    reader = rows.reader()
    if reader is not None and table is not None:
        write_deltalake(table, reader, mode="overwrite", predicate=condition, schema_mode="merge")


def _forget_profiles(settings: Settings, batch: _Batch) -> None:
    """What was remembered of values that may say who somebody is."""
    searched = {*batch.plan.hidden, *batch.plan.searched}
    names = [raw.replace("'", "''") for raw, stored in batch.raw_names.items() if stored in searched]
    if not names:
        return
    listed = ", ".join(f"'{name}'" for name in names)
    here = f"source = '{batch.origin.source}' AND entity = '{batch.origin.entity}' AND column_name IN ({listed})"
    profiles = delta_table(settings, "ops.batch_profiles")
    profiles.update(predicate=here, updates=dict.fromkeys(_TOLD, "null"))
    findings = delta_table(settings, "ops.drift")
    findings.delete(f"{here} AND check_name = 'category'")
    for table in (profiles, findings):
        table.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)


def _record(settings: Settings, by_table: Mapping[tuple[str, str], Sequence[_Batch]]) -> None:
    table = delta_table(settings, "ops.loads")
    if by_table and "protection" not in {field.name for field in table.schema().fields}:
        table.alter.add_columns(DeltaSchema.from_arrow(pa.schema([("protection", pa.string())])).fields)
    for batches in by_table.values():
        listed = ", ".join(f"'{batch.origin.batch_id}'" for batch in batches)
        recorded = batches[0].plan.recorded().replace("'", "''")
        table.update(predicate=f"batch_id IN ({listed})", updates={"protection": f"'{recorded}'"})
