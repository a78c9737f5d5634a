"""What is past its retention goes: rows of bronze, silver and the vault, and the keys of whom nothing else is sealed;
and of rows that stay the columns that are kept for fewer days.

What is to go is found and written down first, sealed; each step may be done again, so that one that was killed is
continued by the next, or by the next run. What is made of the rows that went, `gold` and `ml`, is made anew by the next
run, which then ends what older versions of it say (`derived.py`).
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse import ops
from lakehouse.engine import fitting_engine, open_engine
from lakehouse.privacy import audit
from lakehouse.privacy.corrections import CORRECTIONS
from lakehouse.privacy.erasure import tables
from lakehouse.privacy.erasure.journal import Journal, Progress, Tell, perform, read_sealed, write_sealed
from lakehouse.privacy.erasure.loads import EMPTIED, note_loads, write_loads
from lakehouse.privacy.erasure.past import forget_past
from lakehouse.privacy.keyring import Keyring, open_keyring
from lakehouse.privacy.person_keys import Match
from lakehouse.privacy.retention import derived
from lakehouse.privacy.retention.places import (
    Places,
    Values,
    conditions,
    counts,
    delete_at,
    lines_past_retention,
    past_retention,
    rows_at,
    together,
)
from lakehouse.privacy.reveal import asking_user
from lakehouse.privacy.vault import subject_of_batch
from lakehouse.settings import Settings
from lakehouse.storage import has_table, list_tables
from lakehouse.transformation import Transformation

PLAN, PROGRESS = "expiry.sealed", "expiry-progress.sealed"
LINES, REFUSED, VAULT = "bronze.quarantine", "silver.quarantine", "vault.identifiers"
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Plan:
    """What is to go: entity -> rows of bronze, columns of rows that stay, the lines that could not be read, whose rows
    of the vault are among them, and the models that learnt from tables that are made of such rows. It names nobody in
    the clear."""

    id: str
    day: str
    rows: dict[str, Places]
    lines: Places
    subjects: list[str]
    tasks: list[str]
    values: list[Values]

    @property
    def places(self) -> Places:
        """All rows of bronze that go."""
        return together(self.rows.values())

    @property
    def emptied(self) -> tuple[Emptied, ...]:
        """What becomes of the columns of rows that stay."""
        return tuple(
            Emptied(f"bronze.{one.entity}", one.source, one.columns, sum(counts(one.places).values()), one.days)
            for one in self.values
        )

    @classmethod
    def read(cls, settings: Settings, keyring: Keyring) -> Plan:
        """The one that was written down."""
        told = read_sealed(settings.home / PLAN, keyring)
        assert told is not None
        values = [
            Values(**{**one, "columns": tuple(one["columns"]), "stored": tuple(one["stored"])})
            for one in told.pop("values", ())
        ]
        return cls(**told, values=values)

    def __bool__(self) -> bool:
        return bool(self.rows or self.lines or self.values)


@dataclass(frozen=True)
class Emptied:
    """Columns that rows of a source lost, or would: how many rows, and for how many days they are kept."""

    table: str
    source: str
    columns: tuple[str, ...]
    rows: int
    days: int


@dataclass(frozen=True)
class Expired:
    """What went, or would: by which day, table -> rows, how many keys of persons and versions of tables, the models
    that the next run trains anew, and what rows lost that stay."""

    day: date
    rows: dict[str, int]
    keys: int = 0
    versions: int = 0
    models: tuple[str, ...] = ()
    emptied: tuple[Emptied, ...] = ()


class Expiring(Journal):
    """One expiry: its plan and its progress."""

    kept_in = PROGRESS

    def __init__(self, settings: Settings, keyring: Keyring, plan: Plan, progress: Progress, tell: Tell) -> None:
        super().__init__(settings, keyring, progress, tell)
        self.plan = plan

    def told(self) -> Expired:
        """What it came to."""
        removed = {name: one["removed"] for name, one in self.progress.counts.items() if one.get("removed")}
        versions = sum(one.get("versions", 0) for one in self.progress.counts.values())
        keys = self.progress.keys_destroyed
        day, models = date.fromisoformat(self.plan.day), tuple(self.plan.tasks)
        return Expired(day, removed, keys, versions, models, self.plan.emptied)


def run_day(settings: Settings, now: datetime) -> date | None:
    """The day by which age is told: that of the last run, and never one to come; None before the first run."""
    days = [row["as_of_on"] for row in ops.read(settings, "as_of")]
    is_built = has_table(settings, "silver.customers")
    return min(days[0], now.date()) if days and days[0] is not None and is_built else None


def expire(
    settings: Settings, clock: Clock, day: date | None = None, tell: Tell = lambda step, what: None
) -> Expired | None:
    """Remove what is past its retention; None where no run has been made yet. The caller holds the home's lock.

    Args:
        day: by which age is told; without it that of the last run.
    """
    continue_expiry(settings, tell)
    plan = planned(settings, clock, day)
    if plan is None:
        return None
    if not plan:
        return Expired(date.fromisoformat(plan.day), {})
    with open_keyring(settings, make=True) as keyring:
        (settings.home / PROGRESS).unlink(missing_ok=True)
        write_sealed(settings.home / PLAN, keyring, asdict(plan))
        rows = sum(counts(plan.places).values()) + sum(counts(plan.lines).values())
        about = {"expiry": plan.id, "day": plan.day, "rows": str(rows)}
        if plan.values:
            about["emptied"] = str(sum(one.rows for one in plan.emptied))
        audit.record(settings, keyring, clock(), asking_user(), "expire", **about)
        return _performed(Expiring(settings, keyring, plan, Progress(), tell))


def continue_expiry(settings: Settings, tell: Tell = lambda step, what: None) -> Expired | None:
    """End an expiry that was killed; None where none was."""
    if not (settings.home / PLAN).exists():
        return None
    with open_keyring(settings) as keyring:
        progress = Progress(**(read_sealed(settings.home / PROGRESS, keyring) or {}))
        return _performed(Expiring(settings, keyring, Plan.read(settings, keyring), progress, tell))


def planned(settings: Settings, clock: Clock, day: date | None = None) -> Plan | None:
    """What is past its retention; nothing is changed. None where no run has been made yet."""
    last = run_day(settings, clock())
    if last is None:
        return None
    day = day or last
    fitting, _ = fitting_engine(settings)
    open_engine(fitting)
    dbt = Transformation(fitting)
    (rows, values), lines = past_retention(fitting, dbt, day), lines_past_retention(settings, day)
    places = together(rows.values())
    subjects = {subject_of_batch(batch) for batch in lines}
    for part in _vault_rows(settings, places):
        subjects.update(part.column("subject_id").to_pylist())
    touched = {*rows, *(one.entity for one in values)}
    made = dbt.tables_made_of(touched) if touched else set()
    return Plan(
        id=f"R{clock():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        day=str(day),
        rows=rows,
        lines=lines,
        subjects=sorted(subjects),
        tasks=derived.tasks_of(settings, made),
        values=values,
    )


def foretold(settings: Settings, plan: Plan) -> Expired:
    """What a plan would come to."""
    rows = {f"bronze.{entity}": sum(counts(places).values()) for entity, places in plan.rows.items()}
    rows[LINES] = sum(counts(plan.lines).values())
    for name, batch, row in _silver_of(settings, plan):
        rows[name] = sum(part.num_rows for part in rows_at(settings, name, plan.places, batch, row))
    rows[VAULT] = sum(part.num_rows for part in _vault_rows(settings, plan.places))
    keys = len(_held_no_more(settings, plan, plan.places, plan.lines))
    told = {name: count for name, count in rows.items() if count}
    return Expired(date.fromisoformat(plan.day), told, keys, models=tuple(plan.tasks), emptied=plan.emptied)


def _performed(expiring: Expiring) -> Expired:
    perform(expiring, STEPS)
    told = expiring.told()
    for name in (PLAN, PROGRESS):
        (expiring.settings.home / name).unlink(missing_ok=True)
    return told


def _remove(expiring: Expiring, name: str, places: Places, count: int, batch: str, row: str) -> None:
    """Rows of a table that came from these places; counted once, however often it is killed."""
    if count and "removed" not in expiring.progress.counts.get(name, {}):
        expiring.count(name, "removed", count)
    expiring.touch(name)
    if count:
        expiring.tell("rows", name)
        delete_at(expiring.settings, name, places, batch, row)


def _expire_bronze(expiring: Expiring) -> None:
    if not expiring.progress.loads:  # else it was killed after rows had gone
        note_loads(expiring, counts(expiring.plan.places), "landed", "expired")
        note_loads(expiring, counts(expiring.plan.lines), "quarantined", "expired")
        emptied: Counter[str] = Counter()
        for one in expiring.plan.values:
            emptied.update(counts(one.places))
        note_loads(expiring, emptied, EMPTIED, "expired")
        expiring.save()
    for entity, places in expiring.plan.rows.items():
        _remove(expiring, f"bronze.{entity}", places, sum(counts(places).values()), "_batch_id", "_row_number")
    lines = expiring.plan.lines
    if lines:
        _remove(expiring, LINES, lines, sum(counts(lines).values()), "batch_id", "row_number")
    write_loads(expiring, "expired")


def _expire_silver(expiring: Expiring) -> None:
    """The rows that silver made of those, and what it refused. A table none of whose rows goes is touched all the same:
    it may count copies that went, and is made anew."""
    for name, batch, row in _silver_of(expiring.settings, expiring.plan):
        found = sum(part.num_rows for part in rows_at(expiring.settings, name, expiring.plan.places, batch, row))
        _remove(expiring, name, expiring.plan.places, found, batch, row)


def _expire_values(expiring: Expiring) -> None:
    """Columns of rows that stay, in bronze and where silver calls them the same; the record of a refused row whole.
    What else silver makes of them the next run makes anew."""
    settings = expiring.settings
    for one in expiring.plan.values:
        for name, wanted in ((f"bronze.{one.entity}", one.stored), (f"silver.{one.entity}", one.columns)):
            _empty(expiring, name, [*wanted], one.places, "_batch_id", "_row_number")
        refused = (
            rows_at(settings, REFUSED, one.places, "batch_id", "row_number") if has_table(settings, REFUSED) else ()
        )
        if any(part.num_rows for part in refused):
            _empty(expiring, REFUSED, ["raw"], one.places, "batch_id", "row_number")


def _empty(expiring: Expiring, name: str, columns: list[str], places: Places, batch: str, row: str) -> None:
    settings = expiring.settings
    if not has_table(settings, name):
        return
    expiring.touch(name)
    there = set(tables.columns_of(settings, name))
    emptied = {column: "NULL" for column in columns if column in there}
    if emptied:
        expiring.tell("values", name)
        for condition in conditions(places, batch, row):
            tables.empty_columns(settings, name, condition, emptied)


def _silver_of(settings: Settings, plan: Plan) -> list[tuple[str, str, str]]:
    told = [(f"silver.{entity}", "_batch_id", "_row_number") for entity in plan.rows]
    told += [(REFUSED, "batch_id", "row_number")] if plan.rows else []
    return [one for one in told if has_table(settings, one[0])]


def _expire_vault(expiring: Expiring) -> None:
    settings, plan = expiring.settings, expiring.plan
    found = sum(part.num_rows for part in _vault_rows(settings, plan.places))
    if found:
        _remove(expiring, VAULT, plan.places, found, "batch_id", "row_number")
    gone = _held_no_more(settings, plan, {}, {})
    if has_table(settings, CORRECTIONS):
        put_right = tables.find_rows(settings, CORRECTIONS, [Match("subject", ("subject_id",), frozenset(gone))])
        if put_right.rows:
            expiring.touch(CORRECTIONS)
            expiring.count(CORRECTIONS, "removed", put_right.rows)
            tables.delete_rows(settings, CORRECTIONS, put_right.condition())
    expiring.progress.keys_destroyed += expiring.keyring.forget(gone)


def _vault_rows(settings: Settings, places: Places) -> list[pa.RecordBatch]:
    """Whose rows of the vault came from these places."""
    if not places or not has_table(settings, VAULT):
        return []
    return list(rows_at(settings, VAULT, places, "batch_id", "row_number", ["subject_id"]))


def _held_no_more(settings: Settings, plan: Plan, rows: Places, lines: Places) -> set[str]:
    """Of the plan's subjects those of whom nothing is sealed any more, once these rows and lines are gone."""
    left = set(plan.subjects)
    if has_table(settings, VAULT):
        for part in rows_at(settings, VAULT, rows, "batch_id", "row_number", ["subject_id"], others=True):
            left.difference_update(pc.unique(part.column("subject_id")).to_pylist())
    for part in rows_at(settings, LINES, lines, "batch_id", "row_number", others=True):
        left.difference_update(map(subject_of_batch, pc.unique(part.column("batch_id")).to_pylist()))
    return left


def _expire_restrictions(expiring: Expiring) -> None:
    """Restrictions of customers of whom silver has nothing any more: there is nothing left to restrict."""
    settings, name = expiring.settings, "ops.restrictions"
    ids = {row["customer_id"] for row in ops.read(settings, "restrictions")}
    for schema, table in list_tables(settings) if ids else ():
        if schema == "silver" and "customer_id" in tables.columns_of(settings, f"{schema}.{table}"):
            match = Match("customer", ("customer_id",), frozenset(ids))
            stored = tables.find_rows(settings, f"{schema}.{table}", [match]).stored
            ids -= {value for values in stored.values() for (value,) in values}
    if ids:
        found = tables.find_rows(settings, name, [Match("customer", ("customer_id",), frozenset(ids))])
        expiring.touch(name)
        expiring.count(name, "removed", found.rows)
        tables.delete_rows(settings, name, found.condition())


def _end_histories(expiring: Expiring) -> None:
    for name in expiring.progress.states:
        expiring.progress.versions[name] = tables.end_history(expiring.settings, name, expiring.plan.id)
        expiring.save()


def _note_derived(expiring: Expiring) -> None:
    plan = expiring.plan
    silver = {f"silver.{one.entity}" for one in plan.values}
    derived.note(expiring.settings, plan.id, silver, bool(plan.rows or plan.values))


STEPS: dict[str, Callable[[Expiring], None]] = {
    "derived": _note_derived,
    "bronze": _expire_bronze,
    "silver": _expire_silver,
    "values": _expire_values,
    "vault": _expire_vault,
    "restrictions": _expire_restrictions,
    "models": lambda expiring: derived.outdate(expiring.settings, expiring.plan.tasks, expiring.plan.id),
    "history": _end_histories,
    "past": forget_past,
}
