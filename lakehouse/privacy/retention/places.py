"""Rows by where they stand in bronze: stretches of row numbers of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse import ops
from lakehouse.engine import query
from lakehouse.privacy.classes import activity, retentions
from lakehouse.privacy.erasure import tables
from lakehouse.settings import Settings
from lakehouse.storage import delta_table
from lakehouse.transformation import Transformation

Places = dict[str, list[list[int]]]
"""Batch -> first and last of row numbers, ascending, none touching the next."""
MANY_STRETCHES = 64
"""Of a batch with more of them the row numbers are listed: a predicate of thousands of ORs overflows the stack."""
NUMBERS_AT_ONCE = 200_000
BATCHES_AT_ONCE = 200


def rows_past_retention(settings: Settings, dbt: Transformation, day: date) -> dict[str, Places]:
    """Entity -> the rows of bronze that are past their retention on a day, as silver reads their times.

    Args:
        settings: with an open engine.
    """
    kept_since = {entity: day - timedelta(days=kept.days) for entity, kept in retentions().items()}
    brought = {row["entity"] for row in ops.read(settings, "sources")}
    deeds = {
        entity: [list(columns), str(kept_since[entity])] for entity, columns in activity().items() if entity in brought
    }
    asked = [entity for entity in retentions() if entity in brought]
    texts = []
    for entity in asked:
        since = list(retentions()[entity].since)
        if not deeds:
            since = [name for name in since if name != "activity"]
        arguments = f"{entity!r}, {since!r}, {str(kept_since[entity])!r}, {deeds!r}"
        texts.append(f"{{{{ rows_past_retention({arguments}) }}}}")
    compiled = dbt.compiled(texts, all_batches=True)
    found = {entity: _places(query(settings, sql)) for entity, sql in zip(asked, compiled)}
    return {entity: places for entity, places in found.items() if places}


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


def _stretches(numbers: Iterable[int]) -> list[list[int]]:
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def together(*told: Mapping[str, Places]) -> Places:
    """The places of all entities: a batch is of one."""
    return {batch: stretches for one in told for places in one.values() for batch, stretches in places.items()}
