"""Rows by where they stand in bronze: stretches of row numbers of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse import ops
from lakehouse.engine import query
from lakehouse.privacy.classes import activity, retentions
from lakehouse.privacy.erasure import tables
from lakehouse.privacy.person_keys import mappings
from lakehouse.settings import Settings
from lakehouse.storage import delta_table
from lakehouse.transformation import Transformation

Places = dict[str, list[list[int]]]
"""Batch -> first and last of row numbers, ascending, none touching the next."""
MANY_STRETCHES = 64
"""Of a batch with more of them the row numbers are listed: a predicate of thousands of ORs overflows the stack."""
NUMBERS_AT_ONCE = 200_000
BATCHES_AT_ONCE = 200


@dataclass(frozen=True)
class Values:
    """Columns that rows of a source are to lose `days` after their time: `columns` of ours, which are made of
    `stored`, and the rows that have any of those."""

    entity: str
    source: str
    days: int
    columns: tuple[str, ...]
    stored: tuple[str, ...]
    places: Places


def past_retention(settings: Settings, dbt: Transformation, day: date) -> tuple[dict[str, Places], list[Values]]:
    """Entity -> the rows of bronze that are past their retention on a day, as silver reads their times; and of rows
    that are not the columns that are.

    Args:
        settings: with an open engine.
    """
    kept_since = {entity: day - timedelta(days=kept.days) for entity, kept in retentions().items()}
    brought = {row["entity"] for row in ops.read(settings, "sources")}
    deeds = {
        entity: [list(columns), str(kept_since[entity])] for entity, columns in activity().items() if entity in brought
    }
    whole = [entity for entity in retentions() if entity in brought]
    shorter = [(entity, days) for entity in whole for days in sorted(set(retentions()[entity].shorter.values()))]
    texts = []
    for entity, before, still in [
        *((entity, kept_since[entity], None) for entity in whole),
        *((entity, day - timedelta(days=days), str(kept_since[entity])) for entity, days in shorter),
    ]:
        since = [name for name in retentions()[entity].since if deeds or name != "activity"]
        arguments = f"{entity!r}, {since!r}, {str(before)!r}, {deeds!r}, {still!r}"
        texts.append(f"{{{{ rows_past_retention({arguments}) }}}}")
    found = [_places(query(settings, sql)) for sql in dbt.compiled(texts, all_batches=True)]
    rows = {entity: places for entity, places in zip(whole, found) if places}
    values = [
        one
        for (entity, days), places in zip(shorter, found[len(whole) :])
        for one in _values(settings, entity, days, places)
    ]
    return rows, values


def _values(settings: Settings, entity: str, days: int, places: Places) -> Iterator[Values]:
    """Of rows at these places what is left of the columns that are kept for so many days, by source."""
    shorter = retentions()[entity].shorter
    columns = tuple(name for name, kept in shorter.items() if kept == days)
    before = tuple(name for name, kept in shorter.items() if kept < days)
    if not places:
        return
    source_of = {row["batch_id"]: row["source"] for row in ops.read(settings, "loads")}
    there = set(tables.columns_of(settings, f"bronze.{entity}"))
    for mapped in mappings(settings):
        if mapped.entity != entity:
            continue
        made = set(mapped.made_only_into((*before, *columns))) - set(mapped.made_only_into(before))
        stored = tuple(sorted(made & there))
        theirs = {batch: stretches for batch, stretches in places.items() if source_of[batch] == mapped.source}
        if stored and theirs:
            held = _holding(settings, f"bronze.{entity}", theirs, stored)
            if held:
                yield Values(entity, mapped.source, days, columns, stored, held)


def _holding(settings: Settings, name: str, places: Places, columns: Sequence[str]) -> Places:
    """Of the rows at these places those that have a value in one of the columns."""
    numbers: dict[str, list[np.ndarray[Any, Any]]] = {}
    for part in rows_at(settings, name, places, "_batch_id", "_row_number", columns):
        held = part.filter(reduce(pc.or_, [pc.is_valid(part.column(column)) for column in columns]))
        batches = held.column("_batch_id").cast(pa.string())
        for batch in pc.unique(batches).to_pylist():
            ours = held.column("_row_number").filter(pc.equal(batches, batch))
            numbers.setdefault(batch, []).append(ours.to_numpy(zero_copy_only=False))
    return {batch: _stretches(np.concatenate(parts)) for batch, parts in sorted(numbers.items())}


def lines_past_retention(settings: Settings, day: date) -> Places:
    """The lines of `bronze.quarantine` that came longer ago than their entity is kept."""
    found: dict[str, list[int]] = {}
    kept = retentions()
    table = delta_table(settings, "bronze.quarantine").to_pyarrow_dataset()
    for batch in table.to_batches(columns=["entity", "batch_id", "row_number", "loaded_at"], use_threads=False):
        for row in batch.to_pylist():
            rule = kept.get(row["entity"])
            if rule is not None and row["loaded_at"].date() < day - timedelta(days=rule.days):
                found.setdefault(row["batch_id"], []).append(row["row_number"])
    return {batch: _stretches(numbers) for batch, numbers in sorted(found.items())}


def counts(places: Places) -> dict[str, int]:
    """Batch -> how many rows."""
    return {batch: sum(last - first + 1 for first, last in stretches) for batch, stretches in places.items()}


def rows_at(
    settings: Settings, name: str, places: Places, batch: str, row: str, also: Iterable[str] = (), others: bool = False
) -> Iterator[pa.RecordBatch]:
    """The rows of a table that came from these places, as batches of these columns and `also`.

    Args:
        batch, row: the columns that say where a row came from.
        others: the rows that came from elsewhere instead.
    """
    firsts = {name: np.array([first for first, _ in stretches]) for name, stretches in places.items()}
    lasts = {name: np.array([last for _, last in stretches]) for name, stretches in places.items()}
    names = [batch, row, *also]
    for part in delta_table(settings, name).to_pyarrow_dataset().to_batches(columns=names, use_threads=False):
        there = part.column(batch).cast(pa.string()).dictionary_encode()
        numbers = part.column(row).to_numpy(zero_copy_only=False)
        codes = there.indices.to_numpy(zero_copy_only=False)
        hit = np.zeros(len(numbers), bool)
        for code, one in enumerate(there.dictionary.to_pylist()):
            if one in firsts:
                ours = np.flatnonzero(codes == code)
                place = np.searchsorted(firsts[one], numbers[ours], side="right") - 1
                hit[ours] = (place >= 0) & (numbers[ours] <= lasts[one][place])
        wanted = ~hit if others else hit
        if wanted.any():
            yield part.filter(pa.array(wanted))


def delete_at(
    settings: Settings, name: str, places: Places, batch: str = "_batch_id", row: str = "_row_number"
) -> None:
    """Delete the rows of a table that came from these places, in few commits."""
    for condition in conditions(places, batch, row):
        tables.delete_rows(settings, name, condition)


def conditions(places: Places, batch: str, row: str) -> Iterator[str]:
    """Predicates of delta-rs that hold, together, for the rows from these places."""
    plain = {name: stretches for name, stretches in places.items() if len(stretches) <= MANY_STRETCHES}
    names = sorted(plain)
    for start in range(0, len(names), BATCHES_AT_ONCE):
        yield " OR ".join(
            f"({batch} = '{name}' AND ("
            + " OR ".join(f"{row} BETWEEN {first} AND {last}" for first, last in plain[name])
            + "))"
            for name in names[start : start + BATCHES_AT_ONCE]
        )
    for name in sorted(places.keys() - plain.keys()):
        numbers = np.concatenate([np.arange(first, last + 1) for first, last in places[name]])
        for start in range(0, len(numbers), NUMBERS_AT_ONCE):
            yield tables.rows_of({name: numbers[start : start + NUMBERS_AT_ONCE].tolist()}, batch, row)


def _places(rows: Iterable[tuple[Any, ...]]) -> Places:
    found: Places = {}
    for batch, first, last in sorted(rows):
        found.setdefault(batch, []).append([int(first), int(last)])
    return found


def _stretches(numbers: Sequence[int] | np.ndarray[Any, Any]) -> list[list[int]]:
    told = np.sort(np.asarray(numbers, np.int64))
    if not len(told):
        return []
    ends = np.flatnonzero(np.diff(told) > 1)
    firsts, lasts = told[np.append(0, ends + 1)], told[np.append(ends, len(told) - 1)]
    return [[int(first), int(last)] for first, last in zip(firsts, lasts)]


def together(told: Iterable[Places]) -> Places:
    """All places, where no batch is in two."""
    return {batch: stretches for places in told for batch, stretches in places.items()}
