"""How many of the generated sample's planted defects silver finds, and how often it cries wolf.

    python benchmarks/planted_defects.py SAMPLE_DIR        # LAKEHOUSE_HOME: a home with that sample landed and built

Reads `SAMPLE_DIR/truth/defects.csv` and the Delta tables, without Spark. Exit code 1 where a rate misses its target.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from deltalake import DeltaTable

from lakehouse.settings import Settings, load_settings

FOUND_TARGET = 0.99
FALSE_ALARM_TARGET = 0.001
KEYS = {
    "customers": ["customer_id"],
    "products": ["product_id"],
    "order_lines": ["order_id", "line_number"],
    "events": ["event_id"],
    "tickets": ["ticket_id"],
    "memberships": ["customer_id", "started_on"],
    "partner_members": ["partner_id", "member_id"],
}
#: Kinds whose true value is known: silver must hold it.
MENDED = {"date_format", "mixed_timezone", "phone_format", "stray_whitespace_case"}
#: Kinds that send the row to silver.quarantine, and the reason they must get.
QUARANTINED = {
    "negative_price": "negative_price",
    "impossible_date": "unparsable_time",
    "future_event": "event_in_future",
}
#: Kinds that bronze cannot read.
UNREADABLE = {"truncated_line", "wrong_encoding"}


@dataclass(frozen=True)
class DefectRate:
    """One kind of planted defect: how many were planted and found, and rows taken for it that are sound."""

    kind: str
    entity: str
    column: str
    planted: int
    found: int
    false_alarms: int
    sound_rows: int

    @property
    def found_rate(self) -> float:
        return self.found / self.planted

    @property
    def false_alarm_rate(self) -> float:
        return self.false_alarms / max(self.sound_rows, 1)

    @property
    def is_on_target(self) -> bool:
        return self.found_rate >= FOUND_TARGET and self.false_alarm_rate <= FALSE_ALARM_TARGET


def measure(settings: Settings, sample: Path) -> list[DefectRate]:
    """One rate per kind, entity and column of `truth/defects.csv`, in its order.

    A row counts as a false alarm of a kind when it bears that kind's mark and no defect was planted in it. Kinds that
    are mended rather than marked have none: a wrong mending shows as not found.
    """
    planted = pd.read_csv(sample / "truth" / "defects.csv", dtype=str, keep_default_na=False)
    tables = _Tables(settings)
    return [
        _rate(tables, planted, str(kind), str(entity), str(column), group)
        for (kind, entity, column), group in planted.groupby(["defect_kind", "entity", "column_name"], sort=False)
    ]


class _Tables:
    """Tables of a home as pandas frames, each read once, with `row_key` as the truth writes it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._read: dict[str, pd.DataFrame] = {}

    def __call__(self, schema: str, table: str) -> pd.DataFrame:
        name = f"{schema}.{table}"
        if name not in self._read:
            path = self.settings.table_path(schema, table)
            columns = [field.name for field in DeltaTable(path).schema().fields if field.name != "attributes"]
            frame: pd.DataFrame = DeltaTable(path).to_pyarrow_table(columns=columns).to_pandas()
            if schema == "silver" and table in KEYS:
                key = frame[KEYS[table]].astype(str)
                frame["row_key"] = key.iloc[:, 0].str.cat([key[column] for column in KEYS[table][1:]], sep="|")
            self._read[name] = frame
        return self._read[name]


def _rate(
    tables: _Tables, planted: pd.DataFrame, kind: str, entity: str, column: str, group: pd.DataFrame
) -> DefectRate:
    rate = partial(DefectRate, kind, entity, column, len(group))
    if kind in UNREADABLE:
        unread = tables("bronze", "quarantine").query("entity == @entity")
        places = set(zip(unread["file"], unread["row_number"].astype(str)))
        ours = set(zip(group["file"], group["record_number"]))
        damaged = planted[planted["defect_kind"].isin(UNREADABLE) & (planted["entity"] == entity)]
        wolves = places - set(zip(damaged["file"], damaged["record_number"]))
        return rate(len(places & ours), len(wolves), len(tables("bronze", entity)))
    if kind in QUARANTINED:
        marked = tables("silver", "quarantine").query("entity == @entity and reason == @QUARANTINED[@kind]")["row_key"]
        sound = len(tables("silver", entity))
    else:
        rows = tables("silver", entity)
        if kind in MENDED:
            return rate(_mended(rows, group, column), 0, len(rows))
        marked = rows.loc[_mark(tables, kind, column)(rows), "row_key"]
        sound = len(rows)
    ours = set(group["row_key"])
    wolves = set(marked) - ours - _excused(tables, planted, kind, column)
    return rate(len(ours & set(marked)), len(wolves), sound - len(ours))


def _mark(tables: _Tables, kind: str, column: str) -> Callable[[pd.DataFrame], pd.Series]:
    """The rows that silver marks with a kind of defect."""
    flags = {
        ("missing_value", "birth_on"): "is_birth_year_imputed",
        ("missing_value", "unit_cost"): "is_unit_cost_imputed",
        ("missing_value", "points"): "is_points_imputed",
        ("missing_value", "satisfaction"): "is_satisfaction_imputed",
        ("outlier", "quantity"): "is_quantity_outlier",
        ("outlier", "unit_price"): "is_price_outlier",
        ("near_duplicate", "event_id"): "is_near_duplicate",
    }
    if (kind, column) in flags:
        return lambda rows: rows[flags[kind, column]]
    if kind == "exact_duplicate":
        return lambda rows: rows["source_row_count"] > 1
    if kind == "unknown_key":
        flag = {"customer_id": "is_known_customer", "product_id": "is_known_product"}[column]
        return lambda rows: ~rows[flag]
    if kind == "invalid_email":
        return lambda rows: ~rows["is_email_valid"]
    raise ValueError(f"no mark is known for planted defects of kind {kind} in {column}")


def _excused(tables: _Tables, planted: pd.DataFrame, kind: str, column: str) -> set[str]:
    """Rows that rightly bear a mark though nothing was planted in them."""
    if kind == "unknown_key" and column == "customer_id":
        # The customer's own record could not be read, so nobody knows them.
        lost = planted[planted["defect_kind"].isin(UNREADABLE) & (planted["entity"] == "customers")]["row_key"]
        lines = tables("silver", "order_lines")
        return set(lines.loc[lines["customer_id"].isin(lost) | lines["customer_id"].isna(), "row_key"])
    if kind == "invalid_email":
        customers = tables("silver", "customers").merge(
            tables("bronze", "customers")[["_batch_id", "_row_number", "email"]],
            on=["_batch_id", "_row_number"],
            suffixes=("", "_raw"),
        )
        return set(customers.loc[customers["email_raw"].isna(), "row_key"])
    return set()


def _mended(rows: pd.DataFrame, group: pd.DataFrame, column: str) -> int:
    """How many of the group's rows hold the true value in silver."""
    pairs = group.merge(rows[["row_key", column]], on="row_key")
    if column.endswith("_at"):
        right = pd.to_datetime(pairs["true_value"], utc=True) == pd.to_datetime(pairs[column], utc=True)
    else:
        right = pairs["true_value"].map(lambda true: as_silver_shows(column, true)) == pairs[column]
    return int(right.sum())


def as_silver_shows(column: str, value: str) -> str:
    """A true value as silver must have it: whole, or masked where it says who somebody is (macros/masks.sql)."""
    if column == "phone":
        start = value[3:6] if re.fullmatch(r"[+]861\d{10}", value) else value[:3]
        return f"{start}****{value[-4:]}"
    if column == "email":
        name, domain = value.split("@")
        return f"{name[0] if len(name) > 2 else ''}***@{domain}"
    if column == "full_name":
        return f"**{value[-1]}" if re.fullmatch("[㐀-鿿]+", value) else f"{value[0]}**"
    return value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("sample", type=Path, help="the folder that `lakehouse generate` wrote")
    rates = measure(load_settings(), parser.parse_args().sample)
    print(f"{'defect':22}{'entity':17}{'column':15}{'planted':>8}{'found':>8}{'rate':>9}{'false':>7}{'rate':>9}")
    for r in rates:
        print(
            f"{r.kind:22}{r.entity:17}{r.column:15}{r.planted:8}{r.found:8}{r.found_rate:9.2%}"
            f"{r.false_alarms:7}{r.false_alarm_rate:9.3%}{'' if r.is_on_target else '  MISSED'}"
        )
    return 0 if all(r.is_on_target for r in rates) else 1


if __name__ == "__main__":
    raise SystemExit(main())
