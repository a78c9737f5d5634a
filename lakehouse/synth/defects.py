"""The planted defects: their kinds, stated rates, and the ledger that becomes `truth/defects.csv`.

No row carries two defects, so each is attributable. A rate is of the entity's rows (before copies are
added); of every kind at least one is planted however small the world.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import yaml

from lakehouse.synth import writing
from lakehouse.synth.arrays import Bools, Ints


class Kind(NamedTuple):
    """One kind of defect in one column of one entity, and where it has to turn up."""

    defect: str
    entity: str
    column: str  #: our column; empty when the whole row is concerned
    rate: float
    found_in: str


KINDS: tuple[Kind, ...] = (
    Kind("missing_value", "customers", "birth_on", 0.02, "silver.customers.is_birth_year_imputed"),
    Kind("missing_value", "products", "unit_cost", 0.02, "silver.products.is_unit_cost_imputed"),
    Kind("missing_value", "memberships", "points", 0.02, "silver.memberships.is_points_imputed"),
    Kind("missing_value", "tickets", "satisfaction", 0.02, "silver.tickets.is_satisfaction_imputed"),
    Kind("date_format", "customers", "registered_at", 0.02, "silver.customers.registered_at (the true time)"),
    Kind("date_format", "order_lines", "ordered_at", 0.02, "silver.order_lines.ordered_at (the true time)"),
    Kind("mixed_timezone", "events", "event_at", 0.02, "silver.events.event_at (the true time)"),
    Kind("outlier", "order_lines", "quantity", 0.003, "silver.order_lines.is_quantity_outlier"),
    Kind("outlier", "order_lines", "unit_price", 0.003, "silver.order_lines.is_price_outlier"),
    Kind("exact_duplicate", "order_lines", "", 0.005, "silver.order_lines.source_row_count = 2"),
    Kind("exact_duplicate", "events", "", 0.003, "silver.events.source_row_count = 2"),
    Kind("near_duplicate", "events", "event_id", 0.005, "silver.events.is_near_duplicate"),
    Kind("negative_price", "order_lines", "unit_price", 0.003, "silver.quarantine, reason negative_price"),
    Kind("unknown_key", "order_lines", "customer_id", 0.003, "not silver.order_lines.is_known_customer"),
    Kind("unknown_key", "order_lines", "product_id", 0.003, "not silver.order_lines.is_known_product"),
    Kind("impossible_date", "order_lines", "ordered_at", 0.002, "silver.quarantine, reason unparsable_time"),
    Kind("impossible_date", "events", "event_at", 0.002, "silver.quarantine, reason unparsable_time"),
    Kind("future_event", "events", "event_at", 0.002, "silver.quarantine, reason event_in_future"),
    Kind("invalid_email", "customers", "email", 0.01, "not silver.customers.is_email_valid"),
    Kind("phone_format", "customers", "phone", 0.02, "silver.customers.phone in the one form"),
    Kind("phone_format", "partner_members", "phone", 0.02, "silver.partner_members.phone in the one form"),
    Kind("stray_whitespace_case", "customers", "email", 0.01, "silver.customers.email, trimmed, lower case"),
    Kind("stray_whitespace_case", "customers", "full_name", 0.01, "silver.customers.full_name, trimmed"),
    Kind("wrong_encoding", "customers", "", 0.004, "bronze.quarantine (GB18030 bytes in a UTF-8 file)"),
    Kind("truncated_line", "customers", "", 0.003, "bronze.quarantine"),
    Kind("truncated_line", "order_lines", "", 0.002, "bronze.quarantine"),
    Kind("truncated_line", "events", "", 0.002, "bronze.quarantine"),
    Kind("truncated_line", "sends", "", 0.002, "bronze.quarantine"),
    Kind("truncated_line", "tickets", "", 0.002, "bronze.quarantine"),
)


def _empty() -> dict[str, list[Any]]:
    return {name: [] for name in ("defect_kind", "entity", "file", "record_number", "row_key", "column_name",
                                  "planted_value", "true_value")}  # fmt: skip


@dataclass
class Ledger:
    """What has been planted so far."""

    rng: np.random.Generator
    columns: dict[str, list[Any]] = field(default_factory=_empty)
    rows: dict[Kind, int] = field(default_factory=dict)
    planted: dict[Kind, int] = field(default_factory=dict)

    def choose(
        self, entity: str, rows: int, eligible: dict[tuple[str, str], Bools] | None = None
    ) -> dict[tuple[str, str], Ints]:
        """Disjoint sorted row indices for every kind of an entity, for one block of its rows.

        Quotas are of all rows seen so far, so that many small blocks meet the rate as one large block does.

        Args:
            eligible: rows that may carry a kind, by (defect, column); all rows where not given.
        """
        taken = np.zeros(rows, dtype=np.bool_)
        chosen: dict[tuple[str, str], Ints] = {}
        kinds = [kind for kind in KINDS if kind.entity == entity]
        masks = {} if eligible is None else eligible
        # The pickiest kinds first, so that others do not take their few rows.
        kinds.sort(key=lambda k: int(masks[k.defect, k.column].sum()) if (k.defect, k.column) in masks else rows + 1)
        for kind in kinds:
            self.rows[kind] = self.rows.get(kind, 0) + rows
            free = ~taken
            if (kind.defect, kind.column) in masks:
                free &= masks[kind.defect, kind.column]
            candidates = np.flatnonzero(free)
            quota = min(math.ceil(kind.rate * self.rows[kind]) - self.planted.get(kind, 0), len(candidates))
            index = np.sort(self.rng.choice(candidates, size=quota, replace=False)) if quota > 0 else candidates[:0]
            taken[index] = True
            self.planted[kind] = self.planted.get(kind, 0) + len(index)
            chosen[kind.defect, kind.column] = index
        return chosen

    def note(
        self,
        defect: str,
        entity: str,
        column: str,
        file: str,
        records: Ints,
        keys: pa.Array,
        planted: Sequence[str] | pa.Array | None = None,
        truth: Sequence[str] | pa.Array | None = None,
    ) -> None:
        """Write down rows of one file: record numbers (1 after the header), keys, planted and true values."""
        count = len(records)
        if count == 0:
            return
        blank = writing.texts([""] * count)
        as_text = {
            "defect_kind": writing.texts([defect] * count),
            "entity": writing.texts([entity] * count),
            "file": writing.texts([file] * count),
            "record_number": pa.array(records, pa.int64()),
            "row_key": keys,
            "column_name": writing.texts([column] * count),
            "planted_value": blank if planted is None else pa.array(planted, pa.string()),
            "true_value": blank if truth is None else pa.array(truth, pa.string()),
        }
        for name, values in as_text.items():
            if isinstance(values, pa.ChunkedArray):
                values = values.combine_chunks()
            self.columns[name].append(values)

    def write(self, directory: Path) -> int:
        """`truth/defects.csv` and `truth/rates.yml`; returns the number of defects."""
        table = {name: pa.concat_arrays(values) for name, values in self.columns.items()}
        count = writing.write_csv(directory / "truth" / "defects.csv", table)
        rates = [
            {
                "defect_kind": kind.defect,
                "entity": kind.entity,
                "column": kind.column or None,
                "stated_rate": kind.rate,
                "rows": self.rows.get(kind, 0),
                "planted": self.planted.get(kind, 0),
                "found_in": kind.found_in,
            }
            for kind in KINDS
        ]
        text = yaml.safe_dump({"defects": rates}, sort_keys=False, allow_unicode=True)
        (directory / "truth" / "rates.yml").write_text(text, encoding="utf-8")
        return count


def cut(lines: Sequence[str], rng: np.random.Generator, delimiter: str | None = None) -> list[str]:
    """Each line cut in the middle: a delimited one so that fields are missing, JSON inside its object."""
    result = []
    for line in lines:
        if delimiter is None:
            low, high = len(line) // 4, len(line) * 3 // 4
        else:
            places = [index for index, char in enumerate(line) if char == delimiter]
            low, high = places[1], places[-2]  # at least two fields lost, the first two kept
        result.append(line[: int(rng.integers(low + 1, high + 1))])
    return result


def copies_order(rows: int, source: Ints, offset: Ints) -> Ints:
    """File order of `rows` originals followed by their copies, each copy some rows after its original.

    Returns:
        For each place in the file the index of the line: below `rows` an original, else `rows` + the copy.
    """
    place = np.r_[2 * np.arange(rows), np.minimum(2 * (source + offset) + 1, 2 * rows - 1)]
    return np.argsort(place, kind="stable").astype(np.int64)
